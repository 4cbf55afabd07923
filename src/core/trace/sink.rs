//! The bounded channel from the program's threads to the writer.
//!
//! The sender never blocks and makes no system call; when the channel is full, it drops the event and counts it. It
//! reports when the channel has become half full, so that its caller can wake the receiver, which otherwise polls.

use crate::trace::event::Event;
use crossbeam_queue::ArrayQueue;
use std::sync::atomic::{AtomicU64, Ordering};

/// How many events the channel holds.
pub const CAPACITY: usize = 4096;

/// The channel of one process. It carries boxes: an event is large, and a channel of events would make all of its
/// memory resident when it is made. The preload library's allocator makes a box in a few instructions, without a
/// lock.
pub struct Sink {
    events: ArrayQueue<Box<Event>>,
    dropped: AtomicU64,
}

impl Default for Sink {
    fn default() -> Self {
        Sink { events: ArrayQueue::new(CAPACITY), dropped: AtomicU64::new(0) }
    }
}

impl Sink {
    /// Sends the event that `event` makes. Without a free slot or memory the event is counted as dropped. Returns
    /// whether the channel has just become half full.
    ///
    /// [`MARGIN`] slots stay free. A sender that a signal handler interrupts may have claimed a slot that it has not
    /// filled yet. Without the margin, the handler's own events could fill all other slots and then wait for that one
    /// for ever.
    pub fn send(&self, event: impl FnOnce() -> Option<Box<Event>>) -> bool {
        let waiting = self.events.len();
        let sent =
            waiting + MARGIN < CAPACITY && event().is_some_and(|event| self.events.push(event).is_ok());
        if !sent {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
        waiting == CAPACITY / 2
    }

    /// The next event, if there is one.
    pub fn next(&self) -> Option<Box<Event>> {
        self.events.pop()
    }

    /// Whether events are waiting.
    pub fn is_empty(&self) -> bool {
        self.events.is_empty()
    }

    /// Whether events were dropped since the last [`Sink::take_dropped`].
    pub fn has_dropped(&self) -> bool {
        self.dropped.load(Ordering::Relaxed) != 0
    }

    /// How many events were dropped since the last call; sets the count to zero.
    pub fn take_dropped(&self) -> u64 {
        match self.dropped.load(Ordering::Relaxed) {
            0 => 0,
            _ => self.dropped.swap(0, Ordering::Relaxed),
        }
    }

    /// Counts received events as dropped that could not be written.
    pub fn add_dropped(&self, count: u64) {
        self.dropped.fetch_add(count, Ordering::Relaxed);
    }
}

/// How many slots stay free.
const MARGIN: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hook::Hook;

    static HOOK: Hook = crate::hook!(Call, Plain, [], socket() -> c_int);

    #[test]
    fn dropped_events_are_counted() {
        let sink = Sink::default();
        for _ in 0..CAPACITY + 10 {
            sink.send(|| Some(Box::new(Event::new(&HOOK))));
        }
        let mut received = 0;
        while sink.next().is_some() {
            received += 1;
        }
        assert_eq!(received + sink.take_dropped() as usize, CAPACITY + 10);
        assert!(received >= CAPACITY - MARGIN);
        assert_eq!(sink.take_dropped(), 0);
    }
}
