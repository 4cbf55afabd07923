//! A socket of AF_CAN: the kernel's, or that of the library that is loaded into this process. Both stand behind libc's functions,
//! so these are called, and not system calls.
//!
//! # Safety
//! Buffers are slices and structures of this file, with their sizes.
#![expect(
    clippy::disallowed_methods,
    reason = "no hook is linked into the command: these are libc's, or preloaded"
)]

use libc::{c_int, c_void, sockaddr_can, socklen_t};
use std::ffi::{CStr, CString};
use std::io::{self, Error};
use std::mem::{size_of, size_of_val, zeroed};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::time::Duration;

/// The receive queue that is asked for, in bytes. The kernel gives what it may.
const QUEUE: c_int = 16 << 20;
/// About the VCIDs of CAN XL (`include/uapi/linux/can/raw.h`), which libc does not have.
const CAN_RAW_XL_VCID_OPTS: c_int = 8;
const CAN_RAW_XL_VCID_TX_PASS: u8 = 2;
/// Frames of some VCIDs are received, and not only those without one.
pub const CAN_RAW_XL_VCID_RX_FILTER: u8 = 4;
/// Room for the control messages of a frame.
const CONTROL: usize = 256;

/// A socket of CAN_RAW, which never blocks.
pub struct CanSocket(OwnedFd);

/// What has come with a frame.
pub struct Received {
    /// How many bytes it has.
    pub len: usize,
    /// Its interface.
    pub ifindex: c_int,
    /// When, since 1970.
    pub time: Duration,
    /// Whether it was sent on this machine.
    pub is_own: bool,
    /// How many frames were lost before it, since the socket was made.
    pub lost: Option<u32>,
}

/// How many words SO_MEMINFO has, the last of which counts (`include/uapi/linux/sock_diag.h`, SK_MEMINFO_DROPS).
const MEMINFO: usize = 9;

/// Control messages, aligned as they have to be.
#[repr(C, align(8))]
struct Control([u8; CONTROL]);

fn check(ret: c_int) -> io::Result<c_int> {
    if ret < 0 { Err(Error::last_os_error()) } else { Ok(ret) }
}

fn address(ifindex: c_int) -> sockaddr_can {
    // SAFETY: all zeros are an address.
    let mut address: sockaddr_can = unsafe { zeroed() };
    (address.can_family, address.can_ifindex) = (libc::AF_CAN as u16, ifindex);
    address
}

impl CanSocket {
    /// A socket.
    ///
    /// # Errors
    /// The kernel's, such as EAFNOSUPPORT.
    pub fn new() -> io::Result<CanSocket> {
        let ty = libc::SOCK_RAW | libc::SOCK_CLOEXEC | libc::SOCK_NONBLOCK;
        // SAFETY: numbers.
        let fd = check(unsafe { libc::socket(libc::AF_CAN, ty, libc::CAN_RAW) })?;
        // SAFETY: it was made above.
        Ok(CanSocket(unsafe { OwnedFd::from_raw_fd(fd) }))
    }

    fn set<T>(&self, level: c_int, option: c_int, values: &[T]) -> io::Result<()> {
        let len = size_of_val(values) as socklen_t;
        // SAFETY: values of this length.
        let ret = unsafe { libc::setsockopt(self.0.as_raw_fd(), level, option, values.as_ptr().cast(), len) };
        check(ret).map(|_| ())
    }

    /// Takes frames of CAN FD and CAN XL, where there are such.
    pub fn all_kinds(&self) {
        for option in [libc::CAN_RAW_FD_FRAMES, libc::CAN_RAW_XL_FRAMES] {
            // A kernel that lacks it has no such frames either.
            let _ = self.set(libc::SOL_CAN_RAW, option, &[1 as c_int]);
        }
        // Flags, a VCID to send with, one to receive, and which of its bits count: the frame says it, and any is received.
        let vcid = [CAN_RAW_XL_VCID_TX_PASS | CAN_RAW_XL_VCID_RX_FILTER, 0, 0, 0];
        let _ = self.set(libc::SOL_CAN_RAW, CAN_RAW_XL_VCID_OPTS, &vcid);
    }

    /// Receives nothing.
    pub fn only_send(&self) {
        // It is not bound either.
        let _ = self.set::<libc::can_filter>(libc::SOL_CAN_RAW, libc::CAN_RAW_FILTER, &[]);
    }

    /// Errors of these classes.
    ///
    /// # Errors
    /// The kernel's.
    pub fn errors(&self, mask: u32) -> io::Result<()> {
        self.set(libc::SOL_CAN_RAW, libc::CAN_RAW_ERR_FILTER, &[mask])
    }

    /// Times in nanoseconds, the number of lost frames, and a long queue.
    ///
    /// # Errors
    /// There are no times.
    pub fn watch(&self) -> io::Result<()> {
        self.set(libc::SOL_SOCKET, libc::SO_TIMESTAMPNS, &[1 as c_int])?;
        self.set(libc::SOL_SOCKET, libc::SO_RXQ_OVFL, &[1 as c_int])?;
        // Root may have more than others.
        if self.set(libc::SOL_SOCKET, libc::SO_RCVBUFFORCE, &[QUEUE]).is_err() {
            let _ = self.set(libc::SOL_SOCKET, libc::SO_RCVBUF, &[QUEUE]);
        }
        Ok(())
    }

    /// Receives from an interface, or with 0 from all.
    ///
    /// # Errors
    /// It is none of CAN.
    pub fn bind(&self, ifindex: c_int) -> io::Result<()> {
        let address = address(ifindex);
        let len = size_of_val(&address) as socklen_t;
        // SAFETY: an address of this length.
        check(unsafe { libc::bind(self.0.as_raw_fd(), (&raw const address).cast(), len) }).map(|_| ())
    }

