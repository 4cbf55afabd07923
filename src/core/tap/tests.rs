use super::packet::{Head, Kind};
use super::reader::{Missed, Packet, Reader};
use super::*;

const HEAD: Head = Head {
    kind: Kind::Received,
    time: 1_700_000_000_123_456_789,
    cookie: 77,
    pid: 4_000_000,
    name: *b"python3\0\0\0\0\0\0\0\0\0",
    fd: 1_000_000,
    family: libc::AF_INET6 as u8,
    ty: libc::SOCK_STREAM as u8,
    protocol: libc::IPPROTO_MPTCP as u16,
    moved: 1 << 40,
    number: -1,
    shares: u32::MAX,
    local: 3,
    peer: 28,
    data: 0,
};

fn memory(chunks: usize) -> Vec<AtomicU64> {
    let chunk = 2 * 8192;
    let memory: Vec<_> =
        (0..header::WORDS + chunks * (chunk + of_chunk::WORDS)).map(|_| AtomicU64::new(0)).collect();
    Tap::init(&memory, 8 * 8000);
    memory
}

fn put(tap: Tap, chunk: Chunk, data: &[u8]) -> bool {
    let Some(place) = tap.place(chunk, [3, 28, data.len()]) else { return false };
    Cells(place.data()).write(data);
    place.complete(&Head { data: data.len() as u32, ..HEAD }, &[1, 2, 3], &[9; 28]);
    true
}

fn read(reader: &mut Reader, end: bool) -> Vec<Packet> {
    let mut all = Vec::new();
    reader.read(end, |packet| all.push(packet));
    all
}

#[test]
fn what_is_put_is_read_once_and_in_order() {
    let memory = memory(2);
    let tap = Tap::open(&memory).expect("a tap");
    let mut reader = Reader::new(tap);
    let chunk = tap.take().expect("a chunk");
    assert!(put(tap, chunk, b"first") && put(tap, chunk, b"second packet"));
    let packets = read(&mut reader, false);
    assert_eq!(packets[0].head, Head { data: 5, ..HEAD });
    assert_eq!((&*packets[0].local, &*packets[0].peer), ([1, 2, 3].as_slice(), [9; 28].as_slice()));
    assert_eq!(
        packets.iter().map(|packet| &*packet.data).collect::<Vec<_>>(),
        [b"first".as_slice(), b"second packet"]
    );
    assert!(read(&mut reader, false).is_empty());
    assert_eq!(tap.limit(), 64_000);
    // Nothing more has come, so the chunk is free again; whoever had it notices.
    assert!(!put(tap, chunk, b"late"));
    assert_eq!((tap.take().is_some(), tap.take().is_some(), tap.take()), (true, true, None));
}

#[test]
fn full_chunks_are_closed_and_freed_when_they_were_read() {
    let memory = memory(2);
    let tap = Tap::open(&memory).expect("a tap");
    let mut reader = Reader::new(tap);
    for round in 0..20_u8 {
        let chunk = tap.take().expect("a chunk");
        let mut count = 0;
        // What is left of other packets must not be taken for one: the lengths differ in each round.
        while put(tap, chunk, &vec![round; 1000 + usize::from(round) * 8]) {
            count += 1;
        }
        assert!(count > 50 && !put(tap, chunk, b"short"), "closed");
        assert_eq!(read(&mut reader, false).len(), count);
    }
    assert_eq!(reader.missed(), Missed::default());
}

#[test]
fn without_a_free_chunk_nothing_is_taken() {
    let memory = memory(2);
    let tap = Tap::open(&memory).expect("a tap");
    let (first, second) = (tap.take().expect("a chunk"), tap.take().expect("a chunk"));
    assert_ne!(first, second);
    assert_eq!((tap.take(), tap.is_full(first)), (None, false));
    tap.miss(false);
    tap.miss(true);
    let mut reader = Reader::new(tap);
    tap.close(first, false);
    assert!(tap.is_full(first) && !tap.is_full(second));
    assert!(read(&mut reader, false).is_empty());
    assert!(!tap.is_full(first));
    assert_eq!(tap.take().map(Chunk::index), Some(first.index()));
    assert_eq!(reader.missed(), Missed { lost: 1, unseen: 1 });
}

#[test]
fn who_was_killed_holds_up_only_the_chunk_until_it_is_over() {
    let memory = memory(1);
    let tap = Tap::open(&memory).expect("a tap");
    let mut reader = Reader::new(tap);
    let chunk = tap.take().expect("a chunk");
    assert!(put(tap, chunk, b"before"));
    let _never_completed = tap.place(chunk, [3, 28, 100]).expect("a place");
    assert!(put(tap, chunk, b"after"));
    assert_eq!(read(&mut reader, false).len(), 1);
    tap.close(chunk, false);
    assert_eq!((read(&mut reader, false).len(), tap.take()), (0, None), "it may still be completed");
    tap.close(chunk, true);
    assert_eq!(read(&mut reader, false)[0].data, b"after");
    assert_eq!((reader.missed().lost, tap.take().is_some()), (1, true));
}

#[test]
fn whatever_is_in_the_memory_nothing_breaks() {
    let memory = memory(2);
    let tap = Tap::open(&memory).expect("a tap");
    let mut seed = 1_u64;
    let mut random = move || {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        seed >> (seed >> 59)
    };
    for _ in 0..300 {
        let mut reader = Reader::new(tap);
        memory[header::LOST..]
            .iter()
            .for_each(|word| word.store(random() % (1 << (random() % 64)), Ordering::Relaxed));
        let _ = (tap.take(), put(tap, Chunk(random()), b"data"), put(tap, Chunk::NONE, b"data"));
        reader.read(true, |_| {});
    }
}

#[test]
fn who_has_lost_a_chunk_leaves_it_to_its_holder() {
    let memory = memory(1);
    let tap = Tap::open(&memory).expect("a tap");
    let mut reader = Reader::new(tap);
    let first = tap.take().expect("a chunk");
    tap.close(first, false);
    assert!(read(&mut reader, false).is_empty());
    let second = tap.take().expect("the same one");
    assert_eq!((first.index(), first == second), (second.index(), false));
    assert!(!put(tap, first, b"stale"));
    tap.close(first, true);
    assert!(put(tap, second, b"own"));
    assert_eq!(read(&mut reader, false)[0].data, b"own");
}

#[test]
fn other_memory_is_no_tap() {
    assert!(Tap::open(&[]).is_none());
    assert!(Tap::open(&[AtomicU64::new(0), AtomicU64::new(0)]).is_none());
    assert!(Tap::open(&[AtomicU64::new(MAGIC)]).is_none());
}
