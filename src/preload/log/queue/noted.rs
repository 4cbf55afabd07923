//! Events of control calls that nobody has walked: they are written where they stand in the queue.
//!
//! # Safety
//! Each field of an event's fixed part is written before its record is whole.

use super::event::{BODY, CHUNK, FIXED, HAS_SHORT_ADDRESS, taken};
use super::producer::Thread;
use super::segment::{EVENT, SLOT, word};
use core::mem::offset_of;
use core::ptr;
use core::sync::atomic::Ordering;
use sockshim_core::fdtable::Packed;
use sockshim_core::hook::{Hook, MAX_ARGS};
use sockshim_core::net::address::SockAddr;
use sockshim_core::net::socket::Found;
use sockshim_core::trace::event::{Course, Event, Extra};
use sockshim_core::verdict::{Action, Predicted, Reason};

/// What is known of the call.
pub struct Noted<'a> {
    /// Which call it is.
    pub hook: &'static Hook,
    /// Its arguments.
    pub args: &'a [i64; MAX_ARGS],
    /// The counter when libc was called, and when it was back.
    pub ticks: (u64, u64),
    /// Its result.
    pub ret: i64,
    /// The error, if the result is one.
    pub errno: Option<i32>,
    /// The descriptor that it is about.
    pub fd: Option<i32>,
    /// The socket before it; for a call that makes one, the socket that the tables predict.
    pub before: Packed,
    /// How it is decided; `None` where nothing is predicted.
    pub course: Option<&'static Course>,
    /// What else its walk needs.
    pub input: Option<i32>,
    /// What else the event carries.
    pub extra: Extra,
    /// The address that `extra` speaks of.
    pub address: Option<Address>,
}

/// An address in the program's memory.
#[derive(Clone, Copy)]
pub struct Address {
    at: *const u8,
    len: u8,
    truncated: bool,
}

impl Address {
    /// The longest address that an event of this kind has room for.
    pub const LONGEST: usize = CHUNK - SockAddr::used(0);

    /// An address of so many bytes.
    ///
    /// # Safety
    /// There must be so many bytes until the event is put, and no more than [`Address::LONGEST`].
    #[inline(always)]
    pub unsafe fn new(at: i64, len: usize, truncated: bool) -> Address {
        Address { at: at as *const u8, len: len as u8, truncated }
    }

    /// The port of an AF_INET or AF_INET6 address.
    #[inline(always)]
    pub fn port(self) -> u16 {
        // SAFETY: what `new` was promised.
        if self.len >= 4 { u16::from_be(unsafe { self.at.add(2).cast::<u16>().read_unaligned() }) } else { 0 }
    }
}

/// Puts the event of a call into the thread's queue, or counts it as lost.
#[inline(always)]
pub fn put(Thread(head): Thread, noted: &Noted) {
    let (len, parts) = match noted.address {
        None => (BODY + FIXED, 0),
        Some(_) => (BODY + FIXED + CHUNK, HAS_SHORT_ADDRESS),
    };
    let slots = len.div_ceil(SLOT as usize) as u64;
    let Some(at) = taken(head, slots) else { return };
    // SAFETY: the slots were taken for this record, and are at least as long as its parts. An event is aligned to eight
    // bytes, as its place is.
    unsafe {
        fill((at as *mut u8).add(BODY).cast(), noted);
        if let Some(address) = noted.address {
            let to = (at as *mut u8).add(BODY + FIXED);
            let head = SockAddr::head(address.len, address.truncated);
            to.cast::<[u8; SockAddr::used(0)]>().write(head);
            ptr::copy_nonoverlapping(address.at, to.add(head.len()), address.len.into());
        }
        word(at).store(EVENT | parts | slots, Ordering::Release);
    }
}

/// Writes the fixed part of an event.
///
/// # Safety
/// There must be room for it.
#[inline(always)]
unsafe fn fill(event: *mut Event, noted: &Noted) {
    const { assert!(offset_of!(Event, socket) == FIXED && align_of::<Event>() <= BODY) };
    // SAFETY: the caller's promise.
    unsafe {
        (&raw mut (*event).args).write(*noted.args);
        (&raw mut (*event).hook).write(noted.hook);
        (&raw mut (*event).start).write(noted.ticks.0);
        (&raw mut (*event).ns).write(noted.ticks.1.saturating_sub(noted.ticks.0));
        (&raw mut (*event).ret).write(noted.ret);
        (&raw mut (*event).errno).write(noted.errno);
        (&raw mut (*event).fd).write(noted.fd);
        (&raw mut (*event).predicted).write(Predicted::Unknown);
        (&raw mut (*event).action).write(Action::Host);
        (&raw mut (*event).extra).write(noted.extra);
        (&raw mut (*event).before).write(Some(noted.before));
        (&raw mut (*event).course).write(noted.course);
        (&raw mut (*event).undecided).write(noted.course.is_some());
        (&raw mut (*event).input).write(noted.input);
        (&raw mut (*event).tid).write(0);
        (&raw mut (*event).found).write(Found::Socket);
        (&raw mut (*event).handler).write(None);
        (&raw mut (*event).reason).write(Reason::FdLife);
        (&raw mut (*event).in_ticks).write(true);
        (&raw mut (*event).via_syscall).write(false);
    }
}
