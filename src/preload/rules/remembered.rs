//! What has to be known of a socket after the call that a rule has decided: the address that the program believes in, and the
//! error that it is still to get.
//!
//! A note is about a socket of the fd table, and stands in one of a few places that follow from the socket's handle. Its place is
//! free again when the socket is gone, which the table says. When all these places are taken, the program sees what the kernel
//! says.

use core::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
use once_cell::race::OnceBox;
use sockshim_core::boxed::try_boxed;
use sockshim_core::fdtable::{FDS, Handle};
use sockshim_core::net::address::SockAddr;

/// What a note is about.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Side {
    /// The socket's own address, for getsockname(2).
    Own = 1,
    /// The peer's, for getpeername(2).
    Peer = 2,
    /// The error that a connect(2) is to end with.
    Error = 3,
}

/// How many notes there can be of the sockets of one group.
const PLACES: usize = 16;
/// How many groups of sockets there are. Each has memory of its own, when one of its sockets is noted.
const GROUPS: usize = 256;
/// The words of an address.
const WORDS: usize = size_of::<libc::sockaddr_storage>() / size_of::<u64>();

/// One note. The words are valid while the key is the one that was looked for.
struct Note {
    /// The socket's handle; 0 for a free place, 1 for one that is being written.
    key: AtomicU64,
    side: AtomicU8,
    /// The length of the address, or the error.
    len: AtomicU64,
    words: [AtomicU64; WORDS],
}

const FREE: u64 = 0;
const BUSY: u64 = 1;

type Group = OnceBox<[Note; PLACES]>;

static NOTED: [Group; GROUPS] = [const { OnceBox::new() }; GROUPS];
static ANY: AtomicBool = AtomicBool::new(false);

/// The group that a socket belongs to.
fn group(handle: Handle) -> &'static Group {
    // Handles differ in a few of their bits.
    let mixed = handle.key().wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
    &NOTED[mixed as usize % GROUPS]
}

/// The places for a socket's notes, if anything was noted there.
fn places(handle: Handle) -> Option<&'static [Note; PLACES]> {
    group(handle).get()
}

/// Whether anything was ever noted of any socket.
pub fn has_any() -> bool {
    ANY.load(Ordering::Relaxed)
}

/// A place for another note of a socket.
fn claimed(handle: Handle) -> Option<&'static Note> {
    let new = || Note {
        key: AtomicU64::new(FREE),
        side: AtomicU8::new(0),
        len: AtomicU64::new(0),
        words: [const { AtomicU64::new(0) }; WORDS],
    };
    let places = group(handle).get_or_try_init(|| try_boxed(new).ok_or(())).ok()?;
    ANY.store(true, Ordering::Relaxed);
    places.iter().find(|note| note.claim())
}

impl Note {
    fn is_of(&self, handle: Handle, side: Side) -> bool {
        self.key.load(Ordering::Acquire) == handle.key() && self.side.load(Ordering::Relaxed) == side as u8
    }

    /// Takes a free place, or one whose socket is gone.
    fn claim(&self) -> bool {
        let key = self.key.load(Ordering::Acquire);
        let gone =
            key == FREE || (key != BUSY && Handle::of_key(key).is_none_or(|handle| FDS.refs(handle) == 0));
        gone && self.key.compare_exchange(key, BUSY, Ordering::AcqRel, Ordering::Relaxed).is_ok()
    }
}

/// Notes an address of a socket, in the place of an earlier one.
pub fn note_address(handle: Handle, side: Side, address: &SockAddr) {
    let mut bytes = [0; WORDS * size_of::<u64>()];
    let len = address.len().min(bytes.len());
    bytes[..len].copy_from_slice(&address.bytes()[..len]);
    note(handle, side, len as u64, &bytes);
}

/// Notes the error that a socket's connect(2) is to end with.
pub fn note_error(handle: Handle, errno: i32) {
    note(handle, Side::Error, errno as u64, &[0; WORDS * size_of::<u64>()]);
}

fn note(handle: Handle, side: Side, len: u64, bytes: &[u8; WORDS * size_of::<u64>()]) {
    forget(handle, side);
    let Some(note) = claimed(handle) else { return };
    note.side.store(side as u8, Ordering::Relaxed);
    note.len.store(len, Ordering::Relaxed);
    for (word, bytes) in note.words.iter().zip(bytes.chunks_exact(size_of::<u64>())) {
        word.store(bytes.try_into().map_or(0, u64::from_ne_bytes), Ordering::Relaxed);
    }
    note.key.store(handle.key(), Ordering::Release);
}

/// What was noted of a socket is not so any more.
pub fn forget(handle: Handle, side: Side) {
    for note in places(handle).into_iter().flatten().filter(|note| note.is_of(handle, side)) {
        let _ = note.key.compare_exchange(handle.key(), FREE, Ordering::AcqRel, Ordering::Relaxed);
    }
}

/// The address that the program believes in, if it is another than the kernel's.
pub fn own_address(handle: Handle, side: Side) -> Option<SockAddr> {
    let note = places(handle)?.iter().find(|note| note.is_of(handle, side))?;
    let mut bytes = [0; WORDS * size_of::<u64>()];
    for (word, bytes) in note.words.iter().zip(bytes.chunks_exact_mut(size_of::<u64>())) {
        bytes.copy_from_slice(&word.load(Ordering::Relaxed).to_ne_bytes());
    }
    let len = note.len.load(Ordering::Relaxed) as usize;
    // Since then another socket may have been noted in this place.
    note.is_of(handle, side).then(|| SockAddr::new(&bytes[..len.min(bytes.len())]))
}

/// The error that a socket's connect(2) is to end with, if one was noted.
pub fn error(handle: Handle) -> Option<i32> {
    let note = places(handle)?.iter().find(|note| note.is_of(handle, Side::Error))?;
    Some(note.len.load(Ordering::Relaxed) as i32)
}
