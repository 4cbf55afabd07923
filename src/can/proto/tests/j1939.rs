//! CAN_J1939 machines against each other over a bus that loses, delays and repeats frames, and against frames that are
//! nonsense: a message arrives whole or an error is reported, never a wrong one, and nothing hangs or panics.

mod j1939_bus;

use j1939_bus::*;
use proptest::prelude::*;
use sockshim_can_proto::Nanos;
use sockshim_can_proto::frame::{CAN_EFF_FLAG, Frame};
use sockshim_can_proto::j1939::uapi::*;
use sockshim_can_proto::j1939::{J1939, Output, Sockaddr};

/// Small, and the same everywhere.
#[derive(Clone)]
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % sides
    }
}

/// A bus that loses so many of a thousand frames, is late with as many, and repeats some.
fn lossy(mut dice: Dice, permille: u64) -> Fate {
    Box::new(move |_, _, _| {
        if dice.roll(1000) < permille {
            return vec![];
        }
        let late: Nanos = if dice.roll(1000) < permille { dice.roll(3) * MS } else { 0 };
        if dice.roll(1000) < permille / 4 { vec![late, late] } else { vec![late] }
    })
}

/// One message after another from each to the next: it arrives, or its sender gets an error.
fn unicast(seed: u64, machines: usize, permille: u64, rounds: u32) -> (u64, u64) {
    let mut dice = Dice(seed.wrapping_mul(2) | 1);
    let mut bus = Bus::new((0..machines).map(|i| socket(0x20 + i as u8)).collect());
    bus.record = false;
    bus.fate = Some(lossy(dice.clone(), permille));
    let (mut arrived, mut failed) = (0, 0);
    for round in 0..rounds {
        let mut expected = Vec::new();
        for from in 0..machines {
            let to = (from + 1 + dice.roll(machines as u64 - 1) as usize) % machines;
            let most = [30, 300, 1780, 6000][dice.roll(4) as usize];
            let len = 9 + dice.roll(most) as usize;
            let data = message(round * 8 + from as u32, len);
            bus.send(from, &at(0x20 + to as u8, 0x1_2300), &data).unwrap();
            expected.push((from, to, data));
        }
        bus.settle(60_000);
        for (from, to, data) in expected {
            let datagrams = &mut bus.got[to].datagrams;
            let own =
                |datagram: &sockshim_can_proto::j1939::Datagram| datagram.source.addr == 0x20 + from as u8;
            let place = datagrams.iter().position(own);
            let got = place.map(|place| datagrams.remove(place));
            assert!(got.as_ref().is_none_or(|got| got.data == data), "seed {seed}: a wrong message");
            assert_eq!(bus.sockets[from].pending(), 0, "seed {seed}: not ended");
            assert!(
                got.is_some() || !bus.got[from].errors.is_empty(),
                "seed {seed}: neither arrived nor failed"
            );
            let ok = bus.got[from].errors.is_empty();
            (arrived, failed) = (arrived + u64::from(ok), failed + u64::from(!ok));
            bus.got[from].errors.clear();
        }
        assert!(bus.got.iter().all(|got| got.datagrams.is_empty()), "seed {seed}: more than was sent");
        bus.pass(2000);
    }
    (arrived, failed)
}

/// Broadcasts at intervals at which no receiver waits for the rest of the last one.
fn broadcast(seed: u64, permille: u64, rounds: u32) {
    let dice = Dice(seed.wrapping_mul(2) | 1);
    let mut bus = Bus::new((0..3).map(|i| broadcaster(0x20 + i)).collect());
    bus.fate = Some(lossy(dice, permille));
    for round in 0..rounds {
        for from in 0..3 {
            let data = message(round * 8 + from, 9 + (seed as usize + round as usize * 7) % 60);
            bus.send(from as usize, &at(0xff, 0xfe00), &data).unwrap();
        }
        bus.settle(10_000);
        for got in &mut bus.got {
            for datagram in got.datagrams.drain(..) {
                let from = u32::from(datagram.source.addr - 0x20);
                let data = message(round * 8 + from, 9 + (seed as usize + round as usize * 7) % 60);
                assert!(datagram.data == data, "seed {seed}: a wrong message");
            }
            assert!(got.errors.is_empty());
        }
        bus.pass(1000);
    }
}

/// A frame that might mean something.
fn nonsense(dice: &mut Dice) -> Frame {
    let pgn = [0xec00, 0xeb00, 0xc800, 0xc700, 0xee00, 0xea00, 0xfe00, 0x1200][dice.roll(8) as usize];
    let to = if pgn == 0xfe00 { 0 } else { [0x20, 0x21, 0xff, 0xfe][dice.roll(4) as usize] };
    let from = [0x20, 0x21, 0x22, 0xfe][dice.roll(4) as usize];
    let mut data: [u8; 8] = std::array::from_fn(|_| dice.roll(256) as u8);
    let commands = [0x10, 0x11, 0x13, 0x14, 0x15, 0x16, 0x17, 0x20, 0xff, 1, 2, 3];
    if dice.roll(8) != 0 {
        data[0] = commands[dice.roll(12) as usize];
        data[5..].copy_from_slice(&[0, 0x12, 0]);
        data[2] = dice.roll(3) as u8;
        (data[3], data[4]) = (dice.roll(4) as u8, dice.roll(4) as u8 / 3);
    }
    let len = if dice.roll(16) == 0 { dice.roll(9) as usize } else { 8 };
    let id = CAN_EFF_FLAG | (dice.roll(8) as u32) << 26 | (pgn | to) << 8 | from;
    let mut frame = Frame::classic(id, &data[..len]);
    if dice.roll(64) == 0 {
        frame.id = dice.roll(1 << 32) as u32;
    }
    frame
}

