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

use crate::boxed::try_boxed;
use crate::net::ops::{ProtoOps, Socket, SocketState};
use crate::net::sock::{Bound, Proto, Sock, TcpState};
use crate::net::socket::net_family;
use libc::c_int;
use once_cell::race::OnceBox;
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicU32, AtomicU64, Ordering, fence};

const FDS_PER_PAGE: usize = 512;
/// Descriptors up to 2,097,151 are remembered; beyond that each call asks anew.
const FD_PAGES: usize = 4096;
const SLOTS_PER_PAGE: usize = 256;
/// About a million sockets are remembered; beyond that each call asks anew. Two slots fewer than a handle can name.
const SLOT_PAGES: usize = 4095;

const UNKNOWN: u64 = 0;
const NOT_SOCKET: u64 = 1;
/// Unknown, and perhaps a socket that somebody has known: whoever stores here now may be too late.
const DOUBTFUL: u64 = 2;
/// How many cookies of adopted sockets are kept.
const ADOPTED: usize = 256;

/// A reference to one socket of the slab, in one word: from the lowest bit its slot (20 bits, plus 2), the slot's
/// generation (20 bits), and what kind of socket it is (family, and the places of ops and prot in the family's lists:
/// 8 bits each). The kind is there so that a data call is described by the table's word alone.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Handle(u64);

const SLOT_BITS: u32 = 20;
const GENERATION_BITS: u32 = 20;
const SLOT_MASK: u64 = (1 << SLOT_BITS) - 1;
const GENERATION_MASK: u32 = (1 << GENERATION_BITS) - 1;
const KIND_SHIFT: u32 = SLOT_BITS + GENERATION_BITS;

impl Handle {
    fn new(generation: u32, slot: u32, identity: u64) -> Handle {
        let [family, _, _, _, ops, prot, ..] = identity.to_le_bytes();
        let kind = u64::from(family) | u64::from(ops) << 8 | u64::from(prot) << 16;
        Handle(kind << KIND_SHIFT | u64::from(generation) << SLOT_BITS | u64::from(slot + 2))
    }
    fn slot(self) -> u32 {
        ((self.0 & SLOT_MASK) as u32).wrapping_sub(2)
    }
    fn generation(self) -> u32 {
        (self.0 >> SLOT_BITS) as u32 & GENERATION_MASK
    }

    /// The ops and the prot of a socket, from the word alone.
    pub fn kind(word: u64) -> (Option<&'static ProtoOps>, Option<&'static Proto>) {
        let [family, ops, prot, ..] = (word >> KIND_SHIFT).to_le_bytes();
        let known = net_family(c_int::from(family));
        let ops = known.and_then(|known| known.ops.get(usize::from(ops)));
        let prot = known.and_then(|known| known.prots.get(usize::from(prot)));
        (ops.copied(), prot.copied())
    }
}

/// What the table knows of a descriptor.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Entry {
    /// Nothing: ask.
    Unknown,
    /// It was something else than a socket when last asked.
    NotSocket,
    /// This socket.
    Socket(Handle),
}

/// The table's word for a descriptor at some moment. What another thread has stored since then is left alone.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Seen(u64);

impl Seen {
    /// What it says.
    pub fn entry(self) -> Entry {
        match self.0 {
            UNKNOWN | DOUBTFUL => Entry::Unknown,
            NOT_SOCKET => Entry::NotSocket,
            handle => Entry::Socket(Handle(handle)),
        }
    }
}

impl From<Handle> for Seen {
    fn from(handle: Handle) -> Seen {
        Seen(handle.0)
    }
}

/// One open file description.
#[derive(Default)]
struct Slot {
    /// Family, type, protocol, and the places of ops and prot in the family's lists.
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

/// The states that calls change, apart from what a socket is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct State {
    /// `sock->state`.
    pub socket: SocketState,
    /// `sk->sk_state`.
    pub sk: TcpState,
    /// Whether there is a local address.
    pub bound: Bound,
    /// Which directions are shut.
    pub shutdown: u8,
}

impl State {
    /// The states of a socket.
    pub fn of(socket: &Socket) -> State {
        State { socket: socket.state, sk: socket.sk.state, bound: socket.sk.bound, shutdown: socket.shutdown }
    }

    fn pack(self, generation: u32) -> u64 {
        u64::from(generation) << 32
            | u64::from(self.shutdown) << 24
            | u64::from(self.bound as u8) << 16
            | u64::from(self.sk as u8) << 8
            | self.socket as u64
    }

