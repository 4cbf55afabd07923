//! One sequence from the channel and the rings, in the order in which calls ended.
//!
//! A thread's control calls come through the channel and its data calls through its ring, and the two are not read at
//! one moment. So everything that ended before the reading began is written, in order, and what ended later is kept for
//! the next time: whatever a thread did before it is then certainly there.

use crate::hooks::ROWS;
use crate::log::clock::Scale;
use crate::log::ring::{self, Shape, Taken, WORDS};
use core::ffi::c_int;
use sockshim_core::fdtable::Handle;
use sockshim_core::trace::event::Event;
use sockshim_core::trace::sink::Sink;

/// Something that happened.
pub enum Item {
    /// From the channel.
    Event(Box<Event>),
    /// From a ring.
    Data(Taken),
}

/// What has been read and not been written.
pub struct Merge {
    items: Vec<(u64, usize, Item)>,
    scale: Scale,
}

impl Merge {
    /// Nothing.
    pub fn new() -> Merge {
        Merge { items: Vec::new(), scale: Scale::begin() }
    }

    /// Reads channel and rings. What is returned can be written, in this order; with `all` nothing is kept.
    pub fn read(&mut self, sink: &Sink, all: bool) -> impl Iterator<Item = Event> {
        self.scale.refresh();
        let scale = self.scale;
        while self.has_room()
            && let Some(mut event) = sink.next()
        {
            scale.settle(&mut event);
            self.push(event.start + event.ns, Item::Event(event));
        }
        for ring in ring::all() {
            while self.has_room()
                && let Some(taken) = ring.next()
            {
                self.push(scale.time(taken.end), Item::Data(taken));
            }
        }
        // In the order in which they were read, where the time is the same. A stable sort would take memory.
        self.items.sort_unstable_by_key(|(time, place, _)| (*time, *place));
        let ready = if all {
            self.items.len()
        } else {
            self.items.partition_point(|(time, ..)| *time <= scale.now())
        };
        self.items.drain(..ready).filter_map(move |(.., item)| match item {
            Item::Event(event) => Some(*event),
            Item::Data(taken) => event(&taken, &scale),
        })
    }

    /// Without memory the rest stays where it is until the next time.
    fn has_room(&mut self) -> bool {
        self.items.try_reserve(1).is_ok()
    }

    fn push(&mut self, time: u64, item: Item) {
        let place = self.items.len();
        self.items.push((time, place, item));
    }

    /// Whether something is kept for the next time.
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }
}

/// The event of a record, if it is of interest.
fn event(taken: &Taken, scale: &Scale) -> Option<Event> {
    let data = &taken.data;
    let row = &ROWS[usize::from(data.place)];
    let mut event = Event::new(&row.hook);
    event.ns = scale.span(taken.end.saturating_sub(data.start));
    event.start = scale.time(taken.end).saturating_sub(event.ns);
    event.tid = taken.tid;
    event.fd = Some(data.fd);
    event.ret = data.ret;
    event.errno = (data.ret == -1).then_some(c_int::from(data.errno));
    if row.shape == Shape::Poll {
        event.args[..WORDS].copy_from_slice(&data.words);
    } else {
        event.args[0] = data.fd.into();
        let words = row.hook.arity().saturating_sub(1).min(WORDS);
        event.args[1..=words].copy_from_slice(&data.words[..words]);
    }
    if row.shape == Shape::Wait {
        event.args[WORDS + 1] = data.socket as i64;
        return crate::dispatch::ready::waited(event);
    }
    (event.ops, event.prot) = Handle::kind(data.socket);
    event.handler = event.ops.and_then(|ops| match row.shape {
        Shape::Poll => ops.poll,
        _ => crate::dispatch::data::handler(row, ops),
    });
    Some(event)
}
