//! Sockets of CAN_RAW.
//!
//! # Safety
//! The functions are libc's, with buffers of ours, because those are what the library stands in for.

#![allow(
    clippy::disallowed_methods,
    reason = "the library is to stand in for these calls as for any program's"
)]

use super::Failure;
use sockshim_can_proto::frame::{CAN_MTU, CANFD_MTU, CANXL_MAX_MTU};
use std::ffi::{CStr, CString};
use std::io::{Error, ErrorKind};
use std::mem::{size_of, zeroed};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::time::Duration;

const SOL_CAN_RAW: i32 = 101;
const CAN_RAW: i32 = 1;
const CAN_RAW_FILTER: i32 = 1;
const CAN_RAW_ERR_FILTER: i32 = 2;
const CAN_RAW_FD_FRAMES: i32 = 5;
const CAN_RAW_JOIN_FILTERS: i32 = 6;
const CAN_RAW_XL_FRAMES: i32 = 7;
/// What this socket has room for, if the kernel lets it.
const ROOM: i32 = 4 << 20;

/// Which frames a socket gets.
#[derive(Clone, Default, PartialEq, Debug)]
pub struct Filters {
    /// `struct can_filter`: identifier and mask. Without any, all frames match.
    pub filters: Vec<[u32; 2]>,
    /// All of them must match.
    pub joined: bool,
    /// The classes of errors.
    pub errors: u32,
}

/// A frame that has come.
pub struct Received<'a> {
    /// Its bytes.
    pub bytes: &'a [u8],
    /// The interface's index.
    pub ifindex: i32,
    /// When, since 1970.
    pub time: Duration,
}

/// A socket of CAN_RAW.
pub struct CanSocket {
    fd: OwnedFd,
    buffer: Box<[u8; CANXL_MAX_MTU]>,
    /// How many frames had no room, as the kernel counts them.
    pub dropped: u32,
}

/// The index of the interface of this name.
pub fn index_of(name: &str) -> Option<i32> {
    let name = CString::new(name).ok()?;
    // SAFETY: a C string.
    let index = unsafe { libc::if_nametoindex(name.as_ptr()) };
    i32::try_from(index).ok().filter(|index| *index > 0)
}

/// The name of the interface with this index; its number if it has none any more.
pub fn name_of(ifindex: i32) -> String {
    let mut name = [0; libc::IFNAMSIZ];
    // SAFETY: room for the longest name.
    let found = unsafe { libc::if_indextoname(ifindex as u32, name.as_mut_ptr().cast()) };
    match CStr::from_bytes_until_nul(&name) {
        Ok(name) if !found.is_null() => name.to_string_lossy().into_owned(),
        _ => ifindex.to_string(),
    }
}

impl CanSocket {
    /// A socket that sends to the interfaces, and receives nothing.
    ///
    /// # Errors
    /// There is no AF_CAN.
    pub fn sending() -> Result<CanSocket, Failure> {
        let socket = CanSocket::new()?;
        // SAFETY: no filters have no bytes.
        unsafe { libc::setsockopt(socket.raw(), SOL_CAN_RAW, CAN_RAW_FILTER, std::ptr::null(), 0) };
        Ok(socket)
    }

    /// A socket that receives what matches, from an interface, or from all by the index 0.
    ///
    /// # Errors
    /// There is no AF_CAN, or not the interface.
    pub fn receiving(ifindex: i32, filters: &Filters) -> Result<CanSocket, Failure> {
        let socket = CanSocket::new()?;
        if !filters.filters.is_empty() {
            socket.must(SOL_CAN_RAW, CAN_RAW_FILTER, &filters.filters[..], "the filters")?;
        }
        if filters.joined {
            socket.must(SOL_CAN_RAW, CAN_RAW_JOIN_FILTERS, &[1], "joined filters")?;
        }
        if filters.errors != 0 {
            socket.must(SOL_CAN_RAW, CAN_RAW_ERR_FILTER, &[filters.errors], "the errors")?;
        }
        socket.must(libc::SOL_SOCKET, libc::SO_TIMESTAMPNS, &[1], "time stamps")?;
        socket.may(libc::SOL_SOCKET, libc::SO_RXQ_OVFL, 1);
        if socket.set(libc::SOL_SOCKET, libc::SO_RCVBUFFORCE, &[ROOM]).is_err() {
            socket.may(libc::SOL_SOCKET, libc::SO_RCVBUF, ROOM);
        }
        // SAFETY: all zeros are an address.
        let mut address: libc::sockaddr_can = unsafe { zeroed() };
        address.can_family = libc::AF_CAN as u16;
        address.can_ifindex = ifindex;
        let len = size_of::<libc::sockaddr_can>() as u32;
        // SAFETY: an address of this length.
        match unsafe { libc::bind(socket.raw(), (&raw const address).cast(), len) } {
            0 => Ok(socket),
            _ => Err(Failure::of(name_of(ifindex), &Error::last_os_error())),
        }
    }