    /// Sends a frame.
    ///
    /// # Errors
    /// The interface does not take it, or (ENOBUFS) not now.
    pub fn send(&self, ifindex: c_int, frame: &[u8]) -> io::Result<()> {
        let address = address(ifindex);
        let (to, len) = ((&raw const address).cast(), size_of_val(&address) as socklen_t);
        // SAFETY: a frame and an address, of these lengths.
        let sent =
            unsafe { libc::sendto(self.0.as_raw_fd(), frame.as_ptr().cast(), frame.len(), 0, to, len) };
        if sent < 0 { Err(Error::last_os_error()) } else { Ok(()) }
    }

    /// Receives a frame.
    ///
    /// # Errors
    /// There is none (`WouldBlock`), or the interface is down or gone.
    pub fn receive(&self, buffer: &mut [u8]) -> io::Result<Received> {
        let mut from = address(0);
        let mut part = libc::iovec { iov_base: buffer.as_mut_ptr().cast::<c_void>(), iov_len: buffer.len() };
        let mut control = Control([0; CONTROL]);
        // SAFETY: all zeros are an empty message.
        let mut message: libc::msghdr = unsafe { zeroed() };
        message.msg_name = (&raw mut from).cast();
        message.msg_namelen = size_of_val(&from) as socklen_t;
        (message.msg_iov, message.msg_iovlen) = (&raw mut part, 1);
        message.msg_control = control.0.as_mut_ptr().cast();
        message.msg_controllen = CONTROL;
        // SAFETY: a whole message.
        let len = unsafe { libc::recvmsg(self.0.as_raw_fd(), &raw mut message, 0) };
        let len = usize::try_from(len).map_err(|_| Error::last_os_error())?;
        let mut received = Received {
            len,
            ifindex: from.can_ifindex,
            time: now(),
            is_own: message.msg_flags & libc::MSG_DONTROUTE != 0,
            lost: None,
        };
        // SAFETY: the message that the kernel has filled; control messages are read as far as they reach.
        unsafe {
            let mut next = libc::CMSG_FIRSTHDR(&raw const message);
            while let Some(head) = next.as_ref() {
                let data = libc::CMSG_DATA(head);
                let room = head.cmsg_len.saturating_sub(libc::CMSG_LEN(0) as usize);
                match (head.cmsg_level, head.cmsg_type) {
                    (libc::SOL_SOCKET, libc::SCM_TIMESTAMPNS) if room >= size_of::<libc::timespec>() => {
                        let time: libc::timespec = data.cast::<libc::timespec>().read_unaligned();
                        received.time = Duration::new(time.tv_sec as u64, time.tv_nsec as u32);
                    }
                    (libc::SOL_SOCKET, libc::SO_RXQ_OVFL) if room >= size_of::<u32>() => {
                        received.lost = Some(data.cast::<u32>().read_unaligned());
                    }
                    _ => {}
                }
                next = libc::CMSG_NXTHDR(&raw const message, next);
            }
        }
        Ok(received)
    }

    /// How many frames there was no room for, since the socket was made.
    pub fn lost(&self) -> Option<u32> {
        let mut words = [0u32; MEMINFO];
        let mut len = size_of_val(&words) as socklen_t;
        let (fd, to) = (self.0.as_raw_fd(), words.as_mut_ptr().cast());
        // SAFETY: words of this length.
        let ret = unsafe { libc::getsockopt(fd, libc::SOL_SOCKET, libc::SO_MEMINFO, to, &raw mut len) };
        (ret == 0 && len as usize == size_of_val(&words)).then(|| words[MEMINFO - 1])
    }

    /// The MTU of an interface: how long a frame may be.
    ///
    /// # Errors
    /// There is no such interface.
    pub fn mtu(&self, interface: &str) -> io::Result<usize> {
        // SAFETY: all zeros are a request.
        let mut request: libc::ifreq = unsafe { zeroed() };
        let room = request.ifr_name.len() - 1;
        for (to, byte) in request.ifr_name[..room].iter_mut().zip(interface.bytes()) {
            *to = byte as libc::c_char;
        }
        // SAFETY: a whole request.
        check(unsafe { libc::ioctl(self.0.as_raw_fd(), libc::SIOCGIFMTU, &raw mut request) })?;
        // SAFETY: what the kernel has filled in.
        Ok(unsafe { request.ifr_ifru.ifru_mtu }.try_into().unwrap_or(0))
    }
}

impl AsFd for CanSocket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// The time, since 1970.
pub fn now() -> Duration {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default()
}

/// The index of an interface; none if there is no such one.
pub fn index(interface: &str) -> Option<c_int> {
    let name = CString::new(interface).ok()?;
    // SAFETY: a C string.
    let index = unsafe { libc::if_nametoindex(name.as_ptr()) };
    c_int::try_from(index).ok().filter(|index| *index > 0)
}

/// The name of an interface; its index if it is gone.
pub fn name(ifindex: c_int) -> String {
    let mut name = [0 as libc::c_char; libc::IFNAMSIZ];
    // SAFETY: room for a name, in which a C string stands if there is one.
    let found = unsafe {
        let found = libc::if_indextoname(ifindex as u32, name.as_mut_ptr());
        (!found.is_null()).then(|| CStr::from_ptr(found).to_string_lossy().into_owned())
    };
    found.unwrap_or_else(|| ifindex.to_string())
}
