//! The events of all processes in one order.
//!
//! Each process's writer sends its own events in order, a little after they have happened. So an event is shown when no process
//! can send an earlier one: a process that has sent more is at its last event, one that is silent, or not there yet, at some
//! milliseconds ago.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// How long after a call its line is sent at the latest, in microseconds, by a writer that has nothing else to do.
pub const LAG: u64 = 40_000;

/// Lines that wait for earlier ones.
#[derive(Default)]
pub struct Order {
    waiting: BinaryHeap<Reverse<(u64, u64, Vec<u8>)>>,
    /// How many lines came before, so that two of one time stay in the order in which they came.
    count: u64,
}

impl Order {
    /// A line with its time, in microseconds.
    pub fn push(&mut self, time: u64, line: Vec<u8>) {
        self.count += 1;
        self.waiting.push(Reverse((time, self.count, line)));
    }

    /// The earliest line, if it is not after this time.
    pub fn pop(&mut self, until: u64) -> Option<Vec<u8>> {
        let Reverse((time, ..)) = self.waiting.peek()?;
        if *time > until {
            return None;
        }
        self.waiting.pop().map(|Reverse((_, _, line))| line)
    }

    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_come_by_their_time_and_else_as_they_came() {
        let mut order = Order::default();
        for (time, line) in [(5, "c"), (3, "a"), (5, "d"), (4, "b"), (9, "e")] {
            order.push(time, line.as_bytes().to_vec());
        }
        let mut until = |time| -> String {
            let lines = std::iter::from_fn(|| order.pop(time)).flatten().collect();
            String::from_utf8(lines).expect("text")
        };
        assert_eq!(
            (until(2), until(5), until(8), until(9)),
            ("".into(), "abcd".into(), "".into(), "e".into())
        );
        assert!(order.is_empty());
    }
}
