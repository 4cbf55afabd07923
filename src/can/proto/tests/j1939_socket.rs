//! What a program sees of a CAN_J1939 socket: names, options, refusals, and who receives what.

mod j1939_bus;

use j1939_bus::*;
use sockshim_can_proto::frame::{CAN_EFF_FLAG, CAN_ERR_FLAG, CAN_RTR_FLAG, Frame};
use sockshim_can_proto::j1939::uapi::*;
use sockshim_can_proto::j1939::{Filter, J1939, Output, Sock, Sockaddr};

/// CPython's J1939Test.
#[test]
fn names_are_what_was_bound() {
    let mut socket = J1939::new();
    let address = Sockaddr { ifindex: IFINDEX, name: J1939_NO_NAME, pgn: J1939_NO_PGN, addr: J1939_NO_ADDR };
    socket.bind(&address.bytes(), Ok(())).unwrap();
    assert_eq!(socket.sock().getsockname(), address);
}

#[test]
fn an_unbound_socket_has_no_name() {
    let sock = Sock::new();
    let nothing = Sockaddr { ifindex: 0, name: 0, pgn: J1939_NO_PGN, addr: J1939_NO_ADDR };
    assert_eq!(sock.getsockname(), nothing);
    assert_eq!(sock.getpeername(), Err(libc::EADDRNOTAVAIL));
    assert_eq!(sock.check_send(None), Err(libc::EBADFD));
}

#[test]
fn bind_and_connect_refuse_in_the_kernels_order() {
    let mut sock = Sock::new();
    let good = at(0x20, J1939_NO_PGN);
    let bind = |sock: &mut Sock, address: Sockaddr| sock.bind(&address.bytes(), Ok(()));
    assert_eq!(sock.connect(&good.bytes()), Err(libc::EINVAL), "not bound");
    assert_eq!(sock.bind(&good.bytes()[..23], Err(libc::ENODEV)), Err(libc::EINVAL));
    assert_eq!(bind(&mut sock, Sockaddr { ifindex: 0, pgn: 0x1201, ..good }), Err(libc::ENODEV));
    assert_eq!(
        bind(&mut sock, Sockaddr { pgn: 0x1201, ..good }),
        Err(libc::EINVAL),
        "a PGN with a destination"
    );
    assert_eq!(sock.bind(&good.bytes(), Err(libc::ENETDOWN)), Err(libc::ENETDOWN));
    assert_eq!(bind(&mut sock, good), Ok(()));
    assert_eq!(bind(&mut sock, Sockaddr { ifindex: 6, ..good }), Err(libc::EINVAL), "another interface");
    assert_eq!(sock.bind(&at(0x21, 0xfe00).bytes(), Err(libc::ENODEV)), Ok(()), "again, the device is known");
    assert_eq!(sock.getsockname(), at(0x21, J1939_NO_PGN), "the PGN is a filter");
    assert_eq!(sock.connect(&Sockaddr { ifindex: 6, ..good }.bytes()), Err(libc::EINVAL));
    assert_eq!(sock.connect(&at(J1939_NO_ADDR, J1939_NO_PGN).bytes()), Err(libc::EACCES));
    assert_eq!(sock.connect(&at(0x30, 0x1_2300).bytes()), Ok(()));
    assert_eq!(sock.getpeername(), Ok(at(0x30, 0x1_2300)));
    assert_eq!(sock.getsockname(), at(0x21, 0x1_2300), "that of connect, in the kernel too");
    sock.set_broadcast(true);
    assert_eq!(sock.connect(&at(J1939_NO_ADDR, J1939_NO_PGN).bytes()), Ok(()));
    assert_eq!(sock.getpeername(), Ok(at(J1939_NO_ADDR, 0x1_2300)));
}

