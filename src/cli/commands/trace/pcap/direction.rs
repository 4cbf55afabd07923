//! One direction of a stream. Its sender and its receiver may both tell of its bytes, and each tells them in order. What one of
//! them has told and the other one has not is new; bytes that neither has are a hole, behind which the others wait until it is
//! filled, or until nobody can fill it.

use std::collections::BTreeMap;

/// How many bytes wait behind a hole at most.
const MOST: usize = 4 * 1024 * 1024;

/// The bytes of one direction.
#[derive(Default)]
pub struct Direction {
    /// How many bytes its sender has told of, and its receiver.
    sent: u64,
    received: u64,
    /// How many bytes stand in the capture, with those that are missing there.
    shown: u64,
    /// Bytes behind a hole, by the number of the first one.
    held: BTreeMap<u64, Vec<u8>>,
    held_len: usize,
    /// How many holes there are that nobody has filled.
    pub gaps: u64,
}

impl Direction {
    /// How many bytes there were so far.
    pub fn shown(&self) -> u64 {
        self.shown
    }

    /// Whether bytes that were sent do not stand there yet.
    pub fn has_hole(&self) -> bool {
        self.shown < self.sent
    }

    /// The sender has sent so many bytes, of which these are the first. Gives out what is new, each piece with the number of its
    /// first byte.
    pub fn sent(&mut self, moved: u64, data: &[u8], out: &mut dyn FnMut(u64, &[u8])) {
        let from = self.sent;
        self.sent += moved;
        self.bytes(from, data, out);
        self.give_up(self.sent.min(self.received), out);
        if self.held_len > MOST
            && let Some(first) = self.held.keys().next().copied()
        {
            self.give_up(first, out);
        }
    }

    /// The same of the receiver. What both have gone past nobody tells any more, nor what it has gone past `alone`.
    pub fn received(&mut self, moved: u64, data: &[u8], alone: bool, out: &mut dyn FnMut(u64, &[u8])) {
        let from = self.received;
        self.received += moved;
        self.bytes(from, data, out);
        self.give_up(if alone { self.received } else { self.sent.min(self.received) }, out);
    }

    /// Nobody fills holes before this byte any more.
    pub fn give_up(&mut self, until: u64, out: &mut dyn FnMut(u64, &[u8])) {
        while self.shown < until {
            let next = self.held.keys().next().copied().unwrap_or(until);
            self.gaps += 1;
            self.shown = next.min(until).max(self.shown);
            self.go_on(out);
        }
    }

    /// The same, however far the sender is.
    pub fn give_up_all(&mut self, out: &mut dyn FnMut(u64, &[u8])) {
        self.give_up(self.sent, out);
    }

    fn bytes(&mut self, from: u64, data: &[u8], out: &mut dyn FnMut(u64, &[u8])) {
        if from > self.shown && !data.is_empty() {
            self.held_len += data.len();
            if let Some(old) = self.held.insert(from, data.to_vec()) {
                self.held_len -= old.len();
            }
            return;
        }
        self.show(from, data, out);
        self.go_on(out);
    }

    /// Gives out what of these bytes is new.
    fn show(&mut self, from: u64, data: &[u8], out: &mut dyn FnMut(u64, &[u8])) {
        let new = data.get(self.shown.saturating_sub(from) as usize..).unwrap_or_default();
        if !new.is_empty() {
            out(self.shown, new);
            self.shown += new.len() as u64;
        }
    }

    /// Gives out what waits no more.
    fn go_on(&mut self, out: &mut dyn FnMut(u64, &[u8])) {
        while let Some(first) = self.held.first_entry()
            && *first.key() <= self.shown
        {
            let (from, data) = first.remove_entry();
            self.held_len -= data.len();
            self.show(from, &data, out);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A direction, and what it has given out.
    #[derive(Default)]
    struct Told(Direction, Vec<(u64, Vec<u8>)>);

    impl Told {
        fn sent(&mut self, moved: u64, data: &[u8]) {
            let Told(direction, out) = self;
            direction.sent(moved, data, &mut |from, data| out.push((from, data.to_vec())));
        }

        fn received(&mut self, moved: u64, data: &[u8], alone: bool) {
            let Told(direction, out) = self;
            direction.received(moved, data, alone, &mut |from, data| out.push((from, data.to_vec())));
        }

        fn pieces(&self) -> Vec<(u64, &str)> {
            self.1.iter().map(|(from, data)| (*from, str::from_utf8(data).expect("text"))).collect()
        }
    }

    #[test]
    fn the_receiver_fills_what_the_sender_leaves_out() {
        let mut told = Told::default();
        told.sent(10, b"0123");
        told.sent(3, b"abc");
        assert_eq!(told.pieces(), [(0, "0123")]);
        told.received(6, b"012345", false);
        told.received(5, b"6789a", false);
        told.sent(2, b"de");
        assert_eq!(told.pieces()[1..], [(4, "45"), (6, "6789a"), (11, "bc"), (13, "de")]);
        assert_eq!((told.0.gaps, told.0.has_hole()), (0, false));
    }

    #[test]
    fn the_sender_fills_what_the_receiver_leaves_out() {
        let mut told = Told::default();
        // As by splice, before the sender has told of it and after.
        told.received(4, b"", false);
        told.sent(6, b"abcdef");
        told.received(2, b"", false);
        assert_eq!((told.pieces(), told.0.gaps), (vec![(0, "abcdef")], 0));
    }

    #[test]
    fn what_neither_tells_is_a_gap() {
        let mut told = Told::default();
        told.sent(10, b"0123");
        told.sent(3, b"abc");
        told.received(13, b"01", false);
        assert_eq!((told.pieces(), told.0.gaps), (vec![(0, "0123"), (10, "abc")], 1));
        let mut alone = Told::default();
        alone.received(10, b"01", true);
        alone.received(2, b"ab", true);
        assert_eq!((alone.pieces(), alone.0.gaps), (vec![(0, "01"), (10, "ab")], 1));
    }

    #[test]
    fn no_more_than_a_bound_waits() {
        let mut told = Told::default();
        told.sent(10, b"");
        let piece = [b'x'; 65536];
        (0..=MOST / piece.len()).for_each(|_| told.sent(piece.len() as u64, &piece));
        assert_eq!((told.1.len(), told.0.gaps), (MOST / piece.len() + 1, 1));
    }
}
