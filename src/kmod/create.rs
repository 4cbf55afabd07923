//! The calls that make sockets. The kernel is asked first: a module's family is for programs on kernels without it. Only where a
//! variable names the family (CAN buses), its module is.
//!
//! # Safety
//! Create functions are those of loaded modules, called as the header describes them.

use crate::answer::{answer, failure};
use crate::{counts, host, message, modules, original, registry, rtnetlink, slot, table, user};
use core::ffi::c_int;
use core::ptr;
use libc::{sockaddr, socklen_t};
use sockshim_module::{Create, Socket};
use sockshim_sys as sys;

const SOCK_TYPE_MASK: c_int = 0xf;
const SOCK_FLAGS: c_int = libc::SOCK_CLOEXEC | libc::SOCK_NONBLOCK;

fn socket_of(family: c_int, ty: c_int, protocol: c_int) -> Socket {
    Socket { fd: -1, family, ty, protocol, flags: 0, ops: ptr::null(), sk: ptr::null_mut(), cookie: 0 }
}

/// Whether the errno says that the kernel has no such family, or no such protocol of IP.
fn is_missing(family: c_int, errno: c_int) -> bool {
    let is_ip = family == libc::AF_INET || family == libc::AF_INET6;
    errno == libc::EAFNOSUPPORT || is_ip && [libc::EPROTONOSUPPORT, libc::ESOCKTNOSUPPORT].contains(&errno)
}

/// Whether the module's family comes before the kernel's: buses were asked for, and none of them is one of the kernel's interfaces.
fn comes_first(family: c_int) -> bool {
    family == libc::AF_CAN
        && host::variable(c"SOCKSHIM_CAN").is_some()
        && crate::netdevice::is_free_of_real_ones()
}

/// What can make a socket of the family, loaded if need be. The socket is counted from now on, so that the module stays.
fn create_function(family: c_int, ty: c_int, protocol: c_int) -> Option<Create> {
    counts::get(family);
    let create = registered(family, ty, protocol);
    if create.is_none() {
        counts::put(family);
    }
    create
}

fn registered(family: c_int, ty: c_int, protocol: c_int) -> Option<Create> {
    if family == libc::AF_INET || family == libc::AF_INET6 {
        let find = || registry::inet_protosw(ty, protocol).map(|protosw| protosw.create);
        return find().or_else(|| {
            modules::request_module(family);
            find()
        });
    }
    if registry::net_family(family).is_none() {
        modules::request_module(family);
    }
    registry::net_family(family).map(|family| family.create)
}

pub unsafe extern "C-unwind" fn socket(family: c_int, ty: c_int, protocol: c_int) -> c_int {
    let errno = sys::errno();
    if !comes_first(family) {
        // SAFETY: the program's own call.
        let fd = unsafe { original::socket(family, ty, protocol) };
        if fd >= 0 && family == libc::AF_NETLINK {
            rtnetlink::made(fd, ty & SOCK_TYPE_MASK, protocol);
            sys::set_errno(errno);
        }
        if fd >= 0 || !is_missing(family, sys::errno()) {
            return fd;
        }
    }
    let missing = sys::errno();
    let Some(create) = create_function(family, ty & SOCK_TYPE_MASK, protocol) else {
        return failure(if is_missing(family, missing) { missing } else { libc::EAFNOSUPPORT });
    };
    match make(create, family, ty, protocol) {
        Ok((fd, _)) => {
            sys::set_errno(errno);
            fd
        }
        Err(errno) => failure(errno),
    }
}

/// `__sys_socket`, from the flags to the descriptor. The socket has been counted.
fn make(create: Create, family: c_int, ty: c_int, protocol: c_int) -> Result<(c_int, u32), c_int> {
    const SOCK_MAX: c_int = 11;
    let flags = ty & !SOCK_TYPE_MASK;
    let ty = ty & SOCK_TYPE_MASK;
    let refused = |errno| {
        counts::put(family);
        errno
    };
    if flags & !SOCK_FLAGS != 0 || ty >= SOCK_MAX {
        return Err(refused(libc::EINVAL));
    }
    let mut sock = socket_of(family, ty, protocol);
    let index = slot::alloc(&sock).ok_or_else(|| refused(libc::ENOMEM))?;
    sock.sk = slot::socket(index, -1).sk;
    // SAFETY: the socket is as the header describes it.
    let ret = unsafe { create(&mut sock, protocol, flags) };
    let made = made(ret, &mut sock);
    slot::update(index, &sock);
    match made {
        Ok(()) => {
            table::install(sock.fd, index);
            Ok((sock.fd, index))
        }
        Err(errno) => {
            // Without ops nothing is released.
            sock.ops = ptr::null();
            slot::update(index, &sock);
            slot::put(index);
            Err(errno)
        }
    }
}

