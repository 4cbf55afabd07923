//! Each hook gets the program's arguments, and its decision ends the walk or changes what the walk continues with.

use super::*;
use crate::errno::Errno;
use crate::net::namespace::INIT_NET;
use crate::net::path::Path;
use crate::net::socket::*;
use crate::verdict::{Action, Argument, Instead, Predicted, Reason};
use std::cell::RefCell;

/// A rule that a test installs for one walk.
type Rule = Box<dyn FnMut(&mut Cx, Func, Arguments) -> Result<(), Verdict>>;

thread_local! {
    static RULE: RefCell<Option<Rule>> = const { RefCell::new(None) };
}

pub(super) fn judge(cx: &mut Cx, hook: Func, arguments: Arguments) -> Result<(), Verdict> {
    RULE.with_borrow_mut(|rule| rule.as_mut().map_or(Ok(()), |rule| rule(cx, hook, arguments)))
}

/// Runs a walk under a rule.
fn under<T>(
    rule: impl FnMut(&mut Cx, Func, Arguments) -> Result<(), Verdict> + 'static,
    walk: impl FnOnce(&mut Cx) -> T,
) -> (T, Instead) {
    crate::net::init();
    let (mut path, mut instead) = (Path::new(), Instead::new());
    RULE.set(Some(Box::new(rule)));
    let result = walk(&mut Cx::new(&mut path, INIT_NET, &mut instead));
    RULE.set(None);
    (result, instead)
}

/// The hooks that a walk called: name and arguments as text.
fn seen<T>(walk: impl FnOnce(&mut Cx) -> T) -> Vec<String> {
    thread_local!(static SEEN: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) });
    let note = |_: &mut Cx, hook: Func, arguments: Arguments| {
        SEEN.with_borrow_mut(|seen| seen.push(format!("{}: {}", hook.name(), words(&arguments))));
        Ok(())
    };
    under(note, walk);
    SEEN.take()
}

fn words(arguments: &Arguments) -> String {
    let of = |sock: &Socket| format!("{}/{}", sock.sk.family, sock.ty);
    match arguments {
        Arguments::Protocol { family, ty, protocol } => format!("{family} {ty} {protocol}"),
        Arguments::Create { family, ty, protocol, kern } => format!("{family} {ty} {protocol} {kern}"),
        Arguments::PostCreate { sock, family, ty, protocol, kern } => {
            format!("{} {family} {ty} {protocol} {kern}", of(sock))
        }
        Arguments::Socketpair { socka, sockb } => {
            format!("{} {} {}", of(socka), of(sockb), std::ptr::eq(*socka, *sockb))
        }
        Arguments::Address { sock, address } => format!("{} {:?}", of(sock), address.bytes()),
        Arguments::Listen { sock, backlog } => format!("{} {backlog}", of(sock)),
        Arguments::Accept { sock, newsock } => {
            format!("{} {} {}", of(sock), of(newsock), newsock.ops.map_or("", |ops| ops.name))
        }
        Arguments::Message { sock, msg, size, flags } => {
            format!("{} {:?} {size} {flags:#x}", of(sock), msg.name.as_ref().map(SockAddr::bytes))
        }
        Arguments::Name { sock } => of(sock),
        Arguments::Option { sock, level, optname } => format!("{} {level} {optname}", of(sock)),
        Arguments::Shutdown { sock, how } => format!("{} {how}", of(sock)),
    }
}

fn socket(ty: c_int) -> Socket {
    crate::net::init();
    socket_of(INIT_NET.id, libc::AF_INET, ty, 0)
}

fn localhost(port: u16) -> SockAddr {
    let mut addr = SockAddr::of_v4([127, 0, 0, 1]);
    addr.buffer()[2..4].copy_from_slice(&port.to_be_bytes());
    addr
}

#[test]
fn each_hook_gets_what_the_program_gave() {
    const STREAM: c_int = libc::SOCK_STREAM;
    let tcp = socket(STREAM);
    let tcp = Lookup::Socket(&tcp);
    let addr = localhost(7);
    let at = "2/1 [2, 0, 0, 7, 127, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0]";
    let message = UserMsg {
        name: Some(Some(Ok(addr))),
        namelen: 16,
        iovlen: 1,
        iov: Some(Ok(40)),
        controllen: 0,
        control: None,
    };
    let one = |expected: String, walk: &dyn Fn(&mut Cx) -> Verdict| {
        assert_eq!(seen(walk), ["security_socket_".to_string() + &expected]);
    };
    one(format!("bind: {at}"), &|cx| sys_bind(cx, tcp, Some(Ok(&addr))));
    one(format!("connect: {at}"), &|cx| sys_connect(cx, tcp, Some(Ok(&addr))));
    one("listen: 2/1 -3".into(), &|cx| sys_listen(cx, tcp, -3));
    one("accept: 2/1 2/1 inet_stream_ops".into(), &|cx| sys_accept4(cx, tcp, 0));
    let out = AddrOut { len: Some(Ok(16)), buffer: None };
    one("getsockname: 2/1".into(), &|cx| sys_getname(cx, tcp, 0, out));
    one("getpeername: 2/1".into(), &|cx| sys_getname(cx, tcp, 1, out));
    one("setsockopt: 2/1 6 4".into(), &|cx| sys_setsockopt(cx, tcp, 6, 4, Some(Ok(1)), 4));
    one("getsockopt: 2/1 1 9".into(), &|cx| sys_getsockopt(cx, tcp, 1, 9, None, Some(Ok(4))));
    one("shutdown: 2/1 77".into(), &|cx| sys_shutdown(cx, tcp, 77));
    let some = at.replace("2/1 ", "");
    one(format!("sendmsg: 2/1 Some({some}) 40 0x8000"), &|cx| {
        sys_sendmsg(cx, tcp, Some(Ok(message)), 0x8000)
    });
    one(format!("sendmsg: 2/1 Some({some}) 5 0x40"), &|cx| {
        sys_sendto(cx, tcp, Some(Ok(5)), 0x40, Some(Some(Ok(addr))))
    });
    one("sendmsg: 2/1 None 9 0x40".into(), &|cx| sys_write(cx, tcp, 9, true));
    one("recvmsg: 2/1 None 6 0x2".into(), &|cx| sys_recvfrom(cx, tcp, Some(Ok(6)), 2));
    one("recvmsg: 2/1 None 40 0x0".into(), &|cx| sys_recvmsg(cx, tcp, Some(Ok(message)), 0));
}

