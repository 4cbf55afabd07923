//! What is sent and received on a socket of NETLINK_ROUTE.
//!
//! # Safety
//! The program's memory is copied. While the thread waits, there is plain data on the stack only: it may be cancelled.

use super::due::{self, Due};
use super::link;
use super::message::{HEAD, Head, Writer, messages};
use super::request::{self, Answer};
use crate::{netdevice, original, user};
use core::ffi::c_int;
use core::mem::MaybeUninit;
use core::ptr;
use libc::{iovec, msghdr, ssize_t};
use sockshim_module::Socket;
use sockshim_sys as sys;

/// The longest message that is looked at; requests about interfaces are much shorter.
const LONGEST: usize = 16 * 1024;
/// What an interface takes, and more.
const LINK: usize = 1024;
const NLM_F_ACK: u16 = libc::NLM_F_ACK as u16;
const NLM_F_REQUEST: u16 = libc::NLM_F_REQUEST as u16;

fn failed() -> ssize_t {
    -(sys::errno() as ssize_t)
}

/// libc's answer, or -errno.
fn answered(ret: ssize_t) -> ssize_t {
    if ret < 0 { failed() } else { ret }
}

fn one_part(msg: &mut msghdr, part: &mut iovec) {
    msg.msg_iov = ptr::from_mut(part);
    msg.msg_iovlen = 1;
}

/// Sends a message, without what is not for the kernel.
pub unsafe extern "C-unwind" fn sendmsg(
    sock: &mut Socket,
    msg: *mut msghdr,
    len: usize,
    flags: c_int,
) -> ssize_t {
    // SAFETY: what the header promises.
    let msg = unsafe { &mut *msg };
    if let Some(sent) = exchanged(sock, msg, len, flags) {
        return sent;
    }
    // SAFETY: the program's own call.
    answered(unsafe { original::sendmsg(sock.fd, msg, flags) })
}

/// The same if a request in it is not for the kernel alone.
fn exchanged(sock: &Socket, msg: &mut msghdr, len: usize, flags: c_int) -> Option<ssize_t> {
    if !(HEAD..=LONGEST).contains(&len) || !is_for_kernel(msg) {
        return None;
    }
    let mut memory = sys::Scratch::<u8>::new(2 * LONGEST + 2 * LONGEST)?;
    let (asked, rest) = memory.slice().split_at_mut(LONGEST);
    gather(msg, &mut asked[..len])?;
    let asked = &asked[..len];
    let mut to_kernel = Writer::new(rest);
    let mut is_changed = false;
    let mut dues = [(Head::default(), Due::Dump); 16];
    let mut count = 0;
    for (head, message) in messages(asked) {
        let answer = if count + 2 > dues.len() { Answer::Kernel } else { request::answer(&head, message) };
        let noop =
            Head { len: HEAD as u32, ty: libc::NLMSG_NOOP as u16, flags: NLM_F_REQUEST | NLM_F_ACK, ..head };
        let mut put = |to_kernel: &mut Writer, due| {
            dues[count] = (head, due);
            count += 1;
            to_kernel.put(&noop.bytes());
        };
        match answer {
            Answer::Kernel => to_kernel.put(message),
            Answer::Dump => {
                dues[count] = (head, Due::Dump);
                count += 1;
                to_kernel.put(message);
            }
            Answer::Link(ifindex) => {
                put(&mut to_kernel, Due::Link(ifindex));
                if head.flags & NLM_F_ACK != 0 {
                    put(&mut to_kernel, Due::Acknowledge(0));
                }
            }
            Answer::Errno(0) if head.flags & NLM_F_ACK == 0 => {}
            Answer::Errno(errno) => put(&mut to_kernel, Due::Acknowledge(errno)),
        }
        is_changed |= !matches!(answer, Answer::Kernel | Answer::Dump);
    }
    let to_send = to_kernel.len();
    if count == 0 && !is_changed {
        return None;
    }
    // Before it is sent, because another thread may already be waiting for the answer.
    dues[..count].iter().for_each(|(head, due)| due::add(sock.cookie, *head, *due));
    if is_changed && to_send == 0 {
        return Some(len as ssize_t);
    }
    let mut part = if is_changed {
        iovec { iov_base: rest.as_mut_ptr().cast(), iov_len: to_send }
    } else {
        iovec { iov_base: asked.as_ptr().cast_mut().cast(), iov_len: len }
    };
    let mut copy = *msg;
    one_part(&mut copy, &mut part);
    // A request does not wait: there is no cancellation that could leave the memory.
    let args = [sock.fd.into(), &raw const copy as i64, flags.into(), 0, 0, 0];
    // SAFETY: a whole message of copies.
    let ret = unsafe { sys::syscall(libc::SYS_sendmsg, args) } as ssize_t;
    if ret < 0 {
        dues[..count].iter().for_each(|(head, due)| {
            if let Some(found) = due::find(sock.cookie, head.seq, *due == Due::Dump) {
                due::done(&found);
            }
        });
        return Some(ret);
    }
    Some(len as ssize_t)
}

