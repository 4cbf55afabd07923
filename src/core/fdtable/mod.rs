//! Which descriptor is which socket.
//!
//! State belongs to the open file description; a descriptor is a handle on it, and `dup` makes another handle.
//! So there are two structures: a table from descriptor numbers to handles, and a slab of descriptions ([`slab`]).
//!
//! - Lookups take no lock and follow no pointer that could be freed: slab slots are type-stable, and a handle carries
//!   the generation of its slot, so a stale handle is noticed and never leads to another socket.
//! - Both grow by pages that are allocated once and never moved. So nothing is resident before it is used, and a
//!   program that locks its memory pays only for what it uses.
//! - "Unknown" is always a safe answer: the kernel is then asked what the descriptor is.
//!
//! Every change of an entry is one atomic step, and a change that depends on the old entry names the one that it has
//! [`Seen`]. Who may store what and when is the protocol of `src/preload/track`, the only user besides tests.

mod numbered;
mod slab;
mod usual;
mod word;

#[cfg(test)]
mod tests;

pub use numbered::concern_families;
pub use slab::Look;
pub use usual::Usual;
pub use word::{Entry, Handle, Packed, Seen, SequenceStep};

use crate::boxed::try_boxed;
use crate::net::ops::Socket;
use crate::net::state::State;
use libc::c_int;
use once_cell::race::OnceBox;
use slab::Slab;
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicU64, Ordering, fence};
use word::pack_identity;

const FDS_PER_PAGE: usize = 512;
/// Descriptors up to 2,097,151 are remembered; for higher ones each call asks the kernel.
const FD_PAGES: usize = 4096;

/// How many cookies of adopted sockets are kept.
const ADOPTED: usize = 256;

/// The table and its slab.
pub struct FdTable {
    fds: [OnceBox<[AtomicU64; FDS_PER_PAGE]>; FD_PAGES],
    slab: Slab,
    /// The process one of whose threads is adopting a description, or 0.
    adopter: AtomicI32,
    /// The cookies of the sockets that were adopted last.
    adopted: [AtomicU64; ADOPTED],
    /// Whether threads have descriptor tables of their own.
    divided: AtomicBool,
}

/// The process's table.
pub static FDS: FdTable = FdTable::new();

impl Default for FdTable {
    fn default() -> Self {
        Self::new()
    }
}

impl FdTable {
    /// An empty table.
    pub const fn new() -> FdTable {
        FdTable {
            fds: [const { OnceBox::new() }; FD_PAGES],
            slab: Slab::new(),
            adopter: AtomicI32::new(0),
            adopted: [const { AtomicU64::new(0) }; ADOPTED],
            divided: AtomicBool::new(false),
        }
    }

    /// The entry of `fd`, without memory order: for the fast path, which follows no handle.
    #[inline(always)]
    pub fn word(&self, fd: c_int) -> Seen {
        let index = fd as u32 as usize;
        let page = self.fds.get(index / FDS_PER_PAGE).and_then(OnceBox::get);
        page.map_or(Seen::UNKNOWN, |page| Seen(page[index % FDS_PER_PAGE].load(Ordering::Relaxed)))
    }

    /// What is known of `fd`.
    #[inline(always)]
    pub fn get(&self, fd: c_int) -> Entry {
        self.seen(fd).entry()
    }

    /// The entry of `fd` as a word, with which [`FdTable::forget_if`] and its relatives replace it only if it has not
    /// changed.
    #[inline(always)]
    pub fn seen(&self, fd: c_int) -> Seen {
        self.entry(fd, false).map_or(Seen::UNKNOWN, |entry| Seen(entry.load(Ordering::Acquire)))
    }

    /// Stores that `fd` is not a socket, unless the entry has changed since `seen`. Returns whether it was stored.
    pub fn set_not_socket_if(&self, fd: c_int, seen: Seen) -> bool {
        self.replace_if(fd, seen, Seen::NOT_SOCKET)
    }

    /// Makes `fd` the first handle of a new description. Returns the handle and the old entry; `None` when there is
    /// no free slot.
    pub fn install(&self, fd: c_int, socket: impl Into<Packed>, cookie: u64) -> Option<(Handle, Seen)> {
        let entry = self.entry(fd, true)?;
        let handle = self.slab.describe(socket.into(), cookie)?;
        let before = self.swap(entry, handle.into());
        self.unless_divided(fd, handle).then_some((handle, before))
    }

    /// Makes `fd` a handle of the description with this cookie: an existing one if another descriptor has it, else a
    /// new one. `None` when there is no free slot, when the entry has changed since `seen`, or while another thread
    /// of `process` adopts: nobody waits.
    pub fn adopt(&self, fd: c_int, seen: Seen, socket: &Socket, cookie: u64, process: i32) -> Option<Handle> {
        let before = self.adopter.load(Ordering::Acquire);
        // A thread of another process is what a fork has copied into this memory: it will never finish.
        let taken = before == process
            || self.adopter.compare_exchange(before, process, Ordering::AcqRel, Ordering::Acquire).is_err();
        if taken {
            return None;
        }
        let adopted = self.adopt_alone(fd, seen, socket, cookie);
        self.adopter.store(0, Ordering::Release);
        adopted
    }