#[test]
fn send_refuses_in_the_kernels_order() {
    let mut bus = Bus::new(vec![J1939::new()]);
    assert_eq!(bus.send(0, &at(0x30, 0x1201), &[1]), Err(libc::EBADFD), "not bound");
    bus.sockets[0].bind(&at(J1939_NO_ADDR, J1939_NO_PGN).bytes(), Ok(())).unwrap();
    assert_eq!(bus.send(0, &at(0x30, 0), &[1]), Err(libc::EBADFD), "no source");
    bus.sockets[0].bind(&at(0x20, J1939_NO_PGN).bytes(), Ok(())).unwrap();
    let sock = bus.sockets[0].sock();
    assert_eq!(sock.check_send(Some(&[0; 23])), Err(libc::EINVAL));
    assert_eq!(sock.check_send(Some(&[0; 24])), Err(libc::EINVAL), "family");
    assert_eq!(sock.check_send(None), Err(libc::EACCES), "to nobody is to everybody");
    assert_eq!(bus.send(0, &Sockaddr { ifindex: 6, ..at(0x30, 0x1201) }, &[1]), Err(libc::EBADFD));
    assert_eq!(bus.send(0, &at(0x30, 0x1201), &[1]), Err(libc::EINVAL));
    assert_eq!(bus.send(0, &at(J1939_NO_ADDR, 0x1200), &[1]), Err(libc::EACCES));
    for pgn in [0xec00, 0xeb00, 0xc800, 0xc700] {
        assert_eq!(bus.send(0, &at(0x30, pgn), &[1]), Err(libc::EDOM));
    }
    assert_eq!(bus.send(0, &Sockaddr { name: 7, ..at(0x30, 0x1200) }, &[1]), Err(libc::EADDRNOTAVAIL));
    let most = vec![0; J1939_MAX_ETP_PACKET_SIZE + 1];
    assert_eq!(bus.send(0, &at(0x30, 0x1200), &most), Err(libc::EMSGSIZE));
    bus.sockets[0].set_broadcast(true);
    assert_eq!(bus.send(0, &at(J1939_NO_ADDR, 0x1200), &[0; 1786]), Err(libc::EDESTADDRREQ));
    assert!(bus.frames.is_empty());
    assert_eq!(
        bus.send(0, &Sockaddr { ifindex: 0, ..at(0x30, 0x1200) }, &[1]),
        Ok(1),
        "no interface is this one"
    );
}

#[test]
fn options_are_the_kernels() {
    let mut sock = Sock::new();
    let int = |value: i32| value.to_ne_bytes();
    let mut set = |name, value: Option<&[u8]>, privileged| sock.setsockopt(name, value, privileged);
    assert_eq!(set(SO_J1939_PROMISC, Some(&int(3)), false), Ok(3), "not 0");
    assert_eq!(set(SO_J1939_PROMISC, Some(&[1]), false), Err(libc::EINVAL));
    assert_eq!(set(SO_J1939_PROMISC, None, false), Err(libc::EFAULT));
    assert_eq!(set(SO_J1939_SEND_PRIO, Some(&int(8)), true), Err(libc::EDOM));
    assert_eq!(set(SO_J1939_SEND_PRIO, Some(&int(-1)), true), Err(libc::EDOM));
    assert_eq!(set(SO_J1939_SEND_PRIO, Some(&int(1)), false), Err(libc::EPERM));
    assert_eq!(set(SO_J1939_SEND_PRIO, Some(&int(1)), true), Ok(0));
    assert_eq!(set(SO_J1939_FILTER, Some(&[0; 31]), false), Err(libc::EINVAL));
    assert_eq!(set(SO_J1939_FILTER, Some(&[0; 513 * 32]), false), Err(libc::EINVAL));
    assert_eq!(set(SO_J1939_FILTER, Some(&[0; 512 * 32]), false), Ok(0));
    assert_eq!(set(SO_J1939_FILTER, None, false), Ok(0));
    assert_eq!(set(9, Some(&int(1)), false), Err(libc::ENOPROTOOPT));
    assert_eq!(sock.getsockopt(SO_J1939_PROMISC, 4), Ok(1));
    assert_eq!(sock.getsockopt(SO_J1939_SEND_PRIO, 100), Ok(1));
    assert_eq!(sock.getsockopt(SO_J1939_ERRQUEUE, 3), Err(libc::EFAULT));
    assert_eq!(sock.getsockopt(SO_J1939_FILTER, 4), Err(libc::ENOPROTOOPT));
    assert_eq!(sock.getsockopt(SO_J1939_PROMISC, -1), Err(libc::EINVAL));
    sock.set_priority(12);
    assert_eq!(sock.getsockopt(SO_J1939_SEND_PRIO, 4), Ok(0));
    assert_eq!(Sock::new().getsockopt(SO_J1939_SEND_PRIO, 4), Ok(6));
    assert_eq!(Sock::check_recv(libc::MSG_DONTWAIT | libc::MSG_ERRQUEUE), Ok(()));
    assert_eq!(Sock::check_recv(libc::MSG_PEEK), Err(libc::EINVAL));
}

