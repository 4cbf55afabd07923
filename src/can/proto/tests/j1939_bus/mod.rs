//! Sockets on one bus, with a clock that is turned by hand.
#![allow(dead_code)]

use std::collections::VecDeque;

use sockshim_can_proto::frame::Frame;
use sockshim_can_proto::j1939::uapi::*;
use sockshim_can_proto::j1939::{Datagram, J1939, Output, Report, Sockaddr};
use sockshim_can_proto::{Errno, Nanos};

pub const MS: Nanos = 1_000_000;
pub const IFINDEX: i32 = 5;
/// RX_SOFTWARE, OPT_ID, TX_SCHED, TX_ACK.
pub const ALL_REPORTS: u32 = 0x388;

pub fn at(addr: u8, pgn: u32) -> Sockaddr {
    Sockaddr { ifindex: IFINDEX, name: J1939_NO_NAME, pgn, addr }
}

pub fn named(name: u64, addr: u8) -> Sockaddr {
    Sockaddr { ifindex: IFINDEX, name, pgn: J1939_NO_PGN, addr }
}

/// A socket that is bound to this address, any PGN.
pub fn socket(addr: u8) -> J1939 {
    let mut socket = J1939::new();
    socket.bind(&at(addr, J1939_NO_PGN).bytes(), Ok(())).unwrap();
    socket
}

/// The same with SO_BROADCAST.
pub fn broadcaster(addr: u8) -> J1939 {
    let mut socket = socket(addr);
    socket.set_broadcast(true);
    socket
}

pub fn with_errqueue(mut socket: J1939) -> J1939 {
    assert_eq!(socket.setsockopt(SO_J1939_ERRQUEUE, Some(&1i32.to_ne_bytes()), false), Ok(1));
    socket.set_timestamping(ALL_REPORTS);
    socket
}

pub fn promiscuous(mut socket: J1939) -> J1939 {
    assert_eq!(socket.setsockopt(SO_J1939_PROMISC, Some(&1i32.to_ne_bytes()), false), Ok(1));
    socket
}

/// Bytes that differ from place to place and from seed to seed.
pub fn message(seed: u32, len: usize) -> Vec<u8> {
    let mut x = seed.wrapping_mul(0x9e37_79b9) | 1;
    (0..len)
        .map(|_| {
            (x, _) = x.overflowing_mul(1_664_525);
            x = x.wrapping_add(1_013_904_223);
            (x >> 24) as u8
        })
        .collect()
}

#[derive(Default)]
pub struct Got {
    pub datagrams: Vec<Datagram>,
    pub reports: Vec<Report>,
    pub errors: Vec<Errno>,
}

/// What a frame meets on its way to one socket.
pub type Fate = Box<dyn FnMut(usize, usize, &Frame) -> Vec<Nanos>>;

pub struct Bus {
    pub now: Nanos,
    pub sockets: Vec<J1939>,
    pub got: Vec<Got>,
    /// Every frame with its sender.
    pub frames: Vec<(usize, Frame)>,
    pub record: bool,
    /// Between which sockets a frame gets lost or late: the delays of each copy.
    pub fate: Option<Fate>,
    under_way: VecDeque<(Nanos, usize, Frame)>,
}

impl Bus {
    pub fn new(sockets: Vec<J1939>) -> Bus {
        let got = sockets.iter().map(|_| Got::default()).collect();
        Bus { now: 0, sockets, got, frames: Vec::new(), record: true, fate: None, under_way: VecDeque::new() }
    }

    pub fn send(&mut self, i: usize, to: &Sockaddr, data: &[u8]) -> Result<usize, Errno> {
        let result = self.sockets[i].send(self.now, Some(to), data);
        self.collect(i);
        result
    }

    /// A frame from nobody of these.
    pub fn inject(&mut self, frame: &Frame) {
        for i in 0..self.sockets.len() {
            self.sockets[i].receive(self.now, frame, false);
            self.collect(i);
        }
    }

    pub fn collect(&mut self, from: usize) {
        while let Some(output) = self.sockets[from].poll() {
            match output {
                Output::Datagram(datagram) => self.got[from].datagrams.push(datagram),
                Output::Report(report) => self.got[from].reports.push(report),
                Output::Error(errno) => self.got[from].errors.push(errno),
                Output::Frame(frame) => self.put(from, frame),
            }
        }
    }

    fn put(&mut self, from: usize, frame: Frame) {
        if self.record {
            self.frames.push((from, frame));
        }
        for to in (0..self.sockets.len()).filter(|to| *to != from) {
            let delays = match &mut self.fate {
                Some(fate) => fate(from, to, &frame),
                None => vec![0],
            };
            for delay in delays {
                let when = self.now + delay;
                let place = self.under_way.partition_point(|(other, ..)| *other <= when);
                self.under_way.insert(place, (when, to, frame));
            }
        }
    }

    pub fn next(&self) -> Option<Nanos> {
        let timers = self.sockets.iter().filter_map(J1939::next_timer);
        timers.chain(self.under_way.front().map(|(when, ..)| *when)).min()
    }

    /// Lets everything happen up to then.
    pub fn run_to(&mut self, until: Nanos) {
        while let Some(next) = self.next().filter(|next| *next <= until) {
            self.now = self.now.max(next);
            if self.under_way.front().is_some_and(|(when, ..)| *when <= self.now) {
                let (_, to, frame) = self.under_way.pop_front().unwrap();
                self.sockets[to].receive(self.now, &frame, false);
                self.collect(to);
                continue;
            }
            for i in 0..self.sockets.len() {
                if self.sockets[i].next_timer().is_some_and(|timer| timer <= self.now) {
                    self.sockets[i].timer(self.now);
                    self.collect(i);
                }
            }
        }
        self.now = self.now.max(until);
    }

    /// Lets so much time pass.
    pub fn pass(&mut self, ms: u64) {
        self.run_to(self.now + ms * MS);
    }

    /// Lets everything happen that there is.
    ///
    /// # Panics
    /// If that takes more than this many milliseconds.
    pub fn settle(&mut self, ms: u64) {
        let end = self.now + ms * MS;
        while let Some(next) = self.next() {
            assert!(next <= end, "still busy after {ms} ms");
            self.run_to(next);
        }
    }

    /// The identifiers and data of what has been sent, and forgets it.
    pub fn sent(&mut self) -> Vec<(u32, Vec<u8>)> {
        self.frames.drain(..).map(|(_, frame)| (frame.id & 0x1fff_ffff, frame.data().to_vec())).collect()
    }
}