    fn adopt_alone(&self, fd: c_int, seen: Seen, socket: &Socket, cookie: u64) -> Option<Handle> {
        self.entry(fd, true)?;
        // A thread that made this socket and stores it too late to be found above will find the cookie here.
        self.adopted(cookie).store(cookie, Ordering::SeqCst);
        fence(Ordering::SeqCst);
        let handle = match self.slab.find(cookie, pack_identity(socket)) {
            Some(handle) => handle,
            None => self.slab.describe(Packed::of(socket), cookie)?,
        };
        if !self.replace_if(fd, seen, handle.into()) {
            self.slab.release(handle);
            return None;
        }
        self.unless_divided(fd, handle).then_some(handle)
    }

    /// Whether a description with this cookie was adopted lately, possibly while its maker was about to store it.
    pub fn is_adopted(&self, cookie: u64) -> bool {
        self.adopted(cookie).load(Ordering::SeqCst) == cookie
    }

    /// The slot in which the cookie is noted when it is adopted. A later cookie may have replaced it.
    fn adopted(&self, cookie: u64) -> &AtomicU64 {
        &self.adopted[cookie as usize % ADOPTED]
    }

    /// Makes `fd` another handle of the description; `fd` is forgotten if the description is gone by then.
    pub fn dup(&self, handle: Handle, fd: c_int) {
        self.copy(handle, fd, || self.slab.retain(handle));
    }

    /// [`FdTable::dup`] of a socket that was [looked at](FdTable::look).
    #[inline]
    pub fn dup_socket(&self, look: &Look<'_>, fd: c_int) {
        self.copy(look.handle(), fd, || self.slab.retain_at(look));
    }

    #[inline(always)]
    fn copy(&self, handle: Handle, fd: c_int, retain: impl FnOnce() -> bool) {
        let retained = self.entry(fd, true).is_some() && retain();
        self.replace(fd, if retained { handle.into() } else { Seen::UNKNOWN });
        self.unless_divided(fd, handle);
    }

    /// Empties the entry of `fd`, and frees the description with its last handle. Returns the old entry.
    pub fn forget(&self, fd: c_int) -> Seen {
        self.replace(fd, Seen::UNKNOWN)
    }

    /// [`FdTable::forget`] of a socket that was [looked at](FdTable::look); how many descriptors referred to it. 0 if the entry
    /// has changed since: then it is as it was.
    #[inline(always)]
    pub fn forget_socket(&self, fd: c_int, look: &Look<'_>) -> u32 {
        let seen = look.handle().0;
        match self.entry(fd, false) {
            Some(entry)
                if entry
                    .compare_exchange(seen, Seen::UNKNOWN.0, Ordering::SeqCst, Ordering::Relaxed)
                    .is_ok() =>
            {
                self.slab.release_at(look)
            }
            _ => 0,
        }
    }

    /// [`FdTable::forget`], unless the entry has changed since `seen`.
    pub fn forget_if(&self, fd: c_int, seen: Seen) {
        self.replace_if(fd, seen, Seen::UNKNOWN);
    }

    /// Drops the entry of `fd` and marks it doubtful: whoever stores here next must ask the kernel again. Returns the
    /// old entry.
    pub fn doubt(&self, fd: c_int) -> Seen {
        self.replace(fd, Seen::DOUBTFUL)
    }

    /// [`FdTable::doubt`], unless the entry has changed since `seen`. Returns whether it was marked.
    pub fn doubt_if(&self, fd: c_int, seen: Seen) -> bool {
        self.replace_if(fd, seen, Seen::DOUBTFUL)
    }

    /// [`FdTable::forget`] for every descriptor from `first` to `last`, inclusive.
    pub fn forget_range(&self, first: u32, last: u32) {
        self.each_known(first, last, |table, fd| {
            table.forget(fd);
        });
    }

    /// Calls `take` with every descriptor from `first` to `last`, inclusive, of which something is known.
    pub fn each_known(&self, first: u32, last: u32, take: fn(&FdTable, c_int)) {
        for (page, entries) in
            self.fds.iter().enumerate().filter_map(|(page, cell)| Some((page, cell.get()?)))
        {
            for (index, entry) in entries.iter().enumerate() {
                let fd = (page * FDS_PER_PAGE + index) as u32;
                if (first..=last).contains(&fd) && entry.load(Ordering::Relaxed) != Seen::UNKNOWN.0 {
                    take(self, fd as c_int);
                }
            }
        }
    }

    /// No rule about data calls concerns this descriptor's socket as it is, unless the entry has changed since `seen`.
    pub fn free(&self, fd: c_int, seen: Handle) {
        if let Some(entry) = self.entry(fd, false) {
            let freed = seen.freed();
            // If the entry has changed, whoever changed it has marked it.
            let _ = entry.compare_exchange(seen.0, freed.0, Ordering::AcqRel, Ordering::Relaxed);
        }
    }