#[test]
fn one_frame_carries_up_to_eight_bytes() {
    let mut bus = Bus::new(vec![socket(0x20), socket(0x30), socket(0x40)]);
    for len in 0..=8 {
        assert_eq!(bus.send(0, &at(0x30, 0x1_2300), &message(1, len)), Ok(len));
    }
    bus.settle(0);
    assert_eq!(bus.sent().last(), Some(&(0x1923_3020, message(1, 8))), "priority 6");
    assert_eq!(bus.sockets[0].pending(), 0);
    let lens: Vec<_> = bus.got[1].datagrams.iter().map(|datagram| datagram.data.len()).collect();
    assert_eq!(lens, (0..=8).collect::<Vec<_>>());
    let last = bus.got[1].datagrams.last().unwrap();
    assert_eq!((last.source, last.dest_addr, last.dest_name), (at(0x20, 0x1_2300), Some(0x30), None));
    assert_eq!((last.priority, last.dontroute), (6, true));
    assert!(bus.got[0].datagrams.is_empty() && bus.got[2].datagrams.is_empty());
}

#[test]
fn priority_and_pgn_make_the_identifier() {
    let mut bus = Bus::new(vec![broadcaster(0x20)]);
    bus.sockets[0].setsockopt(SO_J1939_SEND_PRIO, Some(&3i32.to_ne_bytes()), false).unwrap();
    bus.send(0, &at(0x30, 0xf004), &[1]).unwrap();
    bus.send(0, &at(0xff, 0x3_ef00), &[2]).unwrap();
    bus.send(0, &at(0xff, J1939_NO_PGN), &[3]).unwrap();
    let ids: Vec<_> = bus.sent().into_iter().map(|(id, _)| id).collect();
    assert_eq!(ids, [0x0cf0_0420, 0x0fef_ff20, 0x0c00_ff20], "PDU2 has no destination, no PGN is 0");
}

#[test]
fn broadcasts_are_for_who_wants_them() {
    let mut bus =
        Bus::new(vec![broadcaster(0x20), broadcaster(0x30), socket(0x40), promiscuous(socket(0x50))]);
    bus.send(0, &at(0xff, 0xfe00), &[1]).unwrap();
    bus.send(0, &at(0x40, 0xfe01), &[2]).unwrap();
    bus.settle(0);
    let counts: Vec<_> = bus.got.iter().map(|got| got.datagrams.len()).collect();
    assert_eq!(counts, [0, 2, 0, 2]);
    assert_eq!(bus.got[1].datagrams[0].dest_addr, None);
}