fn made(ret: c_int, sock: &mut Socket) -> Result<(), c_int> {
    if ret < 0 {
        return Err(-ret);
    }
    if sock.ops.is_null() || sock.fd < 0 {
        // A module that has forgotten half of it.
        return Err(libc::EAFNOSUPPORT);
    }
    sock.cookie = sys::getsockopt_cookie(sock.fd)?;
    Ok(())
}

pub unsafe extern "C-unwind" fn socketpair(
    family: c_int,
    ty: c_int,
    protocol: c_int,
    sv: *mut c_int,
) -> c_int {
    let errno = sys::errno();
    if !comes_first(family) {
        // SAFETY: the program's own call.
        let ret = unsafe { original::socketpair(family, ty, protocol, sv) };
        if ret == 0 || !is_missing(family, sys::errno()) {
            return ret;
        }
    }
    let missing = sys::errno();
    let Some(create) = create_function(family, ty & SOCK_TYPE_MASK, protocol) else {
        return failure(if is_missing(family, missing) { missing } else { libc::EAFNOSUPPORT });
    };
    match pair(create, family, ty, protocol) {
        Ok(fds) => match user::put(sv, fds[0]).and_then(|()| user::put(sv.wrapping_add(1), fds[1])) {
            Ok(()) => {
                sys::set_errno(errno);
                0
            }
            Err(errno) => {
                fds.into_iter().for_each(close);
                failure(errno)
            }
        },
        Err(errno) => failure(errno),
    }
}

fn close(fd: c_int) {
    table::forget(fd);
    sys::close(fd);
}

fn pair(create: Create, family: c_int, ty: c_int, protocol: c_int) -> Result<[c_int; 2], c_int> {
    let (one, first) = make(create, family, ty, protocol)?;
    counts::get(family);
    let (two, second) = make(create, family, ty, protocol).inspect_err(|_| close(one))?;
    let (mut sock1, mut sock2) = (slot::socket(first, one), slot::socket(second, two));
    // SAFETY: ops are those of a loaded module.
    let ret = match unsafe { (*sock1.ops).socketpair } {
        // SAFETY: the sockets are as the header describes them.
        Some(socketpair) => unsafe { socketpair(&mut sock1, &mut sock2) },
        None => -libc::EOPNOTSUPP,
    };
    if ret < 0 {
        [one, two].into_iter().for_each(close);
        return Err(-ret);
    }
    Ok([one, two])
}

pub unsafe fn accept(sock: &mut Socket, addr: *mut sockaddr, addrlen: *mut socklen_t) -> c_int {
    // SAFETY: the program's own call.
    unsafe { accept4(sock, addr, addrlen, 0) }
}

pub unsafe fn accept4(
    sock: &mut Socket,
    addr: *mut sockaddr,
    addrlen: *mut socklen_t,
    flags: c_int,
) -> c_int {
    if flags & !SOCK_FLAGS != 0 {
        return failure(libc::EINVAL);
    }
    // SAFETY: ops are those of a loaded module.
    let Some(accept) = (unsafe { (*sock.ops).accept }) else { return failure(libc::EOPNOTSUPP) };
    let mut newsock = socket_of(sock.family, sock.ty, sock.protocol);
    newsock.ops = sock.ops;
    let Some(index) = slot::alloc(&newsock) else { return failure(libc::ENOMEM) };
    newsock.sk = slot::socket(index, -1).sk;
    counts::get(sock.family);
    // SAFETY: the sockets are as the header describes them.
    let ret = unsafe { accept(sock, &mut newsock, flags) };
    newsock.fd = ret;
    let made = made(ret, &mut newsock);
    if made.is_err() {
        newsock.ops = ptr::null();
    }
    slot::update(index, &newsock);
    if let Err(errno) = made {
        slot::put(index);
        return failure(errno);
    }
    table::install(newsock.fd, index);
    if !addr.is_null() {
        let mut name = [0u8; message::STORAGE];
        // SAFETY: ops are those of a loaded module.
        let getname = unsafe { (*newsock.ops).getname };
        // SAFETY: room for the longest address.
        let len = getname.map_or(0, |getname| unsafe { getname(&mut newsock, name.as_mut_ptr().cast(), 1) });
        let len = usize::try_from(len).unwrap_or(0).min(name.len());
        if let Err(errno) = message::address_to_user(&name[..len], addr, addrlen) {
            close(newsock.fd);
            return failure(errno);
        }
    }
    answer(newsock.fd as isize) as c_int
}