/// Whether the message goes to the kernel, and not to another program.
fn is_for_kernel(msg: &msghdr) -> bool {
    if msg.msg_name.is_null() || (msg.msg_namelen as usize) < size_of::<libc::sockaddr_nl>() {
        return true;
    }
    // SAFETY: the host has copied as many bytes.
    unsafe { msg.msg_name.cast::<libc::sockaddr_nl>().read_unaligned() }.nl_pid == 0
}

/// Copies the program's parts; `None` if they cannot be read, which the kernel says as well.
fn gather(msg: &msghdr, to: &mut [u8]) -> Option<()> {
    let mut at = 0;
    for index in 0..msg.msg_iovlen {
        // SAFETY: the host has copied the parts.
        let part = unsafe { &*msg.msg_iov.add(index) };
        let end = (at + part.iov_len).min(to.len());
        user::read(&mut to[at..end], part.iov_base).ok()?;
        at = end;
    }
    Some(())
}

/// Receives a message, with what is not from the kernel.
pub unsafe extern "C-unwind" fn recvmsg(
    sock: &mut Socket,
    msg: *mut msghdr,
    len: usize,
    flags: c_int,
) -> ssize_t {
    // SAFETY: what the header promises.
    let msg = unsafe { &mut *msg };
    if !msg.msg_name.is_null() {
        msg.msg_namelen = size_of::<libc::sockaddr_storage>() as u32;
    }
    if due::is_any(sock.cookie) && flags & libc::MSG_ERRQUEUE == 0 {
        // SAFETY: integers and raw pointers.
        let mut peeked: msghdr = unsafe { MaybeUninit::zeroed().assume_init() };
        let mut none = iovec { iov_base: ptr::null_mut(), iov_len: 0 };
        one_part(&mut peeked, &mut none);
        let wait = flags & libc::MSG_DONTWAIT;
        // SAFETY: a message without room.
        let size =
            unsafe { original::recvmsg(sock.fd, &raw mut peeked, libc::MSG_PEEK | libc::MSG_TRUNC | wait) };
        if size < 0 {
            return failed();
        }
        if let Some(received) = replaced(sock, msg, len, flags, size as usize) {
            return received;
        }
    }
    // SAFETY: the program's own call.
    answered(unsafe { original::recvmsg(sock.fd, msg, flags) })
}

