//! One sequence from all queues, in the order in which calls ended.
//!
//! Each queue is in order by itself, so what is next is the first record of one of them, and it becomes an event when its
//! turn comes. The queues are not read at one moment, so only what ended before the reading began is written; what ended
//! later stays where it is until the next time: whatever another thread did before it is then certainly there.

use crate::log::clock::Scale;
use crate::log::queue::{self, Peeked, Queue, Shape, Taken, WORDS};
use crate::table::HOOKS;
use core::cmp::Reverse;
use core::ffi::c_int;
use sockshim_core::fdtable::Handle;
use sockshim_core::hook::{Direction, Does, Level};
use sockshim_core::net::ops::ProtoOps;
use sockshim_core::net::path::Func;
use sockshim_core::trace::event::Event;
use sockshim_core::verdict::Reason;
use std::collections::BinaryHeap;

/// The next entry of the merged sequence.
pub enum Item<'a> {
    /// What the slow path and brief calls have left, and other control calls of the fast path.
    Event(&'a mut Event),
    /// What data calls have left on the fast path.
    Data(&'a Event),
}

/// The first record of a queue.
#[derive(Clone, Copy)]
struct First {
    ended: u64,
    /// Which of the queues.
    index: usize,
    record: Peeked,
}

/// What is read, and in which order.
pub struct Merge {
    /// The queues with records that this reading began with.
    queues: Vec<&'static Queue>,
    /// When the first record of each queue ended, except of `current`.
    heads: BinaryHeap<Reverse<(u64, usize)>>,
    /// The record that is the next one of all queues.
    current: Option<First>,
    /// Only what ended before this time is written.
    until: u64,
    /// Whether the process is gone.
    finished: bool,
    /// How many records may still be taken, so that a reading ends beside threads that make records all the time: as many as
    /// there can have been when it began.
    left: u64,
    /// The event that data calls become, one after the other: most of an event is the same for all of them.
    data: Event,
    /// The event that was taken last.
    event: Event,
    scale: Scale,
}

impl Merge {
    /// Nothing.
    pub fn new() -> Merge {
        Merge {
            queues: Vec::new(),
            heads: BinaryHeap::new(),
            current: None,
            until: 0,
            finished: false,
            left: 0,
            data: Event::new(&HOOKS[0]),
            event: Event::new(&HOOKS[0]),
            scale: Scale::begin(),
        }
    }

    /// Begins to read the queues. What [`Merge::next`] then gives can be written, in this order; with `all` nothing is kept
    /// that was there. `finished` when the process is gone: then there is no next time, and what is not whole is skipped.
    pub fn read(&mut self, all: bool, finished: bool) {
        self.scale.refresh();
        self.until = if all || finished { u64::MAX } else { self.scale.now() };
        self.finished = finished;
        self.left = if finished { u64::MAX } else { queue::capacity() };
        self.queues.clear();
        self.heads.clear();
        for queue in queue::all() {
            // Without memory, the rest stays where it is until the next reading.
            if let Some(record) = queue.peek(finished)
                && self.queues.try_reserve(1).is_ok()
                && self.heads.try_reserve(1).is_ok()
            {
                self.heads.push(Reverse((self.ended(record), self.queues.len())));
                self.queues.push(queue);
            }
        }
        self.current = None;
        self.pop();
    }

    /// The next item.
    pub fn next(&mut self) -> Option<Item<'_>> {
        loop {
            let ready = self.current.filter(|first| first.ended <= self.until && self.left > 0);
            let First { ended, index, record } = ready?;
            self.left -= 1;
            let queue = self.queues[index];
            if record.is_event() {
                queue.take_event(record, &mut self.event);
                if self.event.tid == 0 {
                    self.event.tid = queue.tid();
                }
                self.advance(queue, index);
                self.scale.settle(&mut self.event);
                self.event.find_path();
                self.event.unpack();
                return Some(Item::Event(&mut self.event));
            }
            let tid = queue.tid();
            let taken = queue.take_data(record);
            self.advance(queue, index);
            if self.make(ended, &taken, tid) {
                if self.data.hook.level == Level::Io {
                    return Some(Item::Data(&self.data));
                }
                self.event = self.data.clone();
                return Some(Item::Event(&mut self.event));
            }
        }
    }

    /// When a record ended.
    fn ended(&self, record: Peeked) -> u64 {
        match record.ended() {
            (ticks, true) => self.scale.time(ticks),
            (nanos, false) => nanos,
        }
    }

    /// After a record was taken: determines whose record is next.
    fn advance(&mut self, queue: &Queue, index: usize) {
        let record = queue.peek(self.finished);
        let first = record.map(|record| First { ended: self.ended(record), index, record });
        match (first, self.heads.peek()) {
            (Some(first), None) => self.current = Some(first),
            (Some(first), Some(Reverse(other))) if (first.ended, index) <= *other => {
                self.current = Some(first)
            }
            (first, _) => {
                self.pop();
                // One element was removed above, so there is capacity for this one.
                self.heads.extend(first.map(|first| Reverse((first.ended, index))));
            }
        }
    }

    /// Makes the first record of the queue whose turn it is the current one.
    fn pop(&mut self) {
        self.current = None;
        if let Some(Reverse((ended, index))) = self.heads.pop() {
            // It is still there: only the reader takes it.
            let record = self.queues[index].peek(self.finished);
            self.current = record.map(|record| First { ended, index, record });
        }
    }

    /// Fills the event from a record. Returns whether it is logged.
    fn make(&mut self, ended: u64, taken: &Taken, tid: i32) -> bool {
        let Taken { end, data, rest } = taken;
        let hook = &HOOKS[usize::from(data.index)];
        let shape = Shape::of(hook.does);
        let event = &mut self.data;
        event.hook = hook;
        event.ns = self.scale.span(end.saturating_sub(data.start));
        event.start = ended.saturating_sub(event.ns);
        event.tid = tid;
        event.fd = Some(data.fd);
        event.ret = data.ret;
        event.errno = (data.ret == -1).then_some(c_int::from(data.errno));
        event.reason = if hook.level == Level::Io { Reason::HostOwned } else { Reason::FdLife };
        match (shape, data.words) {
            (Shape::Poll, words) => event.args[..WORDS].copy_from_slice(&words),
            (Shape::Watch, [set, op, watched]) => {
                event.args[..=WORDS].copy_from_slice(&[set, op, data.fd.into(), watched]);
            }
            // A word beyond the call's arguments is ignored.
            (_, [first, second, third]) => {
                event.args[..=WORDS].copy_from_slice(&[data.fd.into(), first, second, third]);
            }
        }
        for (arg, word) in event.args[shape.rest()..].iter_mut().zip(rest) {
            *arg = *word;
        }
        if shape == Shape::Wait {
            event.args[WORDS + 1] = data.socket as i64;
            (event.ops, event.prot, event.handler) = (None, None, None);
            return waited(event);
        }
        if event.errno == Some(libc::ENOTSOCK) {
            // The number has become something else, and the table did not know yet.
            event.is_no_sockets();
            return true;
        }
        (event.ops, event.prot) = Handle::kind(data.socket);
        event.handler = event.ops.and_then(|ops| match shape {
            Shape::Poll | Shape::Watch => ops.poll,
            _ => handler(hook.does, ops),
        });
        true
    }
}

/// The handler of a data call.
fn handler(does: Does, ops: &'static ProtoOps) -> Option<Func> {
    does.direction().map(|direction| match direction {
        Direction::Send => ops.sendmsg.func,
        Direction::Receive => ops.recvmsg.func,
    })
}

/// Completes the event of a call that waits on descriptors of the kernel's own. Returns whether it is logged.
fn waited(event: &mut Event) -> bool {
    event.reason = Reason::FdLife;
    if event.hook.does == Does::Waits {
        return true;
    }
    event.fd = None;
    event.args[0] > 0
}
