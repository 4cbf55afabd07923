//! The engine's socket on the bus.
//!
//! # Safety
//! A descriptor that was just made is ours.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;

use rustix::net::sockopt::set_socket_recv_buffer_size;
use rustix::net::{AddressFamily, RecvFlags, SocketAddrUnix, SocketFlags, SocketType};
use sockshim_can_bus::directory::Path;
use sockshim_can_bus::wire::{self, HEADER, Header};
use sockshim_can_bus::{Bus, member};
use sockshim_can_proto::frame::{CAN_EFF_FLAG, CAN_EFF_MASK, CAN_RTR_FLAG, CAN_SFF_MASK, CANFD_MTU, Frame};
use sockshim_can_proto::raw::{Filter, Options, compile};
use sockshim_sys as sys;

/// A burst of frames that nobody waits in; behind it receivers get a chance to run.
const BURST: u32 = 64;

/// A member of the bus.
pub struct Line {
    bus: Bus,
    directory: Vec<u8>,
    fd: OwnedFd,
    cookie: u64,
    burst: u32,
}

/// What comes from the bus.
pub enum Event {
    /// A frame of another socket.
    Frame(i32, Frame),
    /// The interface has gone down or away.
    Notice(i32, i32),
}

/// The filter for an identifier with its flags.
pub fn exactly(id: u32) -> Filter {
    let bits = if id & CAN_EFF_FLAG != 0 { CAN_EFF_MASK } else { CAN_SFF_MASK };
    let mask = bits | CAN_EFF_FLAG | CAN_RTR_FLAG;
    Filter { id: id & mask, mask }
}

impl Line {
    /// A member of the bus in this directory, which hears nothing yet.
    pub fn open(directory: &[u8]) -> Result<Line, i32> {
        let bus = Bus::open(&Path::of(&[directory]).ok_or(libc::ENAMETOOLONG)?)?;
        let fd = member::socket(libc::SOCK_CLOEXEC)?;
        // SAFETY: just made.
        let fd = unsafe { OwnedFd::from_raw_fd(fd) };
        // As much as there may be: in the kernel there is no queue before the protocol.
        let _ = set_socket_recv_buffer_size(&fd, 8 << 20);
        let cookie = sys::getsockopt_cookie(fd.as_raw_fd())?;
        let line = Line { bus, directory: directory.to_vec(), fd, cookie, burst: 0 };
        line.hear(None, &mut std::iter::empty())?;
        member::join(line.fd.as_raw_fd(), &bus)?;
        Ok(line)
    }

    /// What is wanted: frames of an interface, 0 for all, that one of the filters lets through; own ones never are.
    pub fn hear(
        &self,
        ifindex: Option<i32>,
        filters: &mut dyn ExactSizeIterator<Item = Filter>,
    ) -> Result<(), i32> {
        let mut options = Options::default();
        (options.bound, options.ifindex, options.fd_frames) = (ifindex.is_some(), ifindex.unwrap_or(0), 1);
        let filters: Vec<_> = filters.collect();
        // Too many for the kernel are sorted out here.
        let everything = [Filter { id: 0, mask: 0 }];
        if !options.set_filters(filters.iter().copied()) {
            options.set_filters(everything.into_iter());
        }
        let mut code = Vec::new();
        compile(&options, &wire::place(self.bus.token(), self.cookie), |instruction| code.push(instruction));
        member::filter(self.fd.as_raw_fd(), &code).or_else(|errno| match errno {
            // Longer than the limits of this machine allow.
            libc::ENOMEM | libc::EINVAL if options.filters() != everything => {
                self.hear(ifindex, &mut everything.into_iter())
            }
            errno => Err(errno),
        })
    }

    /// The next thing that has come.
    pub fn next(&self) -> Option<Event> {
        let mut datagram = [0u8; HEADER + CANFD_MTU];
        loop {
            let (len, _) = rustix::net::recv(&self.fd, &mut datagram[..], RecvFlags::DONTWAIT).ok()?;
            let Some(header) = datagram[..len].first_chunk::<HEADER>().map(Header::of_bytes) else {
                continue;
            };
            if header.kind & wire::NOTICE != 0 {
                return Some(Event::Notice(header.ifindex, header.id as i32));
            }
            if let Some(frame) = Frame::of_bytes(&datagram[HEADER..len]) {
                return Some(Event::Frame(header.ifindex, frame));
            }
        }
    }

    /// Whether an interface takes such a frame, `can_send`.
    ///
    /// # Errors
    /// ENODEV, EMSGSIZE, ENETDOWN
    pub fn takes(&self, ifindex: i32, fd: bool) -> Result<(), i32> {
        let interface = self.bus.by_index(ifindex).ok_or(libc::ENODEV)?;
        if fd && (interface.mtu as usize) < CANFD_MTU {
            return Err(libc::EMSGSIZE);
        }
        if interface.up { Ok(()) } else { Err(libc::ENETDOWN) }
    }

    /// Whether there is such an interface, and whether it is up.
    ///
    /// # Errors
    /// ENODEV, ENETDOWN
    pub fn device(&self, ifindex: i32) -> Result<(), i32> {
        let interface = self.bus.by_index(ifindex).ok_or(libc::ENODEV)?;
        if interface.up { Ok(()) } else { Err(libc::ENETDOWN) }
    }

    /// Sends a frame; whether it is on the bus.
    pub fn send(&mut self, ifindex: i32, frame: &Frame) -> bool {
        if self.takes(ifindex, frame.fd).is_err() {
            return false;
        }
        let kind = if frame.fd { wire::FD } else { 0 };
        let header = Header { token: self.bus.token(), sender: self.cookie, ifindex, id: frame.id, kind };
        let (len, bytes) = frame.bytes();
        let mut datagram = [0; HEADER + CANFD_MTU];
        datagram[..HEADER].copy_from_slice(&header.bytes());
        datagram[HEADER..HEADER + len].copy_from_slice(&bytes[..len]);
        self.burst += 1;
        if self.burst.is_multiple_of(BURST) {
            std::thread::sleep(std::time::Duration::from_micros(200));
        }
        member::send(self.fd.as_raw_fd(), &self.bus, &datagram[..HEADER + len]);
        true
    }

    /// The engine waits: what was sent before is no burst with what is sent later.
    pub fn rest(&mut self) {
        self.burst = 0;
    }

    /// The directory of the bus.
    pub fn directory(&self) -> &std::path::Path {
        std::path::Path::new(std::ffi::OsStr::from_bytes(&self.directory))
    }

    /// To wait for.
    pub fn fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

/// How many sockets of this host with the same address on the bus were there before, and what to hold on to so that this one
/// counts. They count by names that nobody else guesses, and that the kernel forgets with their owners.
pub fn rank(line: &Line, ifindex: i32, name: u64, addr: u8) -> (u32, Option<OwnedFd>) {
    const MOST: u32 = 64;
    let mut bus = DefaultHasher::new();
    (line.bus.token(), "j1939").hash(&mut bus);
    let bus = bus.finish();
    let unix = (AddressFamily::UNIX, SocketType::DGRAM, SocketFlags::CLOEXEC);
    let Ok(held) = rustix::net::socket_with(unix.0, unix.1, unix.2, None) else { return (0, None) };
    for number in 0..MOST {
        let name = format!("sockshim-j1939-{bus:x}-{ifindex}-{name:x}-{addr:x}-{number}");
        let Ok(address) = SocketAddrUnix::new_abstract_name(name.as_bytes()) else { break };
        if rustix::net::bind(&held, &address).is_ok() {
            return (number, Some(held));
        }
    }
    (0, None)
}
