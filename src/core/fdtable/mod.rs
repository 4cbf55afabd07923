//! Which descriptor is which socket.
//!
//! State belongs to the open file description; a descriptor is a handle on it, and `dup` makes another handle.
//! So there are two structures: a table from descriptor numbers to handles, and a slab of descriptions.
//!
//! - Lookups take no lock and follow no pointer that could be freed: slab slots are type-stable, and a handle
//!   carries the generation of the slot that it means. A stale handle is noticed, never followed wrongly.
//! - Both grow by pages that are allocated once and never moved, so nothing is resident before it is used and a
//!   program that locks its memory pays for what it uses only.
//! - "Unknown" is always a safe answer: the socket is then asked what it is. So whatever this table could miss (a
//!   close inside libc, a received descriptor) may at worst cost that question, never a wrong answer.
//!
//! Threads may do anything to the same numbers at the same time, and no lock is held over libc's call. What is stored
//! is right nevertheless once all of them are done, because everybody looks again after they have stored or ended
//! something (`src/preload/dispatch`), and takes back only the very word that they have [`Seen`].

mod word;

#[cfg(test)]
mod tests;

pub use word::{Entry, Handle, Seen};

use crate::boxed::try_boxed;
use crate::net::ops::{Socket, SocketState};
use crate::net::sock::{Bound, TcpState};
use crate::net::state::State;
use libc::c_int;
use once_cell::race::OnceBox;
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicU32, AtomicU64, Ordering, fence};
use word::{
    DOUBTFUL, NOT_SOCKET, UNKNOWN, generation_of, next_generation, pack_identity, pack_state,
    unpack_identity, unpack_state,
};

const FDS_PER_PAGE: usize = 512;
/// Descriptors up to 2,097,151 are remembered; beyond that each call asks anew.
const FD_PAGES: usize = 4096;
const SLOTS_PER_PAGE: usize = 256;
/// About a million sockets are remembered; beyond that each call asks anew. Two slots fewer than a handle can name.
const SLOT_PAGES: usize = 4095;

/// How many cookies of adopted sockets are kept.
const ADOPTED: usize = 256;

/// One open file description.
#[derive(Default)]
struct Slot {
    /// Family, type, protocol, the places of ops and prot in the family's lists, owner, namespace.
    identity: AtomicU64,
    /// The generation in the upper half, and the states: changed as one word.
    state: AtomicU64,
    /// SO_COOKIE, the kernel's own name for the socket; 0 when it was not asked.
    cookie: AtomicU64,
    /// How many descriptors of the table refer to it.
    refs: AtomicU32,
    /// The next free slot plus one, while it is free.
    next: AtomicU32,
}

