//! Bytes of what a call has moved or set: the first of them for a log that is to show them ([`text`]), and all for a capture of
//! packets ([`tap`]).

pub mod tap;

mod message;

use crate::stack::Page;
use crate::{identity, memory, mode, sys};
use libc::c_int;
use message::{Data, Message};
use sockshim_core::hook::{Does, Level};
use sockshim_core::net::address::SockAddr;
use sockshim_core::trace::event::{Event, Extra};
use sockshim_core::trace::parts::{self, Part};
use sockshim_core::uapi::SOCKADDR_STORAGE;

/// The longest socket address that leaves room for data: `struct sockaddr_in6`.
const LONGEST_NAME: usize = size_of::<libc::sockaddr_in6>();
/// The most bytes of data in an event.
const MOST: usize = sockshim_core::config::MOST_BYTES as usize;

/// After a call, before its event is sent.
#[cold]
#[inline(never)]
pub fn capture(event: &mut Event) {
    if mode::taps() {
        tap::call(event);
    }
    if matches!(event.errno, None | Some(libc::EINPROGRESS))
        && !identity::is_sandboxed()
        && matches!(event.extra, Extra::None | Extra::Address)
        && mode::captured() != 0
    {
        text(event);
    }
}

/// Puts into an event what its call has moved or set, if that has not been put there otherwise.
fn text(event: &mut Event) {
    let mut all = SockAddr::EMPTY;
    match event.hook.does {
        Does::Binds | Does::Connects => return names(event, event.fd),
        Does::Accepts => return names(event, Some(event.ret as c_int)),
        Does::SetsOption | Does::GetsOption if event.extra == Extra::None => option(event, &mut all),
        Does::Polls => copied(event.args[0], event.args[1], size_of::<libc::pollfd>(), &mut all),
        Does::Waits => copied(event.args[1], event.ret, size_of::<libc::epoll_event>(), &mut all),
        _ if event.hook.level == Level::Io && event.ret > 0 => data(event, &mut all),
        _ => return,
    }
    if !all.is_empty() {
        (event.addr, event.extra) = (all, Extra::Bytes);
    }
}

/// The addresses that a socket has got: its own, which the call does not tell, and the peer of an accepted one, if the call has not
/// been asked for it.
fn names(event: &mut Event, fd: Option<c_int>) {
    let family = event.before.map(|socket| socket.unpack().sk.family);
    let (Some(fd), Some(libc::AF_INET | libc::AF_INET6)) = (fd, family) else { return };
    let mut name = [0; SOCKADDR_STORAGE];
    if sys::address(fd, false, &mut name).is_ok() {
        event.set_own_name(&name);
    }
    if event.hook.does == Does::Accepts
        && event.extra == Extra::None
        && let Ok(len) = sys::address(fd, true, &mut name)
    {
        (event.addr, event.extra) = (SockAddr::new(&name[..len]), Extra::Address);
    }
}

fn option(event: &Event, all: &mut SockAddr) {
    let (address, length) = (event.args[3], event.args[4]);
    let length = match event.hook.does {
        Does::SetsOption => length as usize,
        _ => memory::value::<c_int>(Page::NONE, length).map_or(0, |length| length as usize),
    };
    let mut bytes = [0; SOCKADDR_STORAGE];
    let length = Data::Buffer(address, length as i64).copy(&mut bytes);
    if length > 0 {
        parts::push(all, Part::OptionValue, (&bytes[..length], false), 0);
    }
}

/// As many of `count` entries of this size as there is room for.
fn copied(address: i64, count: i64, size: usize, all: &mut SockAddr) {
    let mut bytes = [0; MOST];
    let most = MOST - MOST % size;
    let length = Data::Buffer(address, count.saturating_mul(size as i64)).copy(&mut bytes[..most]);
    if length > 0 {
        parts::push(all, Part::Data, (&bytes[..length], false), 0);
    }
}

fn data(event: &Event, all: &mut SockAddr) {
    let Some(message) = Message::of(event, 0) else { return };
    if event.extra == Extra::Address && event.addr.len() <= LONGEST_NAME {
        parts::push(all, Part::Address, (event.addr.bytes(), false), 0);
    } else {
        let mut name = [0; LONGEST_NAME];
        let (address, length) = message.name;
        let length =
            if length > LONGEST_NAME as i64 { 0 } else { Data::Buffer(address, length).copy(&mut name) };
        if length > 0 {
            parts::push(all, Part::Address, (&name[..length], false), 0);
        }
    }
    let mut bytes = [0; MOST];
    let most = mode::captured().min(message.moved);
    let length = bytes.get_mut(..most).map_or(0, |bytes| message.data.copy(bytes));
    if length > 0 {
        parts::push(all, Part::Data, (&bytes[..length], false), 0);
    }
}
