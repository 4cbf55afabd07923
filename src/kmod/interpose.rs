//! The functions that stand in the place of libc's, from the first socket of a module's on: one line each.
//!
//! A call on a descriptor that is no socket of a module's goes on to libc's function after two loads and a test. The others get
//! the socket and the call's arguments.
//!
//! # Safety
//! The prototypes are libc's. The pointers to libc's functions are stored before the functions here can be called.

use libc::*;
use sockshim_module::host::Host;

/// libc's functions.
pub mod original {
    pub use super::functions::original::*;
}

macro_rules! interpose {
    (
        on a descriptor { $(fn $name:ident($fd:ident: c_int $(, $arg:ident: $ty:ty)* $(,)?) -> $ret:ty = $by:path;)* }
        any { $(fn $other:ident($($oarg:ident: $oty:ty),* $(,)?) -> $oret:ty = $oby:path;)* }
    ) => {
        #[allow(non_snake_case, non_upper_case_globals, reason = "the names are the symbols")]
        mod functions {
            use super::*;
            use core::sync::atomic::AtomicPtr;

            pub mod pointers {
                use super::*;
                $(pub static $name: AtomicPtr<()> = AtomicPtr::new(core::ptr::null_mut());)*
                $(pub static $other: AtomicPtr<()> = AtomicPtr::new(core::ptr::null_mut());)*
            }

            pub mod original {
                use super::*;
                use core::sync::atomic::Ordering;
                $(
                    #[inline(always)]
                    pub unsafe fn $name($fd: c_int, $($arg: $ty),*) -> $ret {
                        let function = pointers::$name.load(Ordering::Relaxed);
                        // SAFETY: libc's function of this name, or what interposes it.
                        unsafe { core::mem::transmute::<*mut (), unsafe extern "C-unwind" fn(c_int, $($ty),*) -> $ret>(function)($fd, $($arg),*) }
                    }
                )*
                $(
                    #[inline(always)]
                    #[allow(clippy::too_many_arguments, reason = "as many as the symbol has")]
                    pub unsafe fn $other($($oarg: $oty),*) -> $oret {
                        let function = pointers::$other.load(Ordering::Relaxed);
                        // SAFETY: libc's function of this name, or what interposes it.
                        unsafe { core::mem::transmute::<*mut (), unsafe extern "C-unwind" fn($($oty),*) -> $oret>(function)($($oarg),*) }
                    }
                )*
            }

            pub mod in_place {
                use super::*;
                $(
                    pub unsafe extern "C-unwind" fn $name($fd: c_int, $($arg: $ty),*) -> $ret {
                        if crate::table::is_other($fd) {
                            // SAFETY: the program's own call.
                            return unsafe { original::$name($fd, $($arg),*) };
                        }
                        match crate::table::find($fd) {
                            Some(mut sock) => {
                                // SAFETY: the program's own call.
                                crate::answer::with_errno(|| unsafe { $by(&mut sock, $($arg),*) })
                            }
                            // SAFETY: the program's own call.
                            None => unsafe { original::$name($fd, $($arg),*) },
                        }
                    }
                )*
            }
        }

        /// Puts the functions in their places. A function of libc that others here call comes first in each list.
        pub fn all(host: &'static Host) {
            use functions::{in_place, pointers};
            let replace = |name: &'static str, function: *const (), original| {
                // SAFETY: the name ends with NUL, and the function has libc's prototype.
                unsafe { (host.replace)(name.as_ptr().cast(), function, original) };
            };
            $(replace(concat!(stringify!($name), "\0"), in_place::$name as *const (), &pointers::$name);)*
            $(replace(concat!(stringify!($other), "\0"), $oby as *const (), &pointers::$other);)*
        }
    };
}

use crate::{answer, create, life, message, modules, name, netdevice, option, table, user};

