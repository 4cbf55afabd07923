//! The slab: one slot for each open file description, which all of its descriptors share.
//!
//! Slots are type-stable and never freed. A handle carries the generation of its slot, so a stale handle is noticed
//! and never leads to another socket.

use super::word::{
    Handle, Packed, SequenceStep, change_state, generation_of, next_generation, pack_state, sequence_of,
    unpack_state,
};
use crate::boxed::try_boxed;
use crate::net::ops::SocketState;
use crate::net::sock::{Bound, TcpState};
use crate::net::state::State;
use once_cell::race::OnceBox;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

const SLOTS_PER_PAGE: usize = 256;
/// About a million sockets are remembered; for more, each call asks the kernel. Two slots fewer than a handle can
/// name.
const SLOT_PAGES: usize = 4095;

/// One open file description.
#[derive(Default)]
struct Slot {
    /// Family, type, protocol, the numbers of ops and prot, owner, namespace.
    identity: AtomicU64,
    /// Sequence, generation and states: changed as one word.
    state: AtomicU64,
    /// SO_COOKIE, the kernel's own name for the socket; 0 if it was not asked.
    cookie: AtomicU64,
    /// How many descriptors of the table refer to it.
    refs: AtomicU32,
    /// In a free slot: the next free slot plus one.
    next: AtomicU32,
}

/// A description as it was at one moment, and where it stands.
#[derive(Clone, Copy)]
pub struct Look<'a> {
    slot: &'a Slot,
    handle: Handle,
    identity: u64,
    state: u64,
    cookie: u64,
}

impl Look<'_> {
    /// The socket.
    #[inline(always)]
    pub fn socket(&self) -> Packed {
        Packed::new(self.identity, self.state as u32)
    }

    /// The handle that has led here.
    #[inline(always)]
    pub fn handle(&self) -> Handle {
        self.handle
    }

    /// The kernel's name for the socket.
    #[inline(always)]
    pub fn cookie(&self) -> u64 {
        self.cookie
    }

    /// Whether no change of another thread was under way, and none has overlapped with another.
    #[inline(always)]
    pub fn is_quiet(&self) -> bool {
        let sequence = sequence_of(self.state);
        SequenceStep::under_way(sequence) == 0 && !SequenceStep::is_contended(sequence)
    }

    /// Whether nothing has been changed since.
    #[inline(always)]
    pub fn is_unchanged(&self) -> bool {
        self.slot.state.load(Ordering::Acquire) == self.state
    }

    /// Stores other states, if nothing has been changed since. Whether it has; then it looks at these.
    #[inline(always)]
    pub fn change(&mut self, state: State) -> bool {
        let new = change_state(self.state, state, SequenceStep::Whole);
        let seen = self.slot.state.compare_exchange(self.state, new, Ordering::AcqRel, Ordering::Relaxed);
        self.state = new;
        seen.is_ok()
    }
}

/// All slots.
pub(super) struct Slab {
    slots: [OnceBox<[Slot; SLOTS_PER_PAGE]>; SLOT_PAGES],
    /// The first free slot plus one, with a tag that makes each value unique.
    free: AtomicU64,
    /// How many slots were ever used.
    pub(super) used: AtomicU32,
}

impl Slab {
    /// A slab without slots.
    pub(super) const fn new() -> Slab {
        Slab {
            slots: [const { OnceBox::new() }; SLOT_PAGES],
            free: AtomicU64::new(0),
            used: AtomicU32::new(0),
        }
    }