    /// The socket has changed: rules about data calls may concern it from now on, through every descriptor.
    pub fn concern(&self, handle: Handle) {
        for entry in self.fds.iter().filter_map(OnceBox::get).flatten() {
            let word = entry.load(Ordering::Acquire);
            if Seen(word).is_socket() && Handle(word).is_of(handle) {
                let concerned = Handle(word).concerned();
                // If the entry has changed, whoever changed it has marked it.
                let _ = entry.compare_exchange(word, concerned.0, Ordering::AcqRel, Ordering::Relaxed);
            }
        }
    }

    /// From now on threads have descriptor tables of their own, so a number may mean different things to them, and
    /// nothing is remembered any more.
    pub fn divide(&self) {
        self.divided.store(true, Ordering::SeqCst);
        self.forget_range(0, u32::MAX);
    }

    /// Whether `fd` may keep what was just stored; an entry that was stored after [`FdTable::divide`] is removed.
    #[inline(always)]
    fn unless_divided(&self, fd: c_int, handle: Handle) -> bool {
        let divided = self.divided.load(Ordering::SeqCst);
        if divided {
            self.forget_if(fd, handle.into());
        }
        !divided
    }

    #[inline]
    fn entry(&self, fd: c_int, create: bool) -> Option<&AtomicU64> {
        let fd = usize::try_from(fd).ok()?;
        let cell = self.fds.get(fd / FDS_PER_PAGE)?;
        let page = match create {
            true => cell.get_or_try_init(|| try_boxed(|| AtomicU64::new(Seen::UNKNOWN.0)).ok_or(())).ok()?,
            false => cell.get()?,
        };
        page.get(fd % FDS_PER_PAGE)
    }

    /// Stores an entry, and returns the old one.
    #[inline]
    fn replace(&self, fd: c_int, new: Seen) -> Seen {
        match self.entry(fd, new != Seen::UNKNOWN) {
            Some(entry) => self.swap(entry, new),
            None => Seen::UNKNOWN,
        }
    }

    #[inline(always)]
    fn swap(&self, entry: &AtomicU64, new: Seen) -> Seen {
        // Sequentially consistent: a thread that makes a system call after this sees what others stored before
        // theirs.
        let old = Seen(entry.swap(new.0, Ordering::SeqCst));
        self.drop_handle(old);
        old
    }

    /// Stores an entry, unless the old one has changed since `seen`. Returns whether it was stored.
    #[inline]
    fn replace_if(&self, fd: c_int, seen: Seen, new: Seen) -> bool {
        let Some(entry) = self.entry(fd, new != Seen::UNKNOWN) else { return false };
        if new == Seen::NOT_SOCKET && self.divided.load(Ordering::SeqCst) {
            return false;
        }
        let stored = entry.compare_exchange(seen.0, new.0, Ordering::SeqCst, Ordering::Relaxed).is_ok();
        if stored {
            self.drop_handle(seen);
        }
        stored
    }

    /// An entry was removed from the table.
    #[inline(always)]
    fn drop_handle(&self, old: Seen) {
        if old.is_socket() {
            self.slab.release(Handle(old.0));
        }
    }

    /// A consistent copy of the socket and its cookie, or `None` for a stale handle.
    pub fn read(&self, handle: Handle) -> Option<(Socket, u64)> {
        self.slab.look(handle).map(|look| (look.socket().unpack(), look.cookie()))
    }

    /// The description that `fd` is a handle of, if it is known as a socket.
    #[inline(always)]
    pub fn look(&self, fd: c_int) -> Option<Look<'_>> {
        let Entry::Socket(handle) = self.get(fd) else { return None };
        self.slab.look(handle)
    }

    /// Changes the state atomically; a stale handle changes nothing.
    #[inline]
    pub fn update(&self, handle: Handle, change: impl Fn(State) -> State) {
        self.slab.update(handle, SequenceStep::Whole, change);
    }

    /// [`FdTable::update`] as a part of a change that is noted otherwise.
    pub fn update_within(&self, handle: Handle, change: impl Fn(State) -> State) {
        self.slab.update(handle, SequenceStep::Look, change);
    }

    /// Notes in the socket's sequence what a call does. Gives the states and the sequence before that, as they were at one
    /// moment; `None` for a stale handle.
    pub fn step(&self, handle: Handle, step: SequenceStep) -> Option<(State, u32)> {
        self.slab.update(handle, step, |state| state)
    }

    /// How many descriptors refer to the description; 0 for a stale handle.
    #[inline]
    pub fn refs(&self, handle: Handle) -> u32 {
        self.slab.refs(handle)
    }

    /// Makes all handles of a description stale, because what is known of it was about another socket.
    pub fn condemn(&self, handle: Handle) {
        self.slab.condemn(handle);
    }
}
