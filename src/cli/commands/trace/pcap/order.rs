//! Packets of all processes by their time.

use sockshim_core::tap::reader::Packet;
use std::collections::BTreeMap;

/// Packets that wait for earlier ones.
#[derive(Default)]
pub struct Order {
    waiting: BTreeMap<(u64, u64), Packet>,
    /// How many came before, so that two of one time stay in the order in which they came.
    count: u64,
}

impl Order {
    /// A packet.
    pub fn push(&mut self, packet: Packet) {
        self.count += 1;
        self.waiting.insert((packet.head.time, self.count), packet);
    }

    /// The earliest packet, if it is not after this time, in nanoseconds.
    pub fn pop(&mut self, until: u64) -> Option<Packet> {
        let first = self.waiting.first_entry()?;
        (first.key().0 <= until).then(|| first.remove())
    }
}
