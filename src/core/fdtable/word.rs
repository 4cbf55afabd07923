//! The words of the table and its slab: entries, handles, states and identities, packed so that each is read and
//! changed atomically.

use super::numbered::{CONCERNED_PROT, OPS, PROTS, concerned_prot};
use crate::net::module::Owner;
use crate::net::namespace::NetId;
use crate::net::ops::{ProtoOps, Socket, SocketState};
use crate::net::sock::{Bound, Proto, Sock, TcpState};
use crate::net::state::{self, Sort, State};
use core::num::NonZeroU32;
use libc::c_int;

/// A reference to one socket of the slab, in one word. From the lowest bit: its slot (20 bits, plus 2), the slot's
/// generation (20 bits), and the kind of socket (family, and the numbers of ops and prot: 8 bits each, the highest of them [`CONCERNED`]). The kind is included so that the table's word alone
/// describes a data call.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Handle(pub(super) u64);

/// Set in the word of a socket that rules about data calls may concern: those calls leave the fast path. The highest bit, so
/// that the test for a socket, as a signed comparison, is the test for one that no rule concerns as well.
const CONCERNED: u64 = 1 << 63;

const SLOT_BITS: u32 = 20;
const GENERATION_BITS: u32 = 20;
const SLOT_MASK: u64 = (1 << SLOT_BITS) - 1;
pub(super) const GENERATION_MASK: u32 = (1 << GENERATION_BITS) - 1;
const KIND_SHIFT: u32 = SLOT_BITS + GENERATION_BITS;

impl Handle {
    pub(super) fn new(generation: u32, slot: u32, identity: u64) -> Handle {
        let [family, _, _, _, ops, prot, ..] = identity.to_le_bytes();
        let kind = u64::from(family) | u64::from(ops) << 8 | u64::from(prot) << 16;
        Handle(kind << KIND_SHIFT | u64::from(generation) << SLOT_BITS | u64::from(slot + 2))
    }
    pub(super) fn slot(self) -> u32 {
        ((self.0 & SLOT_MASK) as u32).wrapping_sub(2)
    }
    /// The same description, whether rules concern it or not.
    pub fn is_of(self, other: Handle) -> bool {
        (self.0 ^ other.0) & !CONCERNED == 0
    }
    /// The handle as a number, whether rules concern it or not. It is never 0 or 1.
    pub fn key(self) -> u64 {
        self.0 & !CONCERNED
    }
    /// The handle with this number.
    pub fn of_key(key: u64) -> Option<Handle> {
        Seen(key).is_socket().then_some(Handle(key))
    }
    /// The handle as the word of a socket that no rule about data calls concerns.
    pub(super) fn freed(self) -> Handle {
        Handle(self.0 & !CONCERNED)
    }
    /// The opposite.
    pub(super) fn concerned(self) -> Handle {
        Handle(self.0 | CONCERNED)
    }
    pub(super) fn generation(self) -> u32 {
        (self.0 >> SLOT_BITS) as u32 & GENERATION_MASK
    }

    /// The ops and prot of a socket, from its word alone.
    pub fn kind(word: u64) -> (Option<&'static ProtoOps>, Option<&'static Proto>) {
        let [_, ops, prot, ..] = (word >> KIND_SHIFT).to_le_bytes();
        (OPS.of(ops), PROTS.of(prot & !CONCERNED_PROT))
    }
}

/// What an entry of the table says of its descriptor.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Entry {
    /// Nothing is known: ask the kernel.
    Unknown,
    /// Nothing is known, but something was: another thread may be about to store something older than that.
    Doubtful,
    /// It was something else than a socket when the kernel was last asked.
    NotSocket,
    /// This socket.
    Socket(Handle),
}

/// An entry at some moment, as the word that the table holds: 0 for [`Entry::Unknown`], 1 for [`Entry::NotSocket`], 2
/// for [`Entry::Doubtful`], else a handle. A change that names it is made only if the entry is still the same.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(transparent)]
pub struct Seen(pub(super) u64);

impl Seen {
    /// Nothing is known.
    pub const UNKNOWN: Seen = Seen(0);
    pub(super) const NOT_SOCKET: Seen = Seen(1);
    pub(super) const DOUBTFUL: Seen = Seen(2);

    /// The entry.
    #[inline(always)]
    pub fn entry(self) -> Entry {
        match self {
            Seen::UNKNOWN => Entry::Unknown,
            Seen::NOT_SOCKET => Entry::NotSocket,
            Seen::DOUBTFUL => Entry::Doubtful,
            Seen(handle) => Entry::Socket(Handle(handle)),
        }
    }

