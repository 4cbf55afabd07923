//! The answers that are due, by socket and sequence number.
//!
//! There are a few places for all sockets of the process: a program that asks reads the answer. Who never does loses the oldest
//! ones to others.

use super::message::Head;
use core::sync::atomic::{AtomicU32, AtomicU64, Ordering};

/// What is due.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Due {
    /// The interface with this index.
    Link(i32),
    /// An acknowledgement with this errno.
    Acknowledge(i32),
    /// All interfaces, in the kernel's own dump.
    Dump,
}

/// One answer: to the request with this head.
struct Place {
    cookie: AtomicU64,
    len: AtomicU32,
    /// Type and flags.
    ty: AtomicU32,
    seq: AtomicU32,
    pid: AtomicU32,
    /// Which [`Due`].
    what: AtomicU32,
    value: AtomicU32,
    /// In which order they came.
    number: AtomicU64,
}

static PLACES: [Place; 64] = [const {
    Place {
        cookie: AtomicU64::new(0),
        len: AtomicU32::new(0),
        ty: AtomicU32::new(0),
        seq: AtomicU32::new(0),
        pid: AtomicU32::new(0),
        what: AtomicU32::new(0),
        value: AtomicU32::new(0),
        number: AtomicU64::new(0),
    }
}; 64];

static COUNT: AtomicU64 = AtomicU64::new(0);
/// While a place is written.
const TAKEN: u64 = u64::MAX;

/// An answer that is due, and its place.
#[derive(Clone, Copy)]
pub struct Found {
    place: usize,
    /// The head of the request.
    pub asked: Head,
    /// What is due.
    pub due: Due,
}

/// Keeps an answer.
pub fn add(cookie: u64, asked: Head, due: Due) {
    let number = COUNT.fetch_add(1, Ordering::Relaxed) + 1;
    let free = PLACES
        .iter()
        .find(|place| place.cookie.compare_exchange(0, TAKEN, Ordering::AcqRel, Ordering::Relaxed).is_ok());
    let oldest = || PLACES.iter().min_by_key(|place| place.number.load(Ordering::Relaxed));
    let Some(place) = free.or_else(oldest) else { return };
    let (what, value) = match due {
        Due::Link(ifindex) => (0, ifindex),
        Due::Acknowledge(errno) => (1, errno),
        Due::Dump => (2, 0),
    };
    place.cookie.store(TAKEN, Ordering::Release);
    place.len.store(asked.len, Ordering::Relaxed);
    place.ty.store(u32::from(asked.ty) << 16 | u32::from(asked.flags), Ordering::Relaxed);
    place.seq.store(asked.seq, Ordering::Relaxed);
    place.pid.store(asked.pid, Ordering::Relaxed);
    place.what.store(what, Ordering::Relaxed);
    place.value.store(value as u32, Ordering::Relaxed);
    place.number.store(number, Ordering::Relaxed);
    place.cookie.store(cookie, Ordering::Release);
}

/// Whether anything is due on the socket.
pub fn is_any(cookie: u64) -> bool {
    PLACES.iter().any(|place| place.cookie.load(Ordering::Acquire) == cookie)
}

/// The first answer that is due with this sequence number, of a dump or not.
pub fn find(cookie: u64, seq: u32, is_dump: bool) -> Option<Found> {
    let is_it = |place: &&Place| {
        place.cookie.load(Ordering::Acquire) == cookie
            && place.seq.load(Ordering::Relaxed) == seq
            && (place.what.load(Ordering::Relaxed) == 2) == is_dump
    };
    let places = PLACES.iter().enumerate().filter(|(_, place)| is_it(place));
    let (index, place) = places.min_by_key(|(_, place)| place.number.load(Ordering::Relaxed))?;
    let ty = place.ty.load(Ordering::Relaxed);
    let value = place.value.load(Ordering::Relaxed) as i32;
    let asked = Head {
        len: place.len.load(Ordering::Relaxed),
        ty: (ty >> 16) as u16,
        flags: ty as u16,
        seq,
        pid: place.pid.load(Ordering::Relaxed),
    };
    let due = match place.what.load(Ordering::Relaxed) {
        0 => Due::Link(value),
        1 => Due::Acknowledge(value),
        _ => Due::Dump,
    };
    Some(Found { place: index, asked, due })
}

/// It was given.
pub fn done(found: &Found) {
    PLACES[found.place].cookie.store(0, Ordering::Release);
}