/// How often something came out: frames, messages, reports, errors.
type Counts = [u64; 4];

fn drain(socket: &mut J1939, counts: &mut Counts) {
    while let Some(output) = socket.poll() {
        let place = match output {
            Output::Frame(_) => 0,
            Output::Datagram(_) => 1,
            Output::Report(_) => 2,
            Output::Error(_) => 3,
        };
        counts[place] += 1;
    }
}

/// One thing that can happen to a socket.
fn step(socket: &mut J1939, dice: &mut Dice, now: &mut Nanos) {
    match dice.roll(40) {
        0..=27 => socket.receive(*now, &nonsense(dice), dice.roll(30) == 0),
        28..=31 => {
            let names = [0, 0, 0, 0x0102];
            let to = Sockaddr {
                ifindex: IFINDEX,
                name: names[dice.roll(4) as usize],
                pgn: [0x1200, 0xfe00, 0xee00, J1939_NO_PGN][dice.roll(4) as usize],
                addr: [0x20, 0x21, 0xff, 0x22][dice.roll(4) as usize],
            };
            let len = [0, 8, 9, 30, 1785, 1786, 5000][dice.roll(7) as usize];
            let part = dice.roll(len as u64 + 1) as usize;
            let _ = socket.send_part(*now, Some(&to), len, &vec![dice.roll(256) as u8; len][..part]);
            let _ = socket.send(*now, Some(&to), &vec![1; socket.incomplete().unwrap_or(len)]);
        }
        32..=36 => {
            *now = now.saturating_add(dice.roll(400) * MS);
            socket.timer(*now);
        }
        37 => {
            let address =
                named([0, 0x0102][dice.roll(2) as usize], [0x20, 0x21, 0xfe][dice.roll(3) as usize]);
            let _ = socket.bind(&address.bytes(), Ok(()));
        }
        38 => match dice.roll(8) {
            0 => socket.set_room(dice.roll(10) as usize),
            1 => socket.set_rank(dice.roll(3) as u32),
            2 => socket.set_neighbour(0x21, dice.roll(2) == 0),
            3 => socket.set_block(dice.roll(256) as u8),
            4 => socket.shutdown(),
            5 => socket.down(),
            _ => socket.set_room(usize::MAX),
        },
        _ => {
            let option = [SO_J1939_PROMISC, SO_J1939_ERRQUEUE][dice.roll(2) as usize];
            let _ = socket.setsockopt(option, Some(&(dice.roll(2) as i32).to_ne_bytes()), false);
        }
    }
}

/// Whatever has happened, left alone a socket comes to rest.
fn rests(socket: &mut J1939, now: &mut Nanos, counts: &mut Counts) {
    socket.set_room(usize::MAX);
    for _ in 0..100_000 {
        let Some(timer) = socket.next_timer() else {
            assert_eq!(socket.pending(), 0, "something waits for nothing");
            return;
        };
        *now = timer.max(*now);
        socket.timer(*now);
        drain(socket, counts);
    }
    panic!("never at rest");
}

fn walk(seed: u64, steps: u64) -> Counts {
    let mut counts = [0; 4];
    let mut dice = Dice(seed.wrapping_mul(2) | 1);
    let mut socket = with_errqueue(broadcaster(0x20));
    let mut now = 0;
    for count in 0..steps {
        step(&mut socket, &mut dice, &mut now);
        drain(&mut socket, &mut counts);
        if count % 500 == 499 {
            rests(&mut socket, &mut now, &mut counts);
        }
    }
    rests(&mut socket, &mut now, &mut counts);
    counts
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(48) })]

    #[test]
    fn two_machines_agree(seed: u64, permille in 0u64..150) {
        unicast(seed, 2, permille, 8);
    }

    #[test]
    fn three_machines_agree(seed: u64, permille in 0u64..150) {
        unicast(seed, 3, permille, 6);
    }

    #[test]
    fn broadcasts_are_right_or_not_there(seed: u64, permille in 0u64..200) {
        broadcast(seed, permille, 10);
    }

    #[test]
    fn nonsense_does_nothing(seed: u64) {
        walk(seed, 2000);
    }
}

#[test]
fn a_good_bus_loses_nothing() {
    assert_eq!(unicast(1, 3, 0, 20), (60, 0));
}

#[test]
fn walks_meet_everything_that_can_come_out() {
    let counts = walk(1, 20_000);
    assert!(counts.iter().all(|count| *count > 100), "{counts:?}");
    let (arrived, failed) = unicast(1, 2, 20, 100);
    assert!(arrived > 20 && failed > 20, "{arrived} {failed}");
}

/// Three seconds in a release build, a minute with the checks of a debug build.
#[test]
#[ignore = "ten million steps"]
fn ten_million_steps() {
    for seed in 0..1000 {
        walk(seed, 10_000);
    }
    for seed in 0..2000 {
        unicast(seed, 2 + seed as usize % 2, seed % 150, 10);
        broadcast(seed, seed % 200, 10);
    }
}

#[test]
#[ignore = "the longest message there is"]
fn the_longest_message_arrives() {
    let mut bus = Bus::new(vec![socket(0x20), socket(0x30)]);
    bus.record = false;
    let data = message(1, J1939_MAX_ETP_PACKET_SIZE);
    bus.send(0, &at(0x30, 0x1_2300), &data).unwrap();
    bus.settle(1_000);
    assert!(bus.got[1].datagrams[0].data == data);
}
