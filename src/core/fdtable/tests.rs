use super::*;
use crate::net::ipv4::{af_inet::INET_STREAM_OPS, tcp::TCP_PROT};
use crate::net::module::Owner;
use crate::net::namespace::{INIT_NET, NetId};
use crate::net::ops::SocketState;
use crate::net::sock::TcpState;

fn tcp() -> Socket {
    crate::net::init();
    let mut socket = Socket::alloc(INIT_NET.id, libc::AF_INET, libc::SOCK_STREAM);
    socket.ops = Some(&INET_STREAM_OPS);
    socket.sk.prot = Some(&TCP_PROT);
    socket.sk.protocol = 6;
    socket
}

#[test]
fn a_socket_comes_back_as_it_went_in() {
    let table = FdTable::new();
    let (handle, before) = table.install(7, &tcp(), 99).expect("room");
    assert!(!before.has_known_socket());
    assert_eq!(table.get(7), Entry::Socket(handle));
    let (socket, cookie) = table.read(handle).expect("fresh");
    assert_eq!((socket.sk.protocol, cookie), (6, 99));
    assert_eq!(socket.ops.map(|ops| ops.name), Some("inet_stream_ops"));
    assert_eq!(socket.sk.prot.map(|prot| prot.name), Some("TCP"));
    assert_eq!(socket.state, SocketState::Unconnected);
}

#[test]
fn a_slot_remembers_the_owner_and_the_namespace() {
    let table = FdTable::new();
    let mut socket = tcp();
    (socket.owner, socket.net) = (Owner::from_number(200), NetId::new(7));
    let (handle, _) = table.install(7, &socket, 0).expect("room");
    let (read, _) = table.read(handle).expect("fresh");
    assert_eq!((read.owner, read.net), (socket.owner, socket.net));
    let (handle, _) = table.install(8, &tcp(), 0).expect("room");
    let (read, _) = table.read(handle).expect("fresh");
    assert_eq!((read.owner, read.net), (Owner::Host, INIT_NET.id));
}

#[test]
fn handles_share_the_description_and_the_last_one_ends_it() {
    let table = FdTable::new();
    let (handle, _) = table.install(3, &tcp(), 1).expect("room");
    table.dup(handle, 4);
    table.forget(3);
    table.update(handle, |state| State { sk: TcpState::Listen, ..state });
    assert_eq!(table.read(handle).expect("alive").0.sk.state, TcpState::Listen);
    table.forget_range(0, u32::MAX);
    assert!(table.read(handle).is_none());
    assert_eq!(table.refs(handle), 0);
    table.dup(handle, 9);
    assert_eq!(table.get(9), Entry::Unknown);
}

#[test]
fn the_sequence_tells_whether_another_call_was_under_way() {
    let table = FdTable::new();
    let (handle, _) = table.install(3, &tcp(), 1).expect("room");
    let sequence = |step| table.step(handle, step).expect("alive").1;
    let idle = sequence(SequenceStep::Look);
    assert_eq!(SequenceStep::under_way(idle), 0);
    let first = sequence(SequenceStep::Begin);
    let second = sequence(SequenceStep::Begin);
    let both = sequence(SequenceStep::End);
    assert_eq!([first, second, both].map(SequenceStep::under_way), [0, 1, 2]);
    assert_eq!((first, second), (idle, SequenceStep::Begin.after(idle)));
    assert_eq!([first, second, both].map(SequenceStep::is_contended), [false, false, true]);
    table.update(handle, |state| State { sk: TcpState::Listen, ..state });
    assert_eq!(SequenceStep::under_way(sequence(SequenceStep::End)), 1);
    let last = sequence(SequenceStep::Look);
    assert_eq!(SequenceStep::under_way(last), 0);
    assert_ne!(last, idle);
    // More calls than it has room for: none is lost, and neither generation nor states change.
    for step in [SequenceStep::Begin, SequenceStep::End] {
        for _ in 0..5000 {
            sequence(step);
        }
    }
    assert_eq!(SequenceStep::under_way(sequence(SequenceStep::Look)), 0);
    assert!(SequenceStep::is_contended(sequence(SequenceStep::Look)), "for as long as the socket is known");
    assert_eq!(table.read(handle).expect("alive").0.sk.state, TcpState::Listen);
}

#[test]
fn a_slot_is_used_again_under_a_new_generation() {
    let table = FdTable::new();
    let (old, _) = table.install(3, &tcp(), 1).expect("room");
    let (new, before) = table.install(3, &tcp(), 2).expect("room");
    assert!(before.is_socket());
    assert_ne!(old, new);
    let (newer, _) = table.install(4, &tcp(), 3).expect("room");
    assert_eq!(newer.slot(), old.slot());
    assert!(table.read(old).is_none());
    assert_eq!(table.read(newer).expect("fresh").1, 3);
}

#[test]
fn numbers_out_of_range_are_unknown() {
    let table = FdTable::new();
    let beyond = (FDS_PER_PAGE * FD_PAGES) as c_int;
    for fd in [-1, c_int::MIN, c_int::MAX, beyond] {
        assert_eq!(table.get(fd), Entry::Unknown);
        assert!(table.install(fd, &tcp(), 1).is_none());
        assert!(table.adopt(fd, table.seen(fd), &tcp(), 1, 1).is_none());
        table.set_not_socket_if(fd, table.seen(fd));
        table.forget(fd);
    }
    let (handle, _) = table.install(beyond - 1, &tcp(), 1).expect("room");
    assert_eq!(table.get(beyond - 1), Entry::Socket(handle));
    table.dup(handle, beyond);
    assert_eq!((table.get(beyond), table.refs(handle)), (Entry::Unknown, 1));
}

