//! The bounded channel from the program's threads to the writer.
//!
//! The sender never blocks and makes no system call: the receiver polls, and a full channel loses the event and counts
//! it. The sender says when the channel has become half full, so that its caller can wake a receiver that is late.

use crate::trace::event::Event;
use crossbeam_channel::{Receiver, Sender, bounded};
use std::sync::atomic::{AtomicU64, Ordering};

/// How many events can wait for the writer.
pub const CAPACITY: usize = 4096;

/// The channel of one process. It carries boxes: an event is large, and a channel of events would make every page of
/// its memory resident at once. The preload library's allocator makes a box in a few instructions, without a lock.
pub struct Sink {
    sender: Sender<Box<Event>>,
    receiver: Receiver<Box<Event>>,
    dropped: AtomicU64,
}

impl Default for Sink {
    fn default() -> Self {
        let (sender, receiver) = bounded(CAPACITY);
        Sink { sender, receiver, dropped: AtomicU64::new(0) }
    }
}

impl Sink {
    /// Hands an event to the writer, or counts it as lost. A few places stay free, so that a signal handler that
    /// interrupts a sender half-way can never come round to the very place that this sender has claimed. `event` makes it,
    /// if there is room, unless there is no memory. Whether the writer is late: the channel has just become half full.
    pub fn send(&self, event: impl FnOnce() -> Option<Box<Event>>) -> bool {
        let waiting = self.receiver.len();
        let sent =
            waiting + MARGIN < CAPACITY && event().is_some_and(|event| self.sender.try_send(event).is_ok());
        if !sent {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
        waiting == CAPACITY / 2
    }

    /// The next event, if there is one.
    pub fn next(&self) -> Option<Box<Event>> {
        self.receiver.try_recv().ok()
    }

    /// Whether events are waiting.
    pub fn is_empty(&self) -> bool {
        self.receiver.is_empty()
    }

    /// Whether events were lost since [`Sink::take_dropped`] was asked last.
    pub fn has_dropped(&self) -> bool {
        self.dropped.load(Ordering::Relaxed) != 0
    }

    /// How many events were lost since this was asked last.
    pub fn take_dropped(&self) -> u64 {
        match self.dropped.load(Ordering::Relaxed) {
            0 => 0,
            _ => self.dropped.swap(0, Ordering::Relaxed),
        }
    }

    /// Counts events as lost that were taken from the channel but could not be written.
    pub fn add_dropped(&self, count: u64) {
        self.dropped.fetch_add(count, Ordering::Relaxed);
    }
}

/// The places that stay free.
const MARGIN: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hook::Hook;

    static HOOK: Hook = crate::hook!(Call, Plain, [], socket() -> c_int);

    #[test]
    fn what_has_no_room_is_counted() {
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