    /// The description with this cookie, with an additional handle. Descriptors of one description can arrive
    /// separately (in a message, by pidfd_getfd), and a change through one of them must show in the others.
    ///
    /// It searches all slots. With fewer than some thousand sockets that costs no more than the rest of adopting, and
    /// it saves every other call from maintaining an index.
    pub(super) fn find(&self, cookie: u64, identity: u64) -> Option<Handle> {
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

    /// Makes all handles of a description stale, because what is known of it was about another socket.
    #[inline]
    pub(super) fn condemn(&self, handle: Handle) {
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

    /// A slot for a new description with one handle.
    #[inline(always)]
    pub(super) fn describe(&self, socket: Packed, cookie: u64) -> Option<Handle> {
        let (index, slot) = self.allocate()?;
        let generation = generation_of(slot.state.load(Ordering::Acquire));
        slot.identity.store(socket.identity, Ordering::Relaxed);
        slot.cookie.store(cookie, Ordering::Relaxed);
        slot.refs.store(1, Ordering::Relaxed);
        slot.state.store(pack_state(generation, socket.states()), Ordering::Release);
        Some(Handle::new(generation, index, socket.identity))
    }

    /// A consistent look at a description, or `None` for a stale handle.
    #[inline(always)]
    pub(super) fn look(&self, handle: Handle) -> Option<Look<'_>> {
        let slot = self.slot(handle.slot())?;
        let before = slot.state.load(Ordering::Acquire);
        let identity = slot.identity.load(Ordering::Acquire);
        let cookie = slot.cookie.load(Ordering::Acquire);
        let after = slot.state.load(Ordering::Acquire);
        let current =
            generation_of(before) == handle.generation() && generation_of(after) == handle.generation();
        current.then_some(Look { slot, handle, identity, state: after, cookie })
    }

    /// Changes the states in one step, and gives what they and the sequence were before; a stale handle
    /// changes nothing.
    #[inline]
    pub(super) fn update(
        &self,
        handle: Handle,
        step: SequenceStep,
        change: impl Fn(State) -> State,
    ) -> Option<(State, u32)> {
        let slot = self.slot(handle.slot())?;
        let mut old = slot.state.load(Ordering::Acquire);
        while generation_of(old) == handle.generation() {
            let state = unpack_state(old);
            let new = change_state(old, change(state), step);
            match slot.state.compare_exchange_weak(old, new, Ordering::AcqRel, Ordering::Acquire) {
                Ok(_) => return Some((state, sequence_of(old))),
                Err(seen) => old = seen,
            }
        }
        None
    }

    /// How many descriptors refer to the description; 0 for a stale handle.
    #[inline]
    pub(super) fn refs(&self, handle: Handle) -> u32 {
        match self.slot(handle.slot()) {
            Some(slot) if generation_of(slot.state.load(Ordering::Acquire)) == handle.generation() => {
                slot.refs.load(Ordering::Acquire)
            }
            _ => 0,
        }
    }

    #[inline]
    fn slot(&self, index: u32) -> Option<&Slot> {
        let index = index as usize;
        self.slots.get(index / SLOTS_PER_PAGE)?.get()?.get(index % SLOTS_PER_PAGE)
    }

    #[inline]
    pub(super) fn retain(&self, handle: Handle) -> bool {
        self.slot(handle.slot()).is_some_and(|slot| self.retain_slot(slot, handle))
    }

    #[inline(always)]
    pub(super) fn retain_at(&self, look: &Look<'_>) -> bool {
        self.retain_slot(look.slot, look.handle)
    }

    #[inline]
    fn retain_slot(&self, slot: &Slot, handle: Handle) -> bool {
        let mut refs = slot.refs.load(Ordering::Acquire);
        while refs > 0 && generation_of(slot.state.load(Ordering::Acquire)) == handle.generation() {
            match slot.refs.compare_exchange_weak(refs, refs + 1, Ordering::AcqRel, Ordering::Acquire) {
                Ok(_) if generation_of(slot.state.load(Ordering::Acquire)) == handle.generation() => {
                    return true;
                }
                // The slot was reused for another description between the two reads.
                Ok(_) => {
                    self.release(handle);
                    return false;
                }
                Err(seen) => refs = seen,
            }
        }
        false
    }

    pub(super) fn release(&self, handle: Handle) {
        if let Some(slot) = self.slot(handle.slot()) {
            self.release_slot(slot, handle.slot());
        }
    }

    /// [`Slab::release`]; how many handles there were.
    #[inline(always)]
    pub(super) fn release_at(&self, look: &Look<'_>) -> u32 {
        self.release_slot(look.slot, look.handle.slot())
    }

    /// Takes back one handle; how many there were. The last one frees the slot.
    #[inline]
    fn release_slot(&self, slot: &Slot, index: u32) -> u32 {
        let refs = slot.refs.fetch_sub(1, Ordering::AcqRel);
        if refs != 1 {
            return refs;
        }
        // The new generation makes every remaining handle stale before the slot can be reused. It is computed from
        // the slot and not from the handle, which may itself be stale.
        let generation = next_generation(slot.state.load(Ordering::Acquire));
        let free = State { socket: SocketState::Free, sk: TcpState::Close, bound: Bound::No, shutdown: 0 };
        slot.state.store(pack_state(generation, free), Ordering::Release);
        let mut head = self.free.load(Ordering::Acquire);
        loop {
            slot.next.store(head as u32, Ordering::Relaxed);
            let new = next_tag(head) | u64::from(index + 1);
            match self.free.compare_exchange_weak(head, new, Ordering::AcqRel, Ordering::Acquire) {
                Ok(_) => return refs,
                Err(seen) => head = seen,
            }
        }
    }

    #[inline(always)]
    fn allocate(&self) -> Option<(u32, &Slot)> {
        let mut head = self.free.load(Ordering::Acquire);
        while head as u32 != 0 {
            let index = head as u32 - 1;
            let slot = self.slot(index)?;
            let new = next_tag(head) | u64::from(slot.next.load(Ordering::Relaxed));
            match self.free.compare_exchange_weak(head, new, Ordering::AcqRel, Ordering::Acquire) {
                Ok(_) => return Some((index, slot)),
                Err(seen) => head = seen,
            }
        }
        self.allocate_further()
    }

    /// A slot that was never used.
    #[cold]
    fn allocate_further(&self) -> Option<(u32, &Slot)> {
        let room = |used: u32| ((used as usize) < SLOT_PAGES * SLOTS_PER_PAGE).then_some(used + 1);
        let index = self.used.fetch_update(Ordering::AcqRel, Ordering::Acquire, room).ok()?;
        let page = self.slots.get(index as usize / SLOTS_PER_PAGE)?;
        // Without memory for its page the slot is lost; there are a million.
        page.get_or_try_init(|| try_boxed(Slot::default).ok_or(())).ok()?;
        Some((index, self.slot(index)?))
    }
}

fn next_tag(head: u64) -> u64 {
    (head >> 32).wrapping_add(1) << 32
}