    /// Whether the entry is a socket.
    #[inline(always)]
    pub fn is_socket(self) -> bool {
        self.0 > Seen::DOUBTFUL.0
    }

    /// Whether the entry is a socket that no rule about data calls concerns.
    #[inline(always)]
    pub fn is_free_socket(self) -> bool {
        self.0 as i64 > Seen::DOUBTFUL.0 as i64
    }

    /// Whether the entry is [`Entry::Unknown`] or [`Entry::Doubtful`].
    #[inline(always)]
    pub fn is_unknown(self) -> bool {
        // One test: the two differ in one bit.
        self.0 & !Seen::DOUBTFUL.0 == 0
    }

    /// Whether the entry is [`Entry::NotSocket`].
    #[inline(always)]
    pub fn is_not_socket(self) -> bool {
        self == Seen::NOT_SOCKET
    }

    /// Whether a socket is or was known under the number: an entry that is stored over it may be older than it.
    #[inline(always)]
    pub fn has_known_socket(self) -> bool {
        self.0 >= Seen::DOUBTFUL.0
    }

    /// The word itself, for a record; [`Handle::kind`] decodes it later.
    #[inline(always)]
    pub fn raw(self) -> u64 {
        self.0
    }
}

impl From<Handle> for Seen {
    fn from(handle: Handle) -> Seen {
        Seen(handle.0)
    }
}

/// A slot's state word, so that all of it changes in one step: from the lowest bit the states (32 bits), the sequence (12 bits,
/// [`SequenceStep`]), and the generation (20 bits).
#[inline]
pub(super) fn pack_state(generation: u32, state: State) -> u64 {
    u64::from(generation) << GENERATION_SHIFT | u64::from(state.pack())
}

const SEQUENCE_SHIFT: u32 = 32;
const SEQUENCE_BITS: u32 = 12;
const GENERATION_SHIFT: u32 = SEQUENCE_SHIFT + SEQUENCE_BITS;

#[inline]
pub(super) fn unpack_state(word: u64) -> State {
    State::unpack(word as u32)
}

/// The generation in a slot's state word.
#[inline]
pub(super) fn generation_of(word: u64) -> u32 {
    (word >> GENERATION_SHIFT) as u32
}

/// What a call does to the sequence of its socket: a number of which the lowest bit says that changes have overlapped since
/// the socket is known, the next four bits count the calls under way that may change the socket, and the upper seven their
/// beginnings and ends. With more than fifteen calls under way, the count runs over and comes back.
#[derive(Clone, Copy)]
pub enum SequenceStep {
    /// It looks.
    Look = 0,
    /// A change begins.
    Begin = 0x22,
    /// A change ends.
    End = 0x1e,
    /// A change begins and ends.
    Whole = 0x40,
}

impl SequenceStep {
    /// How many calls are under way.
    pub fn under_way(sequence: u32) -> u32 {
        sequence >> 1 & 0xf
    }

    /// Whether changes have overlapped: the kernel may have made them in another order than they were stored in.
    pub fn is_contended(sequence: u32) -> bool {
        sequence & 1 != 0
    }

    /// The sequence after this.
    #[inline]
    pub fn after(self, sequence: u32) -> u32 {
        let overlaps = matches!(self, SequenceStep::Begin) && SequenceStep::under_way(sequence) > 0;
        ((sequence + self as u32) & ((1 << SEQUENCE_BITS) - 1)) | u32::from(overlaps)
    }
}

/// The sequence in a slot's state word.
pub(super) fn sequence_of(word: u64) -> u32 {
    (word >> SEQUENCE_SHIFT) as u32 & ((1 << SEQUENCE_BITS) - 1)
}

/// A slot's state word with other states, a step later.
pub(super) fn change_state(word: u64, state: State, step: SequenceStep) -> u64 {
    let sequence = step.after(sequence_of(word));
    pack_state(generation_of(word), state) | u64::from(sequence) << SEQUENCE_SHIFT
}

pub(super) fn next_generation(word: u64) -> u32 {
    generation_of(word).wrapping_add(1) & GENERATION_MASK
}

#[inline]
pub(super) fn pack_identity(socket: &Socket) -> u64 {
    let [low, high] = socket.sk.protocol.to_le_bytes();
    u64::from_le_bytes([
        socket.sk.family as u8,
        socket.ty as u8,
        low,
        high,
        OPS.number(socket.ops),
        PROTS.number(socket.sk.prot) | concerned_prot(socket.sk.family),
        socket.owner.number(),
        socket.net.number(),
    ])
}