    fn unpack(word: u64) -> State {
        let byte = |shift: u32| usize::from((word >> shift) as u8);
        State {
            socket: SocketState::ALL.get(byte(0)).copied().unwrap_or(SocketState::Free),
            sk: TcpState::ALL.get(byte(8).wrapping_sub(1)).copied().unwrap_or(TcpState::Close),
            bound: match byte(16) {
                0 => Bound::No,
                1 => Bound::Yes,
                3 => Bound::Auto,
                4 => Bound::Gone,
                _ => Bound::Unknown,
            },
            shutdown: byte(24) as u8,
        }
    }
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
    #[inline]
    pub fn get(&self, fd: c_int) -> Entry {
        self.seen(fd).entry()
    }

    /// What is known of `fd`, to be replaced by [`FdTable::forget_if`] and its relatives only while it is still that.
    pub fn seen(&self, fd: c_int) -> Seen {
        Seen(self.entry(fd, false).map_or(UNKNOWN, |entry| entry.load(Ordering::Acquire)))
    }

    /// Remembers that `fd` is no socket.
    pub fn set_not_socket_if(&self, fd: c_int, seen: Seen) {
        self.replace_if(fd, seen, NOT_SOCKET);
    }

    /// Makes `fd` the first handle of a new description, and says whether that is uncertain: the table took it for another
    /// socket until now, or has known one there, or the description has been adopted by another descriptor meanwhile.
    /// `None` when there is no room to remember it.
    pub fn install(&self, fd: c_int, socket: &Socket, cookie: u64) -> Option<(Handle, bool)> {
        self.entry(fd, true)?;
        let handle = self.describe(socket, cookie)?;
        let old = self.replace(fd, handle.0);
        let doubtful =
            old > NOT_SOCKET || self.adopted(cookie).load(Ordering::SeqCst) == cookie && cookie != 0;
        self.unless_divided(fd, handle).then_some((handle, doubtful))
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

    /// The place where the cookie is noted when it is adopted. A later one may have taken it.
    fn adopted(&self, cookie: u64) -> &AtomicU64 {
        &self.adopted[cookie as usize % ADOPTED]
    }

    /// Makes all handles of a description stale: what is known of it was about another socket.
    pub fn condemn(&self, handle: Handle) {
        let Some(slot) = self.slot(handle.slot()) else { return };
        let mut old = slot.state.load(Ordering::Acquire);
        while generation_of(old) == handle.generation() {
            let new = State::unpack(old).pack(next_generation(old));
            match slot.state.compare_exchange_weak(old, new, Ordering::AcqRel, Ordering::Acquire) {
                Ok(_) => return,
                Err(seen) => old = seen,
            }
        }
    }

    /// A slot for a new description, which has one handle.
    fn describe(&self, socket: &Socket, cookie: u64) -> Option<Handle> {
        let index = self.allocate()?;
        let slot = self.slot(index)?;
        let generation = generation_of(slot.state.load(Ordering::Acquire));
        let identity = pack_identity(socket);
        slot.identity.store(identity, Ordering::Relaxed);
        slot.cookie.store(cookie, Ordering::Relaxed);
        slot.refs.store(1, Ordering::Relaxed);
        slot.state.store(State::of(socket).pack(generation), Ordering::Release);
        Some(Handle::new(generation, index, identity))
    }

    /// Makes `fd` another handle of the description; it is forgotten when the description is gone meanwhile.
    pub fn dup(&self, handle: Handle, fd: c_int) {
        let retained = self.entry(fd, true).is_some() && self.retain(handle);
        self.replace(fd, if retained { handle.0 } else { UNKNOWN });
        self.unless_divided(fd, handle);
    }

    /// Drops what is known of `fd`, and the description with its last handle.
    pub fn forget(&self, fd: c_int) {
        self.replace(fd, UNKNOWN);
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
        self.each_known(first, last, |fd| self.forget(fd));
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
    #[inline]
    pub fn read(&self, handle: Handle) -> Option<(Socket, u64)> {
        let slot = self.slot(handle.slot())?;
        let before = slot.state.load(Ordering::Acquire);
        let identity = slot.identity.load(Ordering::Acquire);
        let cookie = slot.cookie.load(Ordering::Acquire);
        let after = slot.state.load(Ordering::Acquire);
        let current =
            generation_of(before) == handle.generation() && generation_of(after) == handle.generation();
        current.then(|| (unpack_identity(identity, State::unpack(after)), cookie))
    }

    /// Changes the states in one step; a stale handle changes nothing.
    #[inline]
    pub fn update(&self, handle: Handle, change: impl Fn(State) -> State) {
        let Some(slot) = self.slot(handle.slot()) else { return };
        let mut old = slot.state.load(Ordering::Acquire);
        while generation_of(old) == handle.generation() {
            let new = change(State::unpack(old)).pack(handle.generation());
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
        slot.state.store(free.pack(generation), Ordering::Release);
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

/// The generation in a slot's state word, which has room for more than a handle carries.
fn generation_of(word: u64) -> u32 {
    (word >> 32) as u32
}

fn next_generation(word: u64) -> u32 {
    generation_of(word).wrapping_add(1) & GENERATION_MASK
}

fn next_tag(head: u64) -> u64 {
    (head >> 32).wrapping_add(1) << 32
}

/// No place in the family's list: the host's business.
const NO_PLACE: u8 = 0xff;

fn place<T>(list: &[&T], item: Option<&T>) -> u8 {
    item.and_then(|item| list.iter().position(|known| std::ptr::eq(*known, item)))
        .map_or(NO_PLACE, |place| place as u8)
}

fn pack_identity(socket: &Socket) -> u64 {
    let (ops, prots) =
        net_family(socket.sk.family).map_or((&[][..], &[][..]), |family| (family.ops, family.prots));
    u64::from_le_bytes([
        socket.sk.family as u8,
        socket.ty as u8,
        socket.sk.protocol as u8,
        (socket.sk.protocol >> 8) as u8,
        place(ops, socket.ops),
        place(prots, socket.sk.prot),
        0,
        0,
    ])
}

fn unpack_identity(word: u64, state: State) -> Socket {
    let [family, ty, low, high, ops, prot, ..] = word.to_le_bytes();
    let family = c_int::from(family);
    let known = net_family(family);
    Socket {
        state: state.socket,
        shutdown: state.shutdown,
        ty: c_int::from(ty),
        ops: known.and_then(|known| known.ops.get(usize::from(ops))).copied(),
        sk: Sock {
            family,
            protocol: u16::from_le_bytes([low, high]),
            state: state.sk,
            prot: known.and_then(|known| known.prots.get(usize::from(prot))).copied(),
            bound: state.bound,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::ipv4::{af_inet::INET_STREAM_OPS, tcp::TCP_PROT};

    fn tcp() -> Socket {
        crate::net::init();
        let mut socket = Socket::alloc(libc::AF_INET, libc::SOCK_STREAM);
        socket.ops = Some(&INET_STREAM_OPS);
        socket.sk.prot = Some(&TCP_PROT);
        socket.sk.protocol = 6;
        socket
    }

    #[test]
    fn a_socket_comes_back_as_it_went_in() {
        let table = FdTable::new();
        let (handle, over) = table.install(7, &tcp(), 99).expect("room");
        assert!(!over);
        assert_eq!(table.get(7), Entry::Socket(handle));
        let (socket, cookie) = table.read(handle).expect("fresh");
        assert_eq!((socket.sk.protocol, cookie), (6, 99));
        assert_eq!(socket.ops.map(|ops| ops.name), Some("inet_stream_ops"));
        assert_eq!(socket.sk.prot.map(|prot| prot.name), Some("TCP"));
        assert_eq!(socket.state, SocketState::Unconnected);
    }

    #[test]
    fn handles_share_the_description_and_the_last_one_ends_it() {
        let table = FdTable::new();
        let (handle, _) = table.install(3, &tcp(), 1).expect("room");
        table.dup(handle, 4);
        table.forget(3);
        table.update(handle, |state| State { sk: TcpState::Listen, ..state });
        assert_eq!(table.read(handle).expect("alive").0.sk.state, TcpState::Listen);
        table.forget_range(0, u32::MAX);
        assert!(table.read(handle).is_none());
        assert_eq!(table.refs(handle), 0);
        table.dup(handle, 9);
        assert_eq!(table.get(9), Entry::Unknown);
    }

    #[test]
    fn a_slot_is_used_again_under_a_new_generation() {
        let table = FdTable::new();
        let (old, _) = table.install(3, &tcp(), 1).expect("room");
        let (new, over) = table.install(3, &tcp(), 2).expect("room");
        assert!(over);
        assert_ne!(old, new);
        let (newer, _) = table.install(4, &tcp(), 3).expect("room");
        assert_eq!(newer.slot(), old.slot());
        assert!(table.read(old).is_none());
        assert_eq!(table.read(newer).expect("fresh").1, 3);
    }

    #[test]
    fn numbers_out_of_range_are_unknown() {
        let table = FdTable::new();
        let beyond = (FDS_PER_PAGE * FD_PAGES) as c_int;
        for fd in [-1, c_int::MIN, c_int::MAX, beyond] {
            assert_eq!(table.get(fd), Entry::Unknown);
            assert!(table.install(fd, &tcp(), 1).is_none());
            assert!(table.adopt(fd, table.seen(fd), &tcp(), 1, 1).is_none());
            table.set_not_socket_if(fd, table.seen(fd));
            table.forget(fd);
        }
        let (handle, _) = table.install(beyond - 1, &tcp(), 1).expect("room");
        assert_eq!(table.get(beyond - 1), Entry::Socket(handle));
        table.dup(handle, beyond);
        assert_eq!((table.get(beyond), table.refs(handle)), (Entry::Unknown, 1));
    }

    #[test]
    fn descriptors_of_one_description_are_adopted_as_that() {
        let table = FdTable::new();
        let (handle, _) = table.install(3, &tcp(), 77).expect("room");
        assert_eq!(table.adopt(4, table.seen(4), &tcp(), 77, 1), Some(handle));
        assert_eq!(table.refs(handle), 2);
        let other = table.adopt(5, table.seen(5), &tcp(), 78, 1).expect("room");
        assert_ne!(other, handle);
        // Where something else has been stored since, nothing is adopted, and no handle is lost or left.
        let seen = table.seen(6);
        table.dup(handle, 6);
        assert_eq!(table.adopt(6, seen, &tcp(), 78, 1), None);
        // Who has made it stores it late, and is told.
        assert!(table.install(7, &tcp(), 78).expect("room").1);
        table.forget(7);
        assert_eq!((table.refs(handle), table.refs(other)), (3, 1));
        table.forget_if(6, seen);
        assert_eq!(table.get(6), Entry::Socket(handle));
        table.forget_if(6, handle.into());
        assert_eq!((table.get(6), table.refs(handle)), (Entry::Unknown, 2));
    }

    #[test]
    fn what_is_stored_where_something_was_known_is_uncertain() {
        let table = FdTable::new();
        table.doubt(3);
        assert_eq!(table.get(3), Entry::Unknown);
        let (handle, doubtful) = table.install(3, &tcp(), 1).expect("room");
        assert!(doubtful);
        table.doubt_if(3, handle.into());
        assert_eq!((table.get(3), table.refs(handle)), (Entry::Unknown, 0));
        table.forget(3);
        assert!(!table.install(3, &tcp(), 1).expect("room").1);
    }

    #[test]
    fn a_description_that_contradicts_its_cookie_is_given_up() {
        let table = FdTable::new();
        let (wrong, _) = table.install(3, &tcp(), 77).expect("room");
        let right = Socket::alloc(libc::AF_UNIX, libc::SOCK_STREAM);
        let handle = table.adopt(4, table.seen(4), &right, 77, 1).expect("room");
        assert_eq!(table.read(handle).expect("fresh").0.sk.family, libc::AF_UNIX);
        assert!(table.read(wrong).is_none());
        table.forget(3);
        assert_eq!(table.refs(handle), 1);
    }

    #[test]
    fn nobody_waits_to_adopt_and_a_fork_leaves_nobody_waiting() {
        let table = FdTable::new();
        table.adopter.store(1, Ordering::Relaxed);
        assert_eq!(table.adopt(4, table.seen(4), &tcp(), 77, 1), None);
        assert!(table.adopt(4, table.seen(4), &tcp(), 77, 2).is_some());
    }

    #[test]
    fn a_divided_table_remembers_nothing() {
        let table = FdTable::new();
        let (handle, _) = table.install(3, &tcp(), 77).expect("room");
        table.divide();
        assert!(table.read(handle).is_none());
        assert!(
            table.install(3, &tcp(), 77).is_none() && table.adopt(4, table.seen(4), &tcp(), 1, 1).is_none()
        );
        table.set_not_socket_if(5, table.seen(5));
        assert_eq!([3, 4, 5].map(|fd| table.get(fd)), [Entry::Unknown; 3]);
    }

    #[test]
    fn threads_neither_lose_nor_mix_sockets() {
        static TABLE: FdTable = FdTable::new();
        let socket = tcp();
        std::thread::scope(|scope| {
            for thread in 0..4_i32 {
                scope.spawn(move || {
                    for round in 0..20_000_u64 {
                        let fd = thread * 8 + (round % 8) as i32;
                        let cookie = u64::from(fd as u32) << 32 | round;
                        let (handle, _) = TABLE.install(fd, &socket, cookie).expect("room");
                        TABLE.dup(handle, 1000 + fd);
                        assert_eq!(TABLE.read(handle).expect("alive").1, cookie);
                        TABLE.forget(fd);
                        assert_eq!(TABLE.read(handle).expect("alive").1, cookie);
                    }
                });
            }
        });
        assert!(TABLE.used.load(Ordering::Relaxed) <= 4 * 18, "slots leak");
    }
}