#[test]
fn creation_is_asked_before_and_after_and_a_pair_has_two_ends() {
    let [create, post] =
        ["create: 2 1 6 false", "post_create: 2/1 2 1 6 false"].map(|it| format!("security_socket_{it}"));
    assert_eq!(
        seen(|cx| sys_socket(cx, libc::AF_INET, libc::SOCK_STREAM | libc::SOCK_CLOEXEC, 6)),
        [create, post]
    );
    let pair = seen(|cx| sys_socketpair(cx, libc::AF_UNIX, libc::SOCK_DGRAM, 0, None));
    assert_eq!(pair.last().expect("a hook"), "security_socket_socketpair: 1/2 1/2 false");
}

#[test]
fn a_refusal_or_an_answer_ends_the_walk() {
    let tcp = socket(libc::SOCK_STREAM);
    let tcp = Lookup::Socket(&tcp);
    let addr = localhost(7);
    let refuse =
        |_: &mut Cx, _: Func, _: Arguments| Err(Verdict::refuse(Errno::ENETUNREACH, Reason::Privilege));
    let (verdict, _) = under(refuse, |cx| sys_connect(cx, tcp, Some(Ok(&addr))));
    assert_eq!((verdict.action, verdict.predicted), (Action::Fail(Errno::ENETUNREACH), Predicted::Unknown));
    let ((verdict, sock), _) = under(refuse, |cx| sys_socket(cx, libc::AF_INET, libc::SOCK_STREAM, 0));
    assert_eq!(verdict.action, Action::Fail(Errno::ENETUNREACH));
    assert!(sock.ops.is_none());
    let late = |_: &mut Cx, hook: Func, _: Arguments| match hook.name() {
        "security_socket_post_create" => Err(Verdict::refuse(Errno::EACCES, Reason::Privilege)),
        _ => Ok(()),
    };
    let ((verdict, sock), _) = under(late, |cx| sys_socket(cx, libc::AF_INET, libc::SOCK_STREAM, 0));
    assert_eq!((verdict.action, sock.ops.is_none()), (Action::Fail(Errno::EACCES), true));
    let answer = |_: &mut Cx, _: Func, _: Arguments| Err(Verdict::done(3, Reason::Privilege));
    let (verdict, _) = under(answer, |cx| sys_recvfrom(cx, tcp, Some(Ok(6)), 0));
    assert_eq!(verdict.action, Action::Done(3));
}

#[test]
fn what_is_predicted_is_about_the_argument_that_libc_gets() {
    let (tcp, udp) = (socket(libc::SOCK_STREAM), socket(libc::SOCK_DGRAM));
    let (tcp, udp) = (Lookup::Socket(&tcp), Lookup::Socket(&udp));
    let addr = localhost(7);
    let short = SockAddr::new(&[2, 0, 0]);
    let address = move |cx: &mut Cx, _: Func, _: Arguments| {
        cx.instead.argument = Argument::Address(short);
        cx.instead.delay = 5;
        Ok(())
    };
    let einval = Predicted::Errno(Errno::EINVAL);
    let (verdict, instead) = under(address, |cx| sys_bind(cx, tcp, Some(Ok(&addr))));
    assert_eq!((verdict.action, verdict.predicted, instead.delay), (Action::Host, einval, 5));
    assert_eq!(instead.address().map(SockAddr::len), Some(3));
    let (verdict, _) = under(address, |cx| sys_connect(cx, tcp, Some(Ok(&addr))));
    assert_eq!(verdict.predicted, einval);
    let (verdict, _) = under(address, |cx| sys_sendto(cx, udp, Some(Ok(5)), 0, Some(Some(Ok(addr)))));
    assert_eq!(verdict.predicted, einval);
    // More than a datagram can hold, before it is cut.
    let length = |cx: &mut Cx, _: Func, _: Arguments| {
        cx.instead.argument = Argument::Length(10);
        Ok(())
    };
    let send = |cx: &mut Cx| sys_sendto(cx, udp, Some(Ok(70_000)), 0, Some(Some(Ok(addr))));
    assert_eq!(under(|_, _, _| Ok(()), send).0.predicted, Predicted::Errno(Errno::EMSGSIZE));
    assert_eq!(under(length, send).0.predicted, Predicted::Unknown);
}
