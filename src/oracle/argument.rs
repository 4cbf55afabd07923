//! Arguments that may be wrong. Each has one description, from which the tables and the kernel are asked.

use libc::c_int;
use sockshim_core::errno::Errno;
use sockshim_core::net::address::SockAddr;
use sockshim_core::net::socket::{Copied, UserMsg};

/// An unmapped address of user space.
const UNMAPPED: i64 = 8;
/// An address that belongs to the kernel.
const OF_THE_KERNEL: i64 = 0xffff_8000_0000_0000_u64 as i64;

/// A socket address argument.
#[derive(Clone, Debug)]
pub struct Addr {
    bytes: Vec<u8>,
    /// The length that the program passes.
    pub len: c_int,
    bad: bool,
}

impl Addr {
    /// An address of these bytes.
    pub fn new(bytes: &[u8]) -> Addr {
        let mut room = bytes.to_vec();
        room.resize(256, 0);
        Addr { bytes: room, len: bytes.len() as c_int, bad: false }
    }

    /// The same with another length.
    pub fn with_len(mut self, len: c_int) -> Addr {
        self.len = len;
        self
    }

    /// The same with another family.
    pub fn with_family(mut self, family: u16) -> Addr {
        self.bytes[..2].copy_from_slice(&family.to_ne_bytes());
        self
    }

    /// An address behind an unmapped pointer.
    pub fn bad(len: c_int) -> Addr {
        Addr { bytes: vec![0; 256], len, bad: true }
    }

    /// AF_UNSPEC.
    pub fn unspec(len: c_int) -> Addr {
        Addr::new(&[]).with_len(len)
    }

    /// AF_INET.
    pub fn inet(octets: [u8; 4], port: u16) -> Addr {
        let mut bytes = [0; 16];
        bytes[..2].copy_from_slice(&(libc::AF_INET as u16).to_ne_bytes());
        bytes[2..4].copy_from_slice(&port.to_be_bytes());
        bytes[4..8].copy_from_slice(&octets);
        Addr::new(&bytes)
    }

    /// AF_INET6.
    pub fn inet6(octets: [u8; 16], port: u16) -> Addr {
        let mut bytes = [0; 28];
        bytes[..2].copy_from_slice(&(libc::AF_INET6 as u16).to_ne_bytes());
        bytes[2..4].copy_from_slice(&port.to_be_bytes());
        bytes[8..24].copy_from_slice(&octets);
        Addr::new(&bytes)
    }

    /// AF_UNIX with an abstract name.
    pub fn unix(name: &str) -> Addr {
        let mut bytes = (libc::AF_UNIX as u16).to_ne_bytes().to_vec();
        bytes.push(0);
        bytes.extend_from_slice(name.as_bytes());
        Addr::new(&bytes)
    }

    /// AF_NETLINK.
    pub fn netlink(port_id: u32, groups: u32) -> Addr {
        let mut bytes = [0; 12];
        bytes[..2].copy_from_slice(&(libc::AF_NETLINK as u16).to_ne_bytes());
        bytes[4..8].copy_from_slice(&port_id.to_ne_bytes());
        bytes[8..12].copy_from_slice(&groups.to_ne_bytes());
        Addr::new(&bytes)
    }

    /// AF_PACKET.
    pub fn packet(index: u32) -> Addr {
        let mut bytes = [0; 20];
        bytes[..2].copy_from_slice(&(libc::AF_PACKET as u16).to_ne_bytes());
        bytes[4..8].copy_from_slice(&index.to_ne_bytes());
        Addr::new(&bytes)
    }

    /// AF_VSOCK.
    pub fn vsock(cid: u32, port: u32) -> Addr {
        let mut bytes = [0; 16];
        bytes[..2].copy_from_slice(&(libc::AF_VSOCK as u16).to_ne_bytes());
        bytes[4..8].copy_from_slice(&port.to_ne_bytes());
        bytes[8..12].copy_from_slice(&cid.to_ne_bytes());
        Addr::new(&bytes)
    }

    /// AF_XDP on a device.
    pub fn xdp(index: u32) -> Addr {
        let mut bytes = [0; 16];
        bytes[..2].copy_from_slice(&(libc::AF_XDP as u16).to_ne_bytes());
        bytes[4..8].copy_from_slice(&index.to_ne_bytes());
        Addr::new(&bytes)
    }