/// Makes the call that has this number, if a function here stands in its place. The result as syscall(2) returns it.
///
/// # Safety
/// The arguments must be those of the system call.
unsafe fn by_number(nr: c_long, [a, b, c, d, e, f]: [c_long; 6]) -> Option<c_long> {
    use functions::in_place as on;
    let fd = a as c_int;
    // SAFETY: the caller's promise.
    #[allow(non_upper_case_globals, reason = "the numbers' names")]
    let ret = unsafe {
        match nr {
            SYS_socket => create::socket(fd, b as c_int, c as c_int).into(),
            SYS_socketpair => create::socketpair(fd, b as c_int, c as c_int, d as *mut c_int).into(),
            SYS_bind => on::bind(fd, b as *const sockaddr, c as socklen_t).into(),
            SYS_connect => on::connect(fd, b as *const sockaddr, c as socklen_t).into(),
            SYS_listen => on::listen(fd, b as c_int).into(),
            SYS_accept => on::accept(fd, b as *mut sockaddr, c as *mut socklen_t).into(),
            SYS_accept4 => on::accept4(fd, b as *mut sockaddr, c as *mut socklen_t, d as c_int).into(),
            SYS_getsockname => on::getsockname(fd, b as *mut sockaddr, c as *mut socklen_t).into(),
            SYS_getpeername => on::getpeername(fd, b as *mut sockaddr, c as *mut socklen_t).into(),
            SYS_shutdown => on::shutdown(fd, b as c_int).into(),
            SYS_setsockopt => {
                on::setsockopt(fd, b as c_int, c as c_int, d as *const c_void, e as socklen_t).into()
            }
            SYS_getsockopt => {
                on::getsockopt(fd, b as c_int, c as c_int, d as *mut c_void, e as *mut socklen_t).into()
            }
            SYS_ioctl => option::ioctl(fd, b as c_ulong, c as c_ulong).into(),
            SYS_sendto => on::sendto(
                fd,
                b as *const c_void,
                c as size_t,
                d as c_int,
                e as *const sockaddr,
                f as socklen_t,
            ) as c_long,
            SYS_recvfrom => on::recvfrom(
                fd,
                b as *mut c_void,
                c as size_t,
                d as c_int,
                e as *mut sockaddr,
                f as *mut socklen_t,
            ) as c_long,
            SYS_sendmsg => on::sendmsg(fd, b as *const msghdr, c as c_int) as c_long,
            SYS_recvmsg => message::recvmsg(fd, b as *mut msghdr, c as c_int) as c_long,
            SYS_sendmmsg => on::sendmmsg(fd, b as *mut mmsghdr, c as c_uint, d as c_int).into(),
            SYS_recvmmsg => {
                message::recvmmsg(fd, b as *mut mmsghdr, c as c_uint, d as c_int, e as *mut timespec).into()
            }
            SYS_read => on::read(fd, b as *mut c_void, c as size_t) as c_long,
            SYS_write => on::write(fd, b as *const c_void, c as size_t) as c_long,
            SYS_readv => on::readv(fd, b as *const iovec, c as c_int) as c_long,
            SYS_writev => on::writev(fd, b as *const iovec, c as c_int) as c_long,
            SYS_sendfile => on::sendfile(fd, b as c_int, c as *mut off_t, d as size_t) as c_long,
            SYS_close => life::close(fd).into(),
            SYS_dup => life::dup(fd).into(),
            SYS_dup2 => life::dup2(fd, b as c_int).into(),
            SYS_dup3 => life::dup3(fd, b as c_int, c as c_int).into(),
            SYS_delete_module => return delete_module(a as *const c_char),
            SYS_pidfd_getfd => {
                let fd = original::syscall(nr, a, b, c, d, e, f);
                table::forget(fd as c_int);
                fd
            }
            SYS_fcntl => life::fcntl(fd, b as c_int, c as c_ulong).into(),
            SYS_close_range => life::close_range(a as c_uint, b as c_uint, c as c_int).into(),
            _ => return None,
        }
    };
    Some(ret)
}