#[test]
fn descriptors_of_one_description_are_adopted_as_that() {
    let table = FdTable::new();
    let (handle, _) = table.install(3, &tcp(), 77).expect("room");
    assert_eq!(table.adopt(4, table.seen(4), &tcp(), 77, 1), Some(handle));
    assert_eq!(table.refs(handle), 2);
    let other = table.adopt(5, table.seen(5), &tcp(), 78, 1).expect("room");
    assert_ne!(other, handle);
    // If the entry has changed meanwhile, nothing is adopted, and no handle is lost or left over.
    let seen = table.seen(6);
    table.dup(handle, 6);
    assert_eq!(table.adopt(6, seen, &tcp(), 78, 1), None);
    // The maker stores it late, and is told.
    assert!(table.is_adopted(78) && !table.is_adopted(79));
    assert_eq!((table.refs(handle), table.refs(other)), (3, 1));
    table.forget_if(6, seen);
    assert_eq!(table.get(6), Entry::Socket(handle));
    table.forget_if(6, handle.into());
    assert_eq!((table.get(6), table.refs(handle)), (Entry::Unknown, 2));
}

#[test]
fn what_is_stored_where_something_was_known_is_uncertain() {
    let table = FdTable::new();
    table.doubt(3);
    assert_eq!(table.get(3), Entry::Doubtful);
    let (handle, before) = table.install(3, &tcp(), 1).expect("room");
    assert!(before.has_known_socket() && !before.is_socket());
    table.doubt_if(3, handle.into());
    assert_eq!((table.get(3), table.refs(handle)), (Entry::Doubtful, 0));
    table.forget(3);
    assert!(!table.install(3, &tcp(), 1).expect("room").1.has_known_socket());
}

#[test]
fn a_description_that_contradicts_its_cookie_is_given_up() {
    let table = FdTable::new();
    let (wrong, _) = table.install(3, &tcp(), 77).expect("room");
    let right = Socket::alloc(INIT_NET.id, libc::AF_UNIX, libc::SOCK_STREAM);
    let handle = table.adopt(4, table.seen(4), &right, 77, 1).expect("room");
    assert_eq!(table.read(handle).expect("fresh").0.sk.family, libc::AF_UNIX);
    assert!(table.read(wrong).is_none());
    table.forget(3);
    assert_eq!(table.refs(handle), 1);
}

#[test]
fn nobody_waits_to_adopt_and_a_fork_leaves_nobody_waiting() {
    let table = FdTable::new();
    table.adopter.store(1, Ordering::Relaxed);
    assert_eq!(table.adopt(4, table.seen(4), &tcp(), 77, 1), None);
    assert!(table.adopt(4, table.seen(4), &tcp(), 77, 2).is_some());
}

#[test]
fn a_divided_table_remembers_nothing() {
    let table = FdTable::new();
    let (handle, _) = table.install(3, &tcp(), 77).expect("room");
    table.divide();
    assert!(table.read(handle).is_none());
    assert!(table.install(3, &tcp(), 77).is_none() && table.adopt(4, table.seen(4), &tcp(), 1, 1).is_none());
    table.set_not_socket_if(5, table.seen(5));
    assert_eq!([3, 4, 5].map(|fd| table.get(fd)), [Entry::Unknown; 3]);
}

#[test]
fn threads_neither_lose_nor_mix_sockets() {
    static TABLE: FdTable = FdTable::new();
    let socket = tcp();
    std::thread::scope(|scope| {
        for thread in 0..4_i32 {
            scope.spawn(move || {
                for round in 0..20_000_u64 {
                    let fd = thread * 8 + (round % 8) as i32;
                    let cookie = u64::from(fd as u32) << 32 | round;
                    let (handle, _) = TABLE.install(fd, &socket, cookie).expect("room");
                    TABLE.dup(handle, 1000 + fd);
                    assert_eq!(TABLE.read(handle).expect("alive").1, cookie);
                    TABLE.forget(fd);
                    assert_eq!(TABLE.read(handle).expect("alive").1, cookie);
                }
            });
        }
    });
    assert!(TABLE.slab.used.load(Ordering::Relaxed) <= 4 * 18, "slots leak");
}

#[test]
fn a_socket_of_two_words_comes_back() {
    let mut packed = Packed::of(&tcp());
    packed.set_state(State { sk: TcpState::Listen, shutdown: 3, ..State::of(&tcp()) });
    let socket = packed.unpack();
    assert_eq!((socket.sk.family, socket.ty, socket.sk.protocol), (libc::AF_INET, libc::SOCK_STREAM, 6));
    assert_eq!(
        (socket.state, socket.sk.state, socket.shutdown),
        (SocketState::Unconnected, TcpState::Listen, 3)
    );
    assert_eq!(socket.ops.map(|ops| ops.name), Some("inet_stream_ops"));
    assert_eq!(socket.sk.prot.map(|prot| prot.name), Some("TCP"));
    let mut unknown = tcp();
    (unknown.ops, unknown.sk.prot) = (None, None);
    assert!(Packed::of(&unknown).unpack().ops.is_none());
    assert_eq!(size_of::<Option<Packed>>(), 16);
}