/// A socket in the words of its slot, from which the rest follows.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Packed {
    pub(super) identity: u64,
    state: NonZeroU32,
}

/// Set in the states of a [`Packed`], so that an `Option` of it is no larger.
const IS_THERE: u32 = 1 << 31;

impl From<&Socket> for Packed {
    fn from(socket: &Socket) -> Packed {
        Packed::of(socket)
    }
}

impl Packed {
    /// The words of a socket.
    pub fn of(socket: &Socket) -> Packed {
        Packed::new(pack_identity(socket), State::of(socket).pack())
    }

    #[inline(always)]
    pub(super) fn new(identity: u64, state: u32) -> Packed {
        let there = NonZeroU32::new(IS_THERE).map_or(NonZeroU32::MIN, |there| there | state);
        Packed { identity, state: there }
    }

    /// The socket's states.
    #[inline(always)]
    pub fn states(self) -> State {
        State::unpack(self.state.get() & !IS_THERE)
    }

    /// The socket that a listener's accept returns ([`state::accepted`]), but with the ops of the listener.
    #[inline(always)]
    pub fn accepted(self) -> Packed {
        Packed::new(self.identity, state::of_accepted(self.sort()).pack())
    }

    /// What is certain of a new socket when its data calls are not seen ([`state::unobserved`]).
    #[inline(always)]
    pub fn unobserved(self) -> Packed {
        Packed::new(self.identity, state::born(self.states(), self.sort()).pack())
    }

    /// Whether `sk->sk_state` is TCP_ESTABLISHED.
    #[inline(always)]
    pub fn is_established(self) -> bool {
        let [_, sk, ..] = self.state.get().to_le_bytes();
        sk == TcpState::Established as u8
    }

    /// Whether it is as a new socket: SS_UNCONNECTED and TCP_CLOSE.
    #[inline(always)]
    pub fn is_closed(self) -> bool {
        let [socket, sk, ..] = self.state.get().to_le_bytes();
        [socket, sk] == [SocketState::Unconnected as u8, TcpState::Close as u8]
    }

    /// Whether it certainly has a local address.
    #[inline(always)]
    pub fn is_bound(self) -> bool {
        let [_, _, bound, _] = self.state.get().to_le_bytes();
        bound == Bound::Yes as u8 || bound == Bound::Auto as u8
    }

    /// Whether `sk->sk_state` is TCP_LISTEN.
    #[inline(always)]
    pub fn is_listening(self) -> bool {
        let [_, sk, ..] = self.state.get().to_le_bytes();
        sk == TcpState::Listen as u8
    }

    /// Gives the socket other states.
    pub fn set_state(&mut self, state: State) {
        *self = Packed::new(self.identity, state.pack());
    }

    /// The socket's owner.
    #[inline(always)]
    pub fn owner(self) -> Owner {
        let [.., owner, _] = self.identity.to_le_bytes();
        Owner::from_number(owner)
    }

    /// What of the socket never changes.
    #[inline(always)]
    pub fn sort(self) -> Sort {
        let [family, ty, ..] = self.identity.to_le_bytes();
        Sort { family: family.into(), ty: ty.into(), protocol: self.protocol() }
    }

    /// The socket's protocol.
    #[inline(always)]
    pub fn protocol(self) -> u16 {
        let [_, _, low, high, ..] = self.identity.to_le_bytes();
        u16::from_le_bytes([low, high])
    }

    /// The socket's operations.
    #[inline]
    pub fn ops(self) -> Option<&'static ProtoOps> {
        let [_, _, _, _, ops, ..] = self.identity.to_le_bytes();
        OPS.of(ops)
    }

    /// The socket.
    #[inline]
    pub fn unpack(self) -> Socket {
        let [family, ty, _, _, ops, prot, _, net] = self.identity.to_le_bytes();
        let state = self.states();
        Socket {
            state: state.socket,
            shutdown: state.shutdown,
            owner: self.owner(),
            net: NetId::new(net),
            ty: c_int::from(ty),
            ops: OPS.of(ops),
            sk: Sock {
                family: c_int::from(family),
                protocol: self.protocol(),
                state: state.sk,
                prot: PROTS.of(prot & !CONCERNED_PROT),
                bound: state.bound,
            },
        }
    }
}
