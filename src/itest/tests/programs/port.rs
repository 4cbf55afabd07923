//! Ports for servers that cannot let the kernel choose one.

use std::io::Error;
use std::net::TcpListener;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

/// A TCP port of 127.0.0.1 that the kernel chose, reserved as long as this value lives.
///
/// A bound socket with SO_REUSEADDR that does not listen reserves it: a server with SO_REUSEADDR can bind and listen
/// on the port too, and the kernel gives the port to nobody else.
pub struct Port {
    pub number: u16,
    _holder: OwnedFd,
}

impl Port {
    pub fn hold() -> Self {
        // SAFETY: socket() takes three integers.
        let fd = unsafe { libc::socket(libc::AF_INET, libc::SOCK_STREAM | libc::SOCK_CLOEXEC, 0) };
        assert!(fd >= 0, "socket: {}", Error::last_os_error());
        // SAFETY: the descriptor is new, and nobody else owns it.
        let holder = unsafe { OwnedFd::from_raw_fd(fd) };

        let on: libc::c_int = 1;
        let size = size_of_val(&on) as libc::socklen_t;
        let fd = holder.as_raw_fd();
        // SAFETY: the option's value is an int, of which address and size are given.
        let set = unsafe {
            libc::setsockopt(fd, libc::SOL_SOCKET, libc::SO_REUSEADDR, (&raw const on).cast(), size)
        };
        assert_eq!(set, 0, "SO_REUSEADDR: {}", Error::last_os_error());

        let address = libc::sockaddr_in {
            sin_family: libc::AF_INET as libc::sa_family_t,
            sin_port: 0,
            sin_addr: libc::in_addr { s_addr: u32::from_ne_bytes([127, 0, 0, 1]) },
            sin_zero: [0; 8],
        };
        let size = size_of_val(&address) as libc::socklen_t;
        // SAFETY: a whole sockaddr_in, of which address and size are given.
        let bound = unsafe { libc::bind(fd, (&raw const address).cast(), size) };
        assert_eq!(bound, 0, "bind: {}", Error::last_os_error());

        // A type of the standard library that returns the address of any stream socket, listening or not.
        let socket = TcpListener::from(holder);
        let number = socket.local_addr().expect("the address of a bound socket").port();
        Self { number, _holder: socket.into() }
    }
}