#[test]
fn bind_connect_and_filters_choose_what_is_received() {
    let mut pgn = J1939::new();
    pgn.bind(&at(0x30, 0x1200).bytes(), Ok(())).unwrap();
    let mut peer = socket(0x30);
    peer.connect(&at(0x21, 0).bytes()).unwrap();
    let mut filtered = socket(0x30);
    let filters = [
        Filter { pgn: 0x1300, pgn_mask: 0x3_ffff, ..Filter::default() },
        Filter { addr: 0x21, addr_mask: 0xff, ..Filter::default() },
    ];
    let bytes = filters.map(|filter| filter.bytes()).concat();
    filtered.setsockopt(SO_J1939_FILTER, Some(&bytes), false).unwrap();
    let mut both = promiscuous(socket(0x31));
    both.setsockopt(SO_J1939_FILTER, Some(&bytes[..32]), false).unwrap();
    let mut bus = Bus::new(vec![socket(0x20), socket(0x21), pgn, peer, filtered, both]);
    for (from, pgn, to) in
        [(0, 0x1200, 0x30), (0, 0x1300, 0x30), (1, 0x1300, 0x30), (1, 0x1400, 0x30), (1, 0x1300, 0x44)]
    {
        bus.send(from, &at(to, pgn), &[from as u8]).unwrap();
    }
    bus.settle(0);
    let pgns = |i: usize| -> Vec<_> {
        bus.got[i].datagrams.iter().map(|datagram| (datagram.source.addr, datagram.source.pgn)).collect()
    };
    assert_eq!(pgns(2), [(0x20, 0x1200)]);
    assert_eq!(pgns(3), [(0x21, 0x1300), (0x21, 0x1400)]);
    assert_eq!(pgns(4), [(0x20, 0x1300), (0x21, 0x1300), (0x21, 0x1400)]);
    assert_eq!(
        pgns(5),
        [(0x20, 0x1300), (0x21, 0x1300), (0x21, 0x1300)],
        "filters hold for promiscuous sockets"
    );
}

#[test]
fn other_frames_are_nothing() {
    let mut bus = Bus::new(vec![promiscuous(broadcaster(0x20))]);
    bus.sockets.push(J1939::new());
    bus.got.push(Got::default());
    let data = [1, 2, 3];
    for id in [
        0x123,
        CAN_EFF_FLAG | CAN_RTR_FLAG | 0x18fe_0030,
        CAN_ERR_FLAG | CAN_EFF_FLAG | 4,
        CAN_EFF_FLAG | 0x18fe_00ff,
    ] {
        bus.inject(&Frame::classic(id, &data));
    }
    bus.inject(&Frame::fd(CAN_EFF_FLAG | 0x18fe_0030, 0, &data));
    assert!(bus.got.iter().all(|got| got.datagrams.is_empty()));
    bus.inject(&Frame::classic(CAN_EFF_FLAG | 0x18fe_00fe, &data));
    assert_eq!(
        (bus.got[0].datagrams.len(), bus.got[1].datagrams.len()),
        (1, 0),
        "254 is a source, unbound is deaf"
    );
    bus.sockets[0].receive(0, &Frame::classic(CAN_EFF_FLAG | 0x18fe_0030, &data), true);
    assert_eq!(bus.sockets[0].poll(), None, "what this socket has sent");
}

#[test]
fn a_down_interface_ends_everything() {
    let mut bus = Bus::new(vec![with_errqueue(socket(0x20)), socket(0x30)]);
    bus.fate = Some(Box::new(|_, _, _| Vec::new()));
    bus.send(0, &at(0x30, 0x1200), &[0; 20]).unwrap();
    bus.send(0, &at(0x30, 0x1200), &[0; 5]).unwrap();
    bus.sockets[0].down();
    bus.collect(0);
    assert_eq!((bus.sockets[0].pending(), bus.sockets[0].next_timer()), (0, None));
    assert_eq!(bus.got[0].errors, [libc::ENETDOWN]);
    assert!(bus.got[0].reports.iter().all(|report| report.errno == libc::ENETDOWN));
    assert_eq!(bus.got[0].reports.len(), 2);
    bus.sockets[1].shutdown();
    assert_eq!(bus.sockets[1].poll(), None::<Output>);
}