    fn new() -> Result<CanSocket, Failure> {
        let ty = libc::SOCK_RAW | libc::SOCK_CLOEXEC | libc::SOCK_NONBLOCK;
        // SAFETY: numbers.
        let fd = unsafe { libc::socket(libc::AF_CAN, ty, CAN_RAW) };
        if fd < 0 {
            let error = Error::last_os_error();
            return Err(match error.raw_os_error() {
                Some(libc::EAFNOSUPPORT) => Failure::Said(
                    "this kernel has no AF_CAN, and there is no bus of sockshim's; '--can vcan0' makes one"
                        .into(),
                ),
                _ => Failure::of("a socket of CAN_RAW", &error),
            });
        }
        // SAFETY: the descriptor is new.
        let fd = unsafe { OwnedFd::from_raw_fd(fd) };
        let socket = CanSocket { fd, buffer: Box::new([0; CANXL_MAX_MTU]), dropped: 0 };
        // Kernels before 6.2 do not know the second.
        socket.may(SOL_CAN_RAW, CAN_RAW_FD_FRAMES, 1);
        socket.may(SOL_CAN_RAW, CAN_RAW_XL_FRAMES, 1);
        Ok(socket)
    }

    fn raw(&self) -> i32 {
        self.fd.as_raw_fd()
    }

    fn set<T: Copy>(&self, level: i32, name: i32, value: &[T]) -> Result<(), Error> {
        // SAFETY: as many bytes as the slice has.
        match unsafe {
            libc::setsockopt(self.raw(), level, name, value.as_ptr().cast(), size_of_val(value) as u32)
        } {
            0 => Ok(()),
            _ => Err(Error::last_os_error()),
        }
    }

    fn may(&self, level: i32, name: i32, value: i32) {
        let _ = self.set(level, name, &[value]);
    }

    fn must<T: Copy>(&self, level: i32, name: i32, value: &[T], what: &str) -> Result<(), Failure> {
        self.set(level, name, value).map_err(|error| Failure::of(what, &error))
    }

    /// The next frame; `None` if there is none now.
    ///
    /// # Errors
    /// What the kernel reports.
    pub fn receive(&mut self) -> Result<Option<Received<'_>>, Error> {
        let mut part = libc::iovec { iov_base: self.buffer.as_mut_ptr().cast(), iov_len: self.buffer.len() };
        let mut control = [0u64; 16];
        // SAFETY: all zeros are an address and a message.
        let (mut address, mut message): (libc::sockaddr_can, libc::msghdr) = unsafe { (zeroed(), zeroed()) };
        message.msg_name = (&raw mut address).cast();
        message.msg_namelen = size_of::<libc::sockaddr_can>() as u32;
        message.msg_iov = &raw mut part;
        message.msg_iovlen = 1;
        message.msg_control = control.as_mut_ptr().cast();
        message.msg_controllen = size_of_val(&control);
        // SAFETY: the message's parts are ours.
        let len = unsafe { libc::recvmsg(self.fd.as_raw_fd(), &raw mut message, 0) };
        if len < 0 {
            let error = Error::last_os_error();
            return if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) {
                Ok(None)
            } else {
                Err(error)
            };
        }
        let mut time = Duration::ZERO;
        // SAFETY: the kernel has written whole control messages, with the values of these types.
        unsafe {
            let mut next = libc::CMSG_FIRSTHDR(&raw const message);
            while let Some(head) = next.as_ref() {
                let data = libc::CMSG_DATA(next);
                match (head.cmsg_level, head.cmsg_type) {
                    (libc::SOL_SOCKET, libc::SCM_TIMESTAMPNS) => {
                        let stamp: libc::timespec = data.cast::<libc::timespec>().read_unaligned();
                        time = Duration::new(stamp.tv_sec as u64, stamp.tv_nsec as u32);
                    }
                    (libc::SOL_SOCKET, libc::SO_RXQ_OVFL) => {
                        self.dropped = data.cast::<u32>().read_unaligned()
                    }
                    _ => {}
                }
                next = libc::CMSG_NXTHDR(&raw const message, next);
            }
        }
        Ok(Some(Received { bytes: &self.buffer[..len as usize], ifindex: address.can_ifindex, time }))
    }

    /// Sends a frame to an interface, and waits where there is no room.
    ///
    /// # Errors
    /// What the kernel reports.
    pub fn send(&self, ifindex: i32, bytes: &[u8]) -> Result<(), Error> {
        // SAFETY: all zeros are an address.
        let mut address: libc::sockaddr_can = unsafe { zeroed() };
        address.can_family = libc::AF_CAN as u16;
        address.can_ifindex = ifindex;
        let len = size_of::<libc::sockaddr_can>() as u32;
        loop {
            // SAFETY: a slice, and an address of this length.
            let sent = unsafe {
                libc::sendto(
                    self.raw(),
                    bytes.as_ptr().cast(),
                    bytes.len(),
                    0,
                    (&raw const address).cast(),
                    len,
                )
            };
            if sent >= 0 {
                return Ok(());
            }
            let error = Error::last_os_error();
            match error.raw_os_error() {
                // A real interface's queue is full; nothing tells when it has room.
                Some(libc::ENOBUFS | libc::EAGAIN) => std::thread::sleep(Duration::from_micros(200)),
                Some(libc::EINTR) => {}
                Some(libc::EINVAL) if !matches!(bytes.len(), CAN_MTU) => {
                    let kind = if bytes.len() == CANFD_MTU { "CAN FD" } else { "CAN XL" };
                    return Err(Error::other(format!("the interface takes no frames of {kind}")));
                }
                _ => return Err(error),
            }
        }
    }
}

impl AsFd for CanSocket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}