    /// The pointer that is passed to the kernel.
    pub fn pointer(&self) -> i64 {
        if self.bad { UNMAPPED } else { self.bytes.as_ptr() as i64 }
    }

    /// The result of copying it, as for bind(2), connect(2) and sendto(2).
    pub fn copied(&self) -> Copied<SockAddr> {
        match self.len {
            0 => Some(Ok(SockAddr::EMPTY)),
            1..=128 if self.bad => Some(Err(Errno::EFAULT)),
            1..=128 => Some(Ok(SockAddr::new(&self.bytes[..self.len as usize]))),
            _ => Some(Err(Errno::EINVAL)),
        }
    }
}

/// Where a pointer argument points.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Pointer {
    /// To mapped memory.
    Good,
    /// To an unmapped address.
    Bad,
    /// To an address of the kernel's.
    Kernel,
}

impl Pointer {
    /// The pointer; `good` is used if it is a good one.
    pub fn to<T>(self, good: *const T) -> i64 {
        match self {
            Pointer::Good => good as i64,
            Pointer::Bad => UNMAPPED,
            Pointer::Kernel => OF_THE_KERNEL,
        }
    }

    /// The result of copying from it or to it.
    pub fn copied<T>(self, value: T) -> Copied<T> {
        Some(if self == Pointer::Good { Ok(value) } else { Err(Errno::EFAULT) })
    }
}

/// A message as sendmsg(2) and recvmsg(2) take it.
#[derive(Clone, Debug)]
pub struct MessageArgument {
    /// Where the header is.
    pub header: Pointer,
    /// `msg_name`; null for `None`.
    pub name: Option<Addr>,
    /// `msg_iovlen`.
    pub parts: usize,
    /// Where the array of parts is.
    pub iov: Pointer,
    /// The first part's length.
    pub len: i64,
    /// `msg_controllen`.
    pub control_len: u64,
    /// Where the control messages are.
    pub control: Pointer,
}

impl MessageArgument {
    /// A message of one part, without a name.
    pub fn plain(len: i64) -> MessageArgument {
        MessageArgument {
            header: Pointer::Good,
            name: None,
            parts: 1,
            iov: Pointer::Good,
            len,
            control_len: 0,
            control: Pointer::Good,
        }
    }

    /// The message as the tables get it.
    pub fn user(&self) -> Copied<UserMsg> {
        let iov = match (self.iov, self.parts, self.len) {
            (_, 0, _) => Some(Ok(0)),
            (Pointer::Good, _, ..=-1) => Some(Err(Errno::EINVAL)),
            (Pointer::Good, ..) => Some(Ok(self.len as u64)),
            _ => Some(Err(Errno::EFAULT)),
        };
        self.header.copied(UserMsg {
            // A name that is too long is cut to 128 bytes first.
            name: self.name.as_ref().map(|name| name.clone().with_len(name.len.min(128)).copied()),
            namelen: self.name.as_ref().map_or(0, |name| name.len),
            iovlen: self.parts as u64,
            iov,
            controllen: self.control_len,
            control: self.control.copied(()),
        })
    }

    /// Builds the header with its parts, and passes its address to `call`.
    pub fn with_header<R>(&self, call: impl FnOnce(i64) -> R) -> R {
        let mut data = vec![0_u8; 8192];
        let mut control = [0_u8; 256];
        let mut parts =
            vec![libc::iovec { iov_base: data.as_mut_ptr().cast(), iov_len: 0 }; self.parts.max(1)];
        parts[0].iov_len = self.len as usize;
        // SAFETY: all zeros are a valid header.
        let mut header: libc::mmsghdr = unsafe { std::mem::zeroed() };
        let inner = &mut header.msg_hdr;
        inner.msg_name = self.name.as_ref().map_or(0, Addr::pointer) as *mut libc::c_void;
        inner.msg_namelen = self.name.as_ref().map_or(0, |name| name.len) as u32;
        inner.msg_iov = self.iov.to(parts.as_ptr()) as *mut libc::iovec;
        inner.msg_iovlen = self.parts;
        inner.msg_control = self.control.to(control.as_mut_ptr()) as *mut libc::c_void;
        inner.msg_controllen = self.control_len as usize;
        call(self.header.to(&raw const header))
    }
}
