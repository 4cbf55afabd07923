//! One sequence from the channel and the rings, in the order in which calls ended.
//!
//! A thread's control calls come through the channel and its data calls through its ring, and the two are not read at
//! one moment. So everything that ended before the reading began is written, in order, and what ended later is kept for
//! the next time: whatever a thread did before it is then certainly there.
//!
//! The channel is emptied at once and sorted. The rings stay where they are: each is in order by itself, so what is
//! next is the first record of one of them, and it becomes an event when its turn comes.

use crate::alloc;
use crate::log::clock::Scale;
use crate::log::ring::{self, Ring, SLOTS, Shape, Taken, WORDS};
use crate::table::HOOKS;
use core::cmp::Reverse;
use core::ffi::c_int;
use sockshim_core::fdtable::Handle;
use sockshim_core::hook::{Direction, Does};
use sockshim_core::net::ops::ProtoOps;
use sockshim_core::net::path::Func;
use sockshim_core::trace::event::Event;
use sockshim_core::trace::sink::Sink;
use sockshim_core::verdict::Reason;
use std::collections::BinaryHeap;

/// Something that happened.
pub enum Item<'a> {
    /// From the channel.
    Event(Box<Event>),
    /// From a ring.
    Data(&'a Event),
}

/// When an event of the channel ended, and its number there. The first one is the greatest.
type Ended = Reverse<(u64, u64)>;

/// What has been read and not been written.
pub struct Merge {
    /// From the channel, the next one last.
    events: Vec<(Ended, Box<Event>)>,
    /// How many events came from the channel: those that ended at the same time stay in the order in which they came.
    count: u64,
    /// The rings with records that this reading began with, and the threads that they belong to.
    rings: Vec<(&'static Ring, i32)>,
    /// When the first record of each of them ended, but for `current`.
    heads: BinaryHeap<Reverse<(u64, usize)>>,
    /// The ring whose first record is the next one of all rings, and when that ended.
    current: Option<(u64, usize)>,
    /// Until when things must have ended to be written.
    until: u64,
    /// How many records may still be taken, so that a reading ends beside threads that make records all the time.
    left: usize,
    /// The event that records become, one after the other: most of an event is the same for all of them.
    event: Event,
    scale: Scale,
}

impl Merge {
    /// Nothing.
    pub fn new() -> Merge {
        Merge {
            events: Vec::new(),
            count: 0,
            rings: Vec::new(),
            heads: BinaryHeap::new(),
            current: None,
            until: 0,
            left: 0,
            event: Event::new(&HOOKS[0]),
            scale: Scale::begin(),
        }
    }

    /// Begins to read channel and rings. What [`Merge::next`] then gives can be written, in this order; with `all` nothing
    /// is kept.
    pub fn read(&mut self, sink: &Sink, all: bool) {
        self.scale.refresh();
        self.until = if all { u64::MAX } else { self.scale.now() };
        // Without memory the rest stays where it is until the next time.
        while self.events.try_reserve(1).is_ok()
            && let Some(mut event) = sink.next()
        {
            alloc::fetch(&event);
            self.scale.settle(&mut event);
            self.count += 1;
            self.events.push((Reverse((event.start + event.ns, self.count)), event));
        }
        self.events.sort_unstable_by_key(|(time, _)| *time);
        self.rings.clear();
        self.heads.clear();
        for ring in ring::all() {
            if let Some(end) = ring.peek()
                && self.rings.try_reserve(1).is_ok()
                && self.heads.try_reserve(1).is_ok()
            {
                self.heads.push(Reverse((self.scale.time(end), self.rings.len())));
                self.rings.push((ring, ring.tid()));
            }
        }
        self.left = self.rings.len() * SLOTS;
        self.current = self.heads.pop().map(|Reverse(head)| head);
    }

    /// The next one.
    pub fn next(&mut self) -> Option<Item<'_>> {
        loop {
            let time = self.current.map_or(u64::MAX, |(time, _)| time);
            if let Some((Reverse((ended, _)), _)) = self.events.last()
                && *ended <= time
            {
                let ready = *ended <= self.until;
                return self.events.pop_if(|_| ready).map(|(_, event)| Item::Event(event));
            }
            let (_, place) = self.current.filter(|_| time <= self.until && self.left > 0)?;
            self.left -= 1;
            let (ring, tid) = self.rings[place];
            let taken = ring.next()?;
            self.advance(ring, place);
            if self.make(&taken, tid) {
                return Some(Item::Data(&self.event));
            }
        }
    }

    /// After a record was taken: whose turn is next.
    fn advance(&mut self, ring: &Ring, place: usize) {
        let head = ring.peek().map(|end| (self.scale.time(end), place));
        match (head, self.heads.peek()) {
            (Some(head), None) => self.current = Some(head),
            (Some(head), Some(Reverse(other))) if head <= *other => self.current = Some(head),
            (head, _) => {
                self.current = self.heads.pop().map(|Reverse(other)| other);
                // The place that was just left is there again.
                self.heads.extend(head.map(Reverse));
            }
        }
    }

    /// Makes the event of a record, if it is of interest.
    fn make(&mut self, taken: &Taken, tid: i32) -> bool {
        let Taken { end, data, rest } = taken;
        let hook = &HOOKS[usize::from(data.place)];
        let shape = Shape::of(hook.does);
        let event = &mut self.event;
        event.hook = hook;
        event.ns = self.scale.span(end.saturating_sub(data.start));
        event.start = self.scale.time(*end).saturating_sub(event.ns);
        event.tid = tid;
        event.fd = Some(data.fd);
        event.ret = data.ret;
        event.errno = (data.ret == -1).then_some(c_int::from(data.errno));
        event.reason = Reason::HostOwned;
        if shape == Shape::Poll {
            event.args[..WORDS].copy_from_slice(&data.words);
        } else {
            // What a call has no argument for is not looked at.
            event.args[0] = data.fd.into();
            event.args[1..=WORDS].copy_from_slice(&data.words);
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
            // The number has become something else, and the entry did not know.
            (event.ops, event.prot, event.handler) = (None, None, None);
            event.reason = Reason::NotSocket;
            return true;
        }
        (event.ops, event.prot) = Handle::kind(data.socket);
        event.handler = event.ops.and_then(|ops| match shape {
            Shape::Poll => ops.poll,
            _ => handler(hook.does, ops),
        });
        true
    }

    /// Ends the reading: the threads may wake the writer again.
    pub fn finish(&self) {
        self.rings.iter().for_each(|(ring, _)| ring.arm());
    }

    /// Whether something is kept for the next time.
    pub fn is_empty(&self) -> bool {
        self.events.is_empty()
    }
}

/// The handler of a data call.
fn handler(does: Does, ops: &'static ProtoOps) -> Option<Func> {
    does.direction().map(|direction| match direction {
        Direction::Send => ops.sendmsg.func,
        Direction::Receive => ops.recvmsg.func,
    })
}

/// Makes the event of a call that waits on the kernel's own descriptors. Whether it is of interest.
fn waited(event: &mut Event) -> bool {
    event.reason = Reason::FdLife;
    if event.hook.does == Does::Waits {
        return true;
    }
    event.fd = None;
    event.args[0] > 0
}
