//! CAN_RAW (`net/can/raw.c`).
//!
//! The descriptor is a UDP socket on the bus. Its options are saved with it, and its filter is made from them, so the kernel itself
//! keeps away what the socket does not want. What sending needs of the options is in the socket's private memory as well.
//!
//! # Safety
//! The functions of `struct proto_ops` get what the header says. A socket's private memory is a [`RawSock`]: it is large enough,
//! and zeros are one.

mod drops;
mod errqueue;
mod filter;
mod message;
mod option;

use crate::caught::caught;
use crate::protocols::CAN_RAW;
use crate::{device, kernel};
use core::ffi::c_int;
use core::sync::atomic::{AtomicI32, AtomicU32, Ordering};
use libc::{sock_filter, sockaddr};
use sockshim_can_bus::member;
use sockshim_can_bus::wire;
use sockshim_can_proto::raw::{Attached, Kinds, Options, Vcid, chain, compile, translate};
use sockshim_module::{NO_OPS, ProtoOps, SK_SIZE, SOCK_CUSTOM_SOCKOPT, STATE_WORDS, Socket};
use sockshim_sys as sys;

static RAW_OPS: ProtoOps = ProtoOps {
    family: libc::AF_CAN,
    bind: Some(bind),
    getname: Some(getname),
    setsockopt: Some(option::set),
    getsockopt: Some(option::get),
    ioctl: Some(option::ioctl),
    sendmsg: Some(message::send),
    recvmsg: Some(message::receive),
    ..NO_OPS
};

/// What of `struct raw_sock` the calls that move data need.
struct RawSock {
    ifindex: AtomicI32,
    /// [`LOOPBACK`], [`FD`], [`XL`].
    flags: AtomicU32,
    /// [`Vcid`].
    vcid: AtomicU32,
    /// `sk_err`.
    err: AtomicI32,
    /// `sk_drops`.
    drops: drops::Drops,
}

const _: () = assert!(size_of::<RawSock>() <= SK_SIZE);

const LOOPBACK: u32 = 1;
const FD: u32 = 2;
const XL: u32 = 4;

fn raw_sk(sock: &Socket) -> &RawSock {
    // SAFETY: the private memory of a raw socket, zeroed at first.
    unsafe { &*sock.sk.cast::<RawSock>() }
}

impl RawSock {
    fn remember(&self, options: &Options) {
        let flag = |set, bit| if set != 0 { bit } else { 0 };
        let flags =
            flag(options.loopback, LOOPBACK) | flag(options.fd_frames, FD) | flag(options.xl_frames, XL);
        self.ifindex.store(options.ifindex, Ordering::Relaxed);
        self.vcid.store(options.vcid.word(), Ordering::Relaxed);
        self.flags.store(flags, Ordering::Release);
    }

    fn kinds(&self) -> Kinds {
        let flags = self.flags.load(Ordering::Acquire);
        Kinds { fd: flags & FD != 0, xl: flags & XL != 0 }
    }

    fn vcid(&self) -> Vcid {
        Vcid::of_word(self.vcid.load(Ordering::Relaxed))
    }

    fn loops_back(&self) -> bool {
        self.flags.load(Ordering::Acquire) & LOOPBACK != 0
    }

    /// `sock_error`: told once.
    fn take_error(&self) -> c_int {
        self.err.swap(0, Ordering::AcqRel)
    }
}

/// `raw_init`, and the socket on the bus.
pub fn create(sock: &mut Socket, flags: c_int) -> Result<(), c_int> {
    let bus = device::bus().ok_or(libc::EAFNOSUPPORT)?;
    sock.fd = member::socket(flags)?;
    let made = sys::getsockopt_cookie(sock.fd).and_then(|cookie| {
        sock.cookie = cookie;
        apply(sock, &Options::default(), &Attached::default())?;
        member::join(sock.fd, &bus)
    });
    if let Err(errno) = made {
        sys::close(sock.fd);
        sock.fd = -1;
        return Err(errno);
    }
    ready(sock);
    Ok(())
}

fn ready(sock: &mut Socket) {
    sock.ops = &RAW_OPS;
    sock.flags |= SOCK_CUSTOM_SOCKOPT;
}

/// A socket that another program has made.
pub fn restore(sock: &mut Socket, state: &[u32]) -> Option<()> {
    raw_sk(sock).remember(&Options::load(state)?);
    drops::restore(sock);
    ready(sock);
    Some(())
}

/// What is saved of a socket: its options, and the filter that the program has attached.
struct Saved {
    options: Options,
    attached: Attached,
}