/// The next datagram, of `size` bytes, if something in it is replaced.
fn replaced(sock: &Socket, msg: &mut msghdr, room: usize, flags: c_int, size: usize) -> Option<ssize_t> {
    let links = netdevice::owns().count();
    let most = size + (links + 2) * LINK;
    let mut memory = sys::Scratch::<u8>::new(size + most)?;
    let (came, made) = memory.slice().split_at_mut(size);
    // SAFETY: integers and raw pointers.
    let mut copy: msghdr = unsafe { MaybeUninit::zeroed().assume_init() };
    let mut part = iovec { iov_base: came.as_mut_ptr().cast(), iov_len: size };
    one_part(&mut copy, &mut part);
    if receive(sock.fd, &mut copy, libc::MSG_PEEK) != size as ssize_t {
        return None;
    }
    let mut writer = Writer::new(made);
    let mut given = [None; 16];
    let mut count = 0;
    for (head, message) in messages(came) {
        let is_done = head.ty == libc::NLMSG_DONE as u16;
        let is_noop = head.ty == libc::NLMSG_ERROR as u16
            && Head::of_bytes(message.get(HEAD + 4..).unwrap_or(&[])).ty == libc::NLMSG_NOOP as u16;
        let is_refused = head.ty == libc::NLMSG_ERROR as u16 && !is_noop;
        if is_refused && let Some(dump) = due::find(sock.cookie, head.seq, true) {
            // The kernel does not give a dump: there is nothing to add to.
            due::done(&dump);
        }
        let found = if is_done || is_noop { due::find(sock.cookie, head.seq, is_done) } else { None };
        let Some(found) = found.filter(|_| count < given.len()) else {
            writer.put(message);
            continue;
        };
        let plain = Head { flags: 0, ..head };
        match found.due {
            Due::Dump => {
                netdevice::owns().for_each(|own| link::write(&mut writer, head, &own.device));
                writer.put(message);
            }
            Due::Link(ifindex) => match netdevice::own_by_index(ifindex) {
                Some(own) => link::write(&mut writer, plain, &own.device),
                None => link::acknowledge(&mut writer, plain, libc::ENODEV, found.asked),
            },
            Due::Acknowledge(errno) => link::acknowledge(&mut writer, plain, errno, found.asked),
        }
        if flags & libc::MSG_PEEK == 0 {
            due::done(&found);
        }
        given[count] = Some(found);
        count += 1;
    }
    let len = writer.len();
    if count == 0 || len > most {
        return None;
    }
    // Now the datagram itself: its sender and its control messages are the program's.
    let mut none = iovec { iov_base: ptr::null_mut(), iov_len: 0 };
    let (parts, parts_count) = (msg.msg_iov, msg.msg_iovlen);
    one_part(msg, &mut none);
    let ret = receive(sock.fd, msg, flags & (libc::MSG_PEEK | libc::MSG_CMSG_CLOEXEC));
    (msg.msg_iov, msg.msg_iovlen) = (parts, parts_count);
    if ret < 0 {
        return Some(ret);
    }
    let copied = len.min(room);
    if let Err(errno) = scatter(msg, &made[..copied]) {
        return Some(-(errno as ssize_t));
    }
    msg.msg_flags &= !libc::MSG_TRUNC;
    if len > room {
        msg.msg_flags |= libc::MSG_TRUNC;
    }
    Some(if flags & libc::MSG_TRUNC != 0 { len } else { copied } as ssize_t)
}

/// recvmsg(2) of what is there, which does not wait.
fn receive(fd: c_int, msg: &mut msghdr, flags: c_int) -> ssize_t {
    let args = [fd.into(), ptr::from_mut(msg) as i64, (flags | libc::MSG_DONTWAIT).into(), 0, 0, 0];
    // SAFETY: a whole message; the kernel checks the program's memory.
    unsafe { sys::syscall(libc::SYS_recvmsg, args) as ssize_t }
}

/// Copies to the program's parts.
fn scatter(msg: &msghdr, mut bytes: &[u8]) -> Result<(), c_int> {
    for index in 0..msg.msg_iovlen {
        // SAFETY: the host has copied the parts.
        let part = unsafe { &*msg.msg_iov.add(index) };
        let (now, rest) = bytes.split_at(part.iov_len.min(bytes.len()));
        user::write(part.iov_base, now)?;
        bytes = rest;
    }
    Ok(())
}
