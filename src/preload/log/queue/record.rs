//! What a data call leaves: one slot, or two where it has many arguments.

use core::cell::UnsafeCell;
use core::sync::atomic::AtomicU64;
use sockshim_core::hook::Does;

const _: () = assert!(size_of::<Record>() as u64 == super::segment::SLOT);

/// The argument words after the descriptor that a record keeps.
pub const WORDS: usize = 3;

/// Set in [`RecordData::index`] when the next slot has more of the call's arguments.
pub const MORE: u16 = 1 << 15;

/// One data call: a cache line.
#[repr(C, align(64))]
pub struct Record {
    /// The counter when libc was back. Not zero once the record is whole, and zero again when it has been read.
    pub end: AtomicU64,
    /// The rest, which belongs to the thread while `end` is zero, and to the writer while it is not.
    pub data: UnsafeCell<RecordData>,
}

/// What a record holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Shape {
    /// A call on one socket: its first argument.
    Socket,
    /// A call that waits: the fifth argument stands in the socket's place.
    Wait,
    /// poll: its first arguments, beside the socket that makes it one of interest.
    Poll,
    /// epoll_ctl: the socket is its third argument, and the words are the others.
    Watch,
}

impl Shape {
    /// What the records of a call hold.
    pub const fn of(does: Does) -> Shape {
        match does {
            Does::Polls => Shape::Poll,
            Does::Selects | Does::Waits => Shape::Wait,
            Does::Watches => Shape::Watch,
            _ => Shape::Socket,
        }
    }

    /// The first argument that the record has no room for.
    pub const fn rest(self) -> usize {
        match self {
            Shape::Socket | Shape::Watch => WORDS + 1,
            Shape::Wait => WORDS + 2,
            Shape::Poll => WORDS,
        }
    }
}

/// What is known of a data call.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct RecordData {
    /// The time stamp counter when libc was called.
    pub start: u64,
    /// The descriptor's word in the fd table.
    pub socket: u64,
    /// The result.
    pub ret: i64,
    /// The descriptor.
    pub fd: i32,
    /// errno, when the result is an error; else what an earlier record has left.
    pub errno: u16,
    /// The hook's index in the table.
    pub index: u16,
    /// The argument words after the descriptor.
    pub words: [i64; WORDS],
}

/// A call that was taken from a queue.
pub struct Taken {
    /// The counter when libc was back.
    pub end: u64,
    /// The record.
    pub data: RecordData,
    /// The arguments that it has no room for, from [`Shape::rest`] on.
    pub rest: [i64; WORDS],
}