impl Saved {
    fn of(sock: &Socket) -> Result<Saved, c_int> {
        let mut scratch = sys::Scratch::<u32>::new(STATE_WORDS).ok_or(libc::ENOMEM)?;
        let words = scratch.slice();
        let count = kernel::sock_load(sock.fd, words).ok_or(libc::ENOMEM)?;
        // The first word is the protocol.
        let words = words[..count].get(1..).ok_or(libc::ENOMEM)?;
        let options = Options::load(words).ok_or(libc::ENOMEM)?;
        let attached = Attached::load(words.get(Options::words(options.filters().len())..).unwrap_or(&[]));
        Ok(Saved { options, attached })
    }
}

/// The options as they are saved.
fn options(sock: &Socket) -> Result<Options, c_int> {
    Saved::of(sock).map(|saved| saved.options)
}

/// Saves options and an attached filter, and makes one filter of them.
fn apply(sock: &Socket, options: &Options, attached: &Attached) -> Result<(), c_int> {
    const MOST: usize = 4096;
    let bus = device::bus().ok_or(libc::ENODEV)?;
    let mut state = sys::Scratch::<u32>::new(STATE_WORDS).ok_or(libc::ENOMEM)?;
    let mut program = sys::Scratch::<sock_filter>::new(MOST).ok_or(libc::ENOMEM)?;
    let (words, code, mut len) = (state.slice(), program.slice(), 0);
    words[0] = CAN_RAW as u32;
    let count = 1 + options.save(&mut words[1..]);
    compile(options, &wire::place(bus.token(), sock.cookie), |instruction| {
        if let Some(place) = code.get_mut(len) {
            *place = instruction;
        }
        len += 1;
    });
    let count = count + attached.save(&mut words[count..]).ok_or(libc::ENOMEM)?;
    if len <= MOST && !attached.program().is_empty() {
        chain(code, len);
        translate(attached.program(), wire::FRAME_AT, |instruction| {
            if let Some(place) = code.get_mut(len) {
                *place = instruction;
            }
            len += 1;
        })?;
    }
    let code = code.get(..len).ok_or(libc::ENOMEM)?;
    kernel::sock_save(sock, &words[..count], code)?;
    raw_sk(sock).remember(options);
    Ok(())
}

/// `struct sockaddr_can`, as far as raw sockets look at it.
#[repr(C)]
#[derive(Clone, Copy)]
struct Address {
    family: u16,
    padding: u16,
    ifindex: c_int,
}

/// `RAW_MIN_NAMELEN`.
const RAW_MIN_NAMELEN: usize = size_of::<Address>();

/// The interface of an address.
///
/// # Safety
/// `addr` must be readable for `len` bytes.
unsafe fn ifindex_of(addr: *const u8, len: usize) -> Result<c_int, c_int> {
    if len < RAW_MIN_NAMELEN {
        return Err(libc::EINVAL);
    }
    // SAFETY: the caller's promise.
    let address = unsafe { addr.cast::<Address>().read_unaligned() };
    if c_int::from(address.family) == libc::AF_CAN { Ok(address.ifindex) } else { Err(libc::EINVAL) }
}

unsafe extern "C" fn bind(sock: &mut Socket, addr: *const sockaddr, len: c_int) -> c_int {
    caught(|| {
        // SAFETY: what the header promises.
        let ifindex = unsafe { ifindex_of(addr.cast(), len.max(0) as usize) };
        ifindex.and_then(|ifindex| bind_to(sock, ifindex)).map_or_else(|errno| -errno, |()| 0)
    })
}

/// `raw_bind`: 0 is all interfaces, also those to come.
fn bind_to(sock: &Socket, ifindex: c_int) -> Result<(), c_int> {
    let Saved { mut options, attached } = Saved::of(sock)?;
    if options.bound && options.ifindex == ifindex {
        return Ok(());
    }
    let interface = match ifindex {
        0 => None,
        _ => Some(device::bus().and_then(|bus| bus.by_index(ifindex)).ok_or(libc::ENODEV)?),
    };
    (options.bound, options.ifindex) = (true, ifindex);
    apply(sock, &options, &attached)?;
    if interface.is_some_and(|interface| !interface.up) {
        raw_sk(sock).err.store(libc::ENETDOWN, Ordering::Release);
    }
    Ok(())
}

unsafe extern "C" fn getname(sock: &mut Socket, addr: *mut sockaddr, peer: c_int) -> c_int {
    caught(|| {
        if peer != 0 {
            return -libc::EOPNOTSUPP;
        }
        let ifindex = raw_sk(sock).ifindex.load(Ordering::Relaxed);
        // SAFETY: room for any address.
        unsafe {
            addr.cast::<Address>().write_unaligned(Address {
                family: libc::AF_CAN as u16,
                padding: 0,
                ifindex,
            })
        };
        RAW_MIN_NAMELEN as c_int
    })
}