/// The table and its slab.
pub struct FdTable {
    fds: [OnceBox<[AtomicU64; FDS_PER_PAGE]>; FD_PAGES],
    slots: [OnceBox<[Slot; SLOTS_PER_PAGE]>; SLOT_PAGES],
    /// The first free slot plus one, and a tag that makes each value unique.
    free: AtomicU64,
    /// How many slots were ever used.
    used: AtomicU32,
    /// The process whose thread looks for a description to adopt, or 0.
    adopter: AtomicI32,
    /// Cookies of the sockets that were adopted last.
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
            slots: [const { OnceBox::new() }; SLOT_PAGES],
            free: AtomicU64::new(0),
            used: AtomicU32::new(0),
            adopter: AtomicI32::new(0),
            adopted: [const { AtomicU64::new(0) }; ADOPTED],
            divided: AtomicBool::new(false),
        }
    }

    /// The table's word for `fd`: 0 or 2 for unknown, 1 for no socket, else a handle's word. For the shortest path only.
    #[inline(always)]
    pub fn word(&self, fd: c_int) -> u64 {
        let index = fd as u32 as usize;
        let Some(page) = self.fds.get(index / FDS_PER_PAGE).and_then(OnceBox::get) else { return UNKNOWN };
        page[index % FDS_PER_PAGE].load(Ordering::Relaxed)
    }

    /// What is known of `fd`.
    #[inline(always)]
    pub fn get(&self, fd: c_int) -> Entry {
        self.seen(fd).entry()
    }

    /// What is known of `fd`, to be replaced by [`FdTable::forget_if`] and its relatives only while it is still that.
    #[inline(always)]
    pub fn seen(&self, fd: c_int) -> Seen {
        Seen(self.entry(fd, false).map_or(UNKNOWN, |entry| entry.load(Ordering::Acquire)))
    }

    /// Remembers that `fd` is no socket, and says whether it has.
    pub fn set_not_socket_if(&self, fd: c_int, seen: Seen) -> bool {
        self.replace_if(fd, seen, NOT_SOCKET)
    }

    /// Makes `fd` the first handle of a new description, and says whether that is uncertain: the table took it for another
    /// socket until now, or has known one there. `None` when there is no room to remember it.
    pub fn install(&self, fd: c_int, socket: &Socket, cookie: u64) -> Option<(Handle, bool)> {
        self.entry(fd, true)?;
        let handle = self.describe(socket, cookie)?;
        let old = self.replace(fd, handle.0);
        self.unless_divided(fd, handle).then_some((handle, old > NOT_SOCKET))
    }

    /// Makes `fd` a handle of the description with this cookie, which is a new one unless another descriptor has brought
    /// it before. `None` when there is no room, when `fd` is not what it was when it was [`Seen`], or while another
    /// thread of `process` does the same: nobody waits.
    pub fn adopt(&self, fd: c_int, seen: Seen, socket: &Socket, cookie: u64, process: i32) -> Option<Handle> {
        let before = self.adopter.load(Ordering::Acquire);
        // Another process's thread is what a fork has left in this one's memory: it will never be done.
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
        // Whoever has made the socket, and stores it too late to be found now, finds this.
        self.adopted(cookie).store(cookie, Ordering::SeqCst);
        fence(Ordering::SeqCst);
        let handle = match self.find(cookie, pack_identity(socket)) {
            Some(handle) => handle,
            None => self.describe(socket, cookie)?,
        };
        if !self.replace_if(fd, seen, handle.0) {
            self.release(handle);
            return None;
        }
        self.unless_divided(fd, handle).then_some(handle)
    }

    /// The description with this cookie, with one handle more. Descriptors of one description arrive by different ways
    /// (a message, pidfd_getfd), and what one of them does to the socket shows in the others.
    ///
    /// All slots are looked at. That is what adopting costs anyway while there are fewer than some thousand sockets, and
    /// spares every other call an index.
    fn find(&self, cookie: u64, identity: u64) -> Option<Handle> {
        if cookie == 0 {
            return None;
        }
        for index in 0..self.used.load(Ordering::Acquire) {
            let Some(slot) = self.slot(index) else { continue };
            if slot.cookie.load(Ordering::Relaxed) != cookie || slot.refs.load(Ordering::Relaxed) == 0 {
                continue;
            }
            let generation = generation_of(slot.state.load(Ordering::Acquire));
            let known = slot.identity.load(Ordering::Acquire);
            let handle = Handle::new(generation, index, known);
            if slot.cookie.load(Ordering::Acquire) != cookie || !self.retain(handle) {
                continue;
            }
            if known == identity {
                return Some(handle);
            }
            self.condemn(handle);
            self.release(handle);
        }
        None
    }

    /// Whether a description with this cookie has been adopted lately, perhaps while its maker was about to store it.
    pub fn is_adopted(&self, cookie: u64) -> bool {
        self.adopted(cookie).load(Ordering::SeqCst) == cookie
    }

    /// The place where the cookie is noted when it is adopted. A later one may have taken it.
    fn adopted(&self, cookie: u64) -> &AtomicU64 {
        &self.adopted[cookie as usize % ADOPTED]
    }

    /// Makes all handles of a description stale: what is known of it was about another socket.
    pub fn condemn(&self, handle: Handle) {
        let Some(slot) = self.slot(handle.slot()) else { return };
        let mut old = slot.state.load(Ordering::Acquire);
        while generation_of(old) == handle.generation() {
            let new = pack_state(next_generation(old), unpack_state(old));
            match slot.state.compare_exchange_weak(old, new, Ordering::AcqRel, Ordering::Acquire) {
                Ok(_) => return,
                Err(seen) => old = seen,
            }
        }
    }

    /// A slot for a new description, which has one handle.
    #[inline(always)]
    fn describe(&self, socket: &Socket, cookie: u64) -> Option<Handle> {
        let index = self.allocate()?;
        let slot = self.slot(index)?;
        let generation = generation_of(slot.state.load(Ordering::Acquire));
        let identity = pack_identity(socket);
        slot.identity.store(identity, Ordering::Relaxed);
        slot.cookie.store(cookie, Ordering::Relaxed);
        slot.refs.store(1, Ordering::Relaxed);
        slot.state.store(pack_state(generation, State::of(socket)), Ordering::Release);
        Some(Handle::new(generation, index, identity))
    }

    /// Makes `fd` another handle of the description; it is forgotten when the description is gone meanwhile.
    pub fn dup(&self, handle: Handle, fd: c_int) {
        let retained = self.entry(fd, true).is_some() && self.retain(handle);
        self.replace(fd, if retained { handle.0 } else { UNKNOWN });
        self.unless_divided(fd, handle);
    }

    /// Drops what is known of `fd`, and the description with its last handle. Says whether it was known as a socket.
    pub fn forget(&self, fd: c_int) -> bool {
        self.replace(fd, UNKNOWN) > DOUBTFUL
    }

    /// [`FdTable::forget`], unless something else has been stored since `seen`.
    pub fn forget_if(&self, fd: c_int, seen: Seen) {
        self.replace_if(fd, seen, UNKNOWN);
    }

    /// Forgets what `fd` means although it may go on meaning it, or something else that was known: what another thread
    /// stores next may be older than that.
    pub fn doubt(&self, fd: c_int) {
        self.replace(fd, DOUBTFUL);
    }

    /// [`FdTable::doubt`], unless something else has been stored since `seen`.
    pub fn doubt_if(&self, fd: c_int, seen: Seen) {
        self.replace_if(fd, seen, DOUBTFUL);
    }

    /// [`FdTable::forget`] for every descriptor from `first` to `last`, both included.
    pub fn forget_range(&self, first: u32, last: u32) {
        self.each_known(first, last, |fd| {
            self.forget(fd);
        });
    }

    /// Every descriptor from `first` to `last`, both included, of which something is known.
    pub fn each_known(&self, first: u32, last: u32, mut take: impl FnMut(c_int)) {
        for (page, entries) in
            self.fds.iter().enumerate().filter_map(|(page, cell)| Some((page, cell.get()?)))
        {
            for (index, entry) in entries.iter().enumerate() {
                let fd = (page * FDS_PER_PAGE + index) as u32;
                if (first..=last).contains(&fd) && entry.load(Ordering::Relaxed) != UNKNOWN {
                    take(fd as c_int);
                }
            }
        }
    }

    /// From now on threads have descriptor tables of their own, so that a number may mean something else to each of them:
    /// nothing is remembered any more.
    pub fn divide(&self) {
        self.divided.store(true, Ordering::SeqCst);
        self.forget_range(0, u32::MAX);
    }

    /// Whether `fd` may keep what was just stored; what was stored too late is taken back.
    fn unless_divided(&self, fd: c_int, handle: Handle) -> bool {
        let divided = self.divided.load(Ordering::SeqCst);
        if divided {
            self.forget_if(fd, handle.into());
        }
        !divided
    }

    /// A consistent copy of the socket and its cookie, or `None` for a stale handle.
    #[inline(always)]
    pub fn read(&self, handle: Handle) -> Option<(Socket, u64)> {
        let slot = self.slot(handle.slot())?;
        let before = slot.state.load(Ordering::Acquire);
        let identity = slot.identity.load(Ordering::Acquire);
        let cookie = slot.cookie.load(Ordering::Acquire);
        let after = slot.state.load(Ordering::Acquire);
        let current =
            generation_of(before) == handle.generation() && generation_of(after) == handle.generation();
        current.then(|| (unpack_identity(identity, unpack_state(after)), cookie))
    }

    /// Changes the states in one step; a stale handle changes nothing.
    #[inline]
    pub fn update(&self, handle: Handle, change: impl Fn(State) -> State) {
        let Some(slot) = self.slot(handle.slot()) else { return };
        let mut old = slot.state.load(Ordering::Acquire);
        while generation_of(old) == handle.generation() {
            let new = pack_state(handle.generation(), change(unpack_state(old)));
            match slot.state.compare_exchange_weak(old, new, Ordering::AcqRel, Ordering::Acquire) {
                Ok(_) => return,
                Err(seen) => old = seen,
            }
        }
    }

    /// How many descriptors refer to the description; 0 for a stale handle.
    #[inline]
    pub fn refs(&self, handle: Handle) -> u32 {
        match self.slot(handle.slot()) {
            Some(slot) if generation_of(slot.state.load(Ordering::Acquire)) == handle.generation() => {
                slot.refs.load(Ordering::Acquire)
            }
            _ => 0,
        }
    }

    #[inline]
    fn entry(&self, fd: c_int, create: bool) -> Option<&AtomicU64> {
        let fd = usize::try_from(fd).ok()?;
        let cell = self.fds.get(fd / FDS_PER_PAGE)?;
        let page = match create {
            true => cell.get_or_try_init(|| try_boxed(|| AtomicU64::new(UNKNOWN)).ok_or(())).ok()?,
            false => cell.get()?,
        };
        page.get(fd % FDS_PER_PAGE)
    }

    /// Stores a word, and gives the one before.
    fn replace(&self, fd: c_int, word: u64) -> u64 {
        let Some(entry) = self.entry(fd, word != UNKNOWN) else { return UNKNOWN };
        // Others look at the table after their system calls; see the module's text.
        let old = entry.swap(word, Ordering::SeqCst);
        if old > DOUBTFUL {
            self.release(Handle(old));
        }
        old
    }

    /// Stores a word where another was seen, unless that has changed. Says whether it has stored it.
    fn replace_if(&self, fd: c_int, seen: Seen, word: u64) -> bool {
        let Some(entry) = self.entry(fd, word != UNKNOWN) else { return false };
        if word == NOT_SOCKET && self.divided.load(Ordering::SeqCst) {
            return false;
        }
        let stored = entry.compare_exchange(seen.0, word, Ordering::SeqCst, Ordering::Relaxed).is_ok();
        if stored && seen.0 > DOUBTFUL {
            self.release(Handle(seen.0));
        }
        stored
    }

    #[inline]
    fn slot(&self, index: u32) -> Option<&Slot> {
        let index = index as usize;
        self.slots.get(index / SLOTS_PER_PAGE)?.get()?.get(index % SLOTS_PER_PAGE)
    }

    fn retain(&self, handle: Handle) -> bool {
        let Some(slot) = self.slot(handle.slot()) else { return false };
        let mut refs = slot.refs.load(Ordering::Acquire);
        while refs > 0 && generation_of(slot.state.load(Ordering::Acquire)) == handle.generation() {
            match slot.refs.compare_exchange_weak(refs, refs + 1, Ordering::AcqRel, Ordering::Acquire) {
                Ok(_) if generation_of(slot.state.load(Ordering::Acquire)) == handle.generation() => {
                    return true;
                }
                // The slot has become another description between the two looks.
                Ok(_) => {
                    self.release(handle);
                    return false;
                }
                Err(seen) => refs = seen,
            }
        }
        false
    }

    fn release(&self, handle: Handle) {
        let Some(slot) = self.slot(handle.slot()) else { return };
        if slot.refs.fetch_sub(1, Ordering::AcqRel) != 1 {
            return;
        }
        // The new generation makes every handle that is still about stale before the slot can be used again. It follows
        // the slot's and not the handle's, which may be stale itself.
        let generation = next_generation(slot.state.load(Ordering::Acquire));
        let free = State { socket: SocketState::Free, sk: TcpState::Close, bound: Bound::No, shutdown: 0 };
        slot.state.store(pack_state(generation, free), Ordering::Release);
        let mut head = self.free.load(Ordering::Acquire);
        loop {
            slot.next.store(head as u32, Ordering::Relaxed);
            let new = next_tag(head) | u64::from(handle.slot() + 1);
            match self.free.compare_exchange_weak(head, new, Ordering::AcqRel, Ordering::Acquire) {
                Ok(_) => return,
                Err(seen) => head = seen,
            }
        }
    }

    fn allocate(&self) -> Option<u32> {
        let mut head = self.free.load(Ordering::Acquire);
        while head as u32 != 0 {
            let index = head as u32 - 1;
            let next = self.slot(index)?.next.load(Ordering::Relaxed);
            let new = next_tag(head) | u64::from(next);
            match self.free.compare_exchange_weak(head, new, Ordering::AcqRel, Ordering::Acquire) {
                Ok(_) => return Some(index),
                Err(seen) => head = seen,
            }
        }
        let room = |used: u32| ((used as usize) < SLOT_PAGES * SLOTS_PER_PAGE).then_some(used + 1);
        let index = self.used.fetch_update(Ordering::AcqRel, Ordering::Acquire, room).ok()?;
        let page = self.slots.get(index as usize / SLOTS_PER_PAGE)?;
        // Without memory for its page the slot is lost; there are a million.
        page.get_or_try_init(|| try_boxed(Slot::default).ok_or(())).ok()?;
        Some(index)
    }
}

fn next_tag(head: u64) -> u64 {
    (head >> 32).wrapping_add(1) << 32
}