/// delete_module(2) of a module that is one of ours.
fn delete_module(name: *const c_char) -> Option<c_long> {
    // As many bytes as one page has of it: what follows a name need not be there.
    let mut bytes = [0u8; 64];
    let len = bytes.len().min(4096 - name as usize % 4096);
    user::read(&mut bytes[..len], name.cast()).ok()?;
    let name = bytes.split(|byte| *byte == 0).next()?;
    modules::delete_module(name).map(|ret| answer::answer(ret as isize) as c_long)
}

/// syscall(2): the calls that a program makes by their numbers.
unsafe extern "C-unwind" fn syscall(
    nr: c_long,
    a: c_long,
    b: c_long,
    c: c_long,
    d: c_long,
    e: c_long,
    f: c_long,
) -> c_long {
    // SAFETY: the program's own call.
    match unsafe { by_number(nr, [a, b, c, d, e, f]) } {
        Some(ret) => ret,
        // SAFETY: the program's own call.
        None => unsafe { original::syscall(nr, a, b, c, d, e, f) },
    }
}

interpose! {
    on a descriptor {
        fn sendmsg(fd: c_int, msg: *const msghdr, flags: c_int) -> ssize_t = message::sendmsg;
        fn send(fd: c_int, buf: *const c_void, len: size_t, flags: c_int) -> ssize_t = message::send;
        fn __send(fd: c_int, buf: *const c_void, len: size_t, flags: c_int) -> ssize_t = message::send;
        fn sendto(fd: c_int, buf: *const c_void, len: size_t, flags: c_int, addr: *const sockaddr, addrlen: socklen_t) -> ssize_t = message::sendto;
        fn sendmmsg(fd: c_int, msgvec: *mut mmsghdr, vlen: c_uint, flags: c_int) -> c_int = message::sendmmsg;
        fn recv(fd: c_int, buf: *mut c_void, len: size_t, flags: c_int) -> ssize_t = message::recv;
        fn __recv_chk(fd: c_int, buf: *mut c_void, len: size_t, buflen: size_t, flags: c_int) -> ssize_t = message::recv_chk;
        fn recvfrom(fd: c_int, buf: *mut c_void, len: size_t, flags: c_int, addr: *mut sockaddr, addrlen: *mut socklen_t) -> ssize_t = message::recvfrom;
        fn __recvfrom_chk(fd: c_int, buf: *mut c_void, len: size_t, buflen: size_t, flags: c_int, addr: *mut sockaddr, addrlen: *mut socklen_t) -> ssize_t = message::recvfrom_chk;
        fn read(fd: c_int, buf: *mut c_void, len: size_t) -> ssize_t = message::read;
        fn __read(fd: c_int, buf: *mut c_void, len: size_t) -> ssize_t = message::read;
        fn __read_chk(fd: c_int, buf: *mut c_void, len: size_t, buflen: size_t) -> ssize_t = message::read_chk;
        fn readv(fd: c_int, iov: *const iovec, iovcnt: c_int) -> ssize_t = message::readv;
        fn preadv2(fd: c_int, iov: *const iovec, iovcnt: c_int, offset: off_t, flags: c_int) -> ssize_t = message::preadv2;
        fn preadv64v2(fd: c_int, iov: *const iovec, iovcnt: c_int, offset: off64_t, flags: c_int) -> ssize_t = message::preadv2;
        fn write(fd: c_int, buf: *const c_void, len: size_t) -> ssize_t = message::write;
        fn __write(fd: c_int, buf: *const c_void, len: size_t) -> ssize_t = message::write;
        fn writev(fd: c_int, iov: *const iovec, iovcnt: c_int) -> ssize_t = message::writev;
        fn pwritev2(fd: c_int, iov: *const iovec, iovcnt: c_int, offset: off_t, flags: c_int) -> ssize_t = message::pwritev2;
        fn pwritev64v2(fd: c_int, iov: *const iovec, iovcnt: c_int, offset: off64_t, flags: c_int) -> ssize_t = message::pwritev2;
        fn sendfile(fd: c_int, in_fd: c_int, offset: *mut off_t, count: size_t) -> ssize_t = message::sendfile;
        fn sendfile64(fd: c_int, in_fd: c_int, offset: *mut off64_t, count: size_t) -> ssize_t = message::sendfile;

        fn bind(fd: c_int, addr: *const sockaddr, addrlen: socklen_t) -> c_int = name::bind;
        fn listen(fd: c_int, backlog: c_int) -> c_int = name::listen;
        fn connect(fd: c_int, addr: *const sockaddr, addrlen: socklen_t) -> c_int = name::connect;
        fn __connect(fd: c_int, addr: *const sockaddr, addrlen: socklen_t) -> c_int = name::connect;
        fn getsockname(fd: c_int, addr: *mut sockaddr, addrlen: *mut socklen_t) -> c_int = name::getsockname;
        fn getpeername(fd: c_int, addr: *mut sockaddr, addrlen: *mut socklen_t) -> c_int = name::getpeername;
        fn shutdown(fd: c_int, how: c_int) -> c_int = name::shutdown;
        fn accept(fd: c_int, addr: *mut sockaddr, addrlen: *mut socklen_t) -> c_int = create::accept;
        fn accept4(fd: c_int, addr: *mut sockaddr, addrlen: *mut socklen_t, flags: c_int) -> c_int = create::accept4;
        fn setsockopt(fd: c_int, level: c_int, optname: c_int, optval: *const c_void, optlen: socklen_t) -> c_int = option::setsockopt;
        fn getsockopt(fd: c_int, level: c_int, optname: c_int, optval: *mut c_void, optlen: *mut socklen_t) -> c_int = option::getsockopt;
        fn sockatmark(fd: c_int) -> c_int = option::sockatmark;
    }
    any {
        fn recvmsg(fd: c_int, msg: *mut msghdr, flags: c_int) -> ssize_t = message::recvmsg;
        fn recvmmsg(fd: c_int, msgvec: *mut mmsghdr, vlen: c_uint, flags: c_int, timeout: *mut timespec) -> c_int = message::recvmmsg;
        fn splice(fd: c_int, off_in: *mut off64_t, fd_out: c_int, off_out: *mut off64_t, len: size_t, flags: c_uint) -> ssize_t = message::splice;
        fn socket(family: c_int, type_: c_int, protocol: c_int) -> c_int = create::socket;
        fn socketpair(family: c_int, type_: c_int, protocol: c_int, sv: *mut c_int) -> c_int = create::socketpair;
        fn ioctl(fd: c_int, request: c_ulong, argp: c_ulong) -> c_int = option::ioctl;
        fn close(fd: c_int) -> c_int = life::close;
        fn __close(fd: c_int) -> c_int = life::close;
        fn close_range(first: c_uint, last: c_uint, flags: c_int) -> c_int = life::close_range;
        fn closefrom(lowfd: c_int) -> () = life::closefrom;
        fn dup(fd: c_int) -> c_int = life::dup;
        fn dup2(oldfd: c_int, newfd: c_int) -> c_int = life::dup2;
        fn dup3(oldfd: c_int, newfd: c_int, flags: c_int) -> c_int = life::dup3;
        fn pidfd_getfd(pidfd: c_int, targetfd: c_int, flags: c_uint) -> c_int = life::pidfd_getfd;
        fn fcntl(fd: c_int, cmd: c_int, arg: c_ulong) -> c_int = life::fcntl;
        fn fcntl64(fd: c_int, cmd: c_int, arg: c_ulong) -> c_int = life::fcntl64;
        fn if_nametoindex(name: *const c_char) -> c_uint = netdevice::if_nametoindex;
        fn if_indextoname(index: c_uint, name: *mut c_char) -> *mut c_char = netdevice::if_indextoname;
        fn if_nameindex() -> *mut if_nameindex = netdevice::if_nameindex;
        fn getifaddrs(list: *mut *mut ifaddrs) -> c_int = netdevice::getifaddrs;
        fn syscall(nr: c_long, a: c_long, b: c_long, c: c_long, d: c_long, e: c_long, f: c_long) -> c_long = syscall;
    }
}
