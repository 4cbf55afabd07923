//! Addresses that are claimed, CAN_J1939: the NAMEs behind them, and who is told what.

mod j1939_bus;

use j1939_bus::*;
use sockshim_can_proto::Errno;
use sockshim_can_proto::j1939::uapi::*;
use sockshim_can_proto::j1939::{Claim, J1939, Sockaddr};

const A: u64 = 0x1122_3344_5566_7788;
const B: u64 = 0x2122_3344_5566_7788;

fn ecu(name: u64, addr: u8) -> J1939 {
    let mut socket = J1939::new();
    socket.bind(&named(name, addr).bytes(), Ok(())).unwrap();
    socket.set_broadcast(true);
    socket
}

fn claim(bus: &mut Bus, i: usize, name: u64) -> Result<usize, Errno> {
    let sent = bus.send(i, &at(J1939_NO_ADDR, J1939_PGN_ADDRESS_CLAIMED), &name.to_le_bytes());
    bus.pass(0);
    sent
}

fn to_name(name: u64) -> Sockaddr {
    Sockaddr { pgn: 0x1_2300, ..named(name, J1939_NO_ADDR) }
}

#[test]
fn a_claim_counts_after_250_ms() {
    let mut bus = Bus::new(vec![ecu(A, 0x20), ecu(B, 0x30), socket(0x40)]);
    assert_eq!(bus.send(0, &to_name(B), &[1]), Err(libc::EADDRNOTAVAIL), "no address yet");
    assert_eq!(claim(&mut bus, 0, A), Ok(8));
    assert_eq!(bus.sent(), [(0x18ee_ff20, A.to_le_bytes().to_vec())]);
    claim(&mut bus, 1, B).unwrap();
    assert_eq!(bus.got[1].datagrams[0].source, Sockaddr { pgn: 0xee00, ..named(A, 0x20) });
    bus.pass(249);
    assert_eq!(bus.send(0, &to_name(B), &[1]), Err(libc::EADDRNOTAVAIL));
    bus.pass(1);
    for len in [1, 20, 3000] {
        assert_eq!(bus.send(0, &to_name(B), &message(1, len)), Ok(len));
        bus.settle(2000);
        let datagram = bus.got[1].datagrams.pop().unwrap();
        // Of a longer message the kernel does not say where it came.
        let from = named(A, 0x20);
        let ifindex = if len > 8 { 0 } else { from.ifindex };
        assert_eq!(datagram.source, Sockaddr { pgn: 0x1_2300, ifindex, ..from });
        assert_eq!((datagram.dest_addr, datagram.dest_name), (Some(0x30), Some(B)));
        assert_eq!(datagram.data, message(1, len));
    }
    assert_eq!(bus.send(2, &to_name(A), &[2]), Ok(1), "a static address knows NAMEs, too");
    let claims: Vec<_> = bus.sockets[2].claims().collect();
    assert_eq!(claims, [Claim { name: A, addr: 0x20 }, Claim { name: B, addr: 0x30 }]);
}

#[test]
fn claims_are_checked() {
    let mut bus = Bus::new(vec![ecu(A, 0x20), ecu(J1939_NO_NAME, 0x21), ecu(A, J1939_NO_ADDR)]);
    assert_eq!(claim(&mut bus, 0, B), Err(libc::EPROTO), "another NAME");
    assert_eq!(claim(&mut bus, 2, A), Err(libc::EPROTO), "from no address");
    assert_eq!(claim(&mut bus, 1, J1939_NO_NAME), Err(libc::ENODEV), "without a NAME");
    let claimed = at(J1939_NO_ADDR, J1939_PGN_ADDRESS_CLAIMED);
    assert_eq!(bus.send(0, &claimed, &A.to_le_bytes()[..7]), Err(libc::EPROTO));
    assert_eq!(bus.send(0, &at(0x30, J1939_PGN_ADDRESS_CLAIMED), &A.to_le_bytes()), Err(libc::EPROTO));
    assert_eq!(bus.send(0, &at(0x30, 0x1200), &[1]), Err(libc::EADDRNOTAVAIL));
    let request = at(J1939_NO_ADDR, J1939_PGN_REQUEST);
    assert_eq!(bus.send(0, &request, &[0, 0xee, 0]), Ok(3), "asking is allowed");
    assert_eq!(bus.send(0, &request, &[0, 0xef, 0]), Err(libc::EADDRNOTAVAIL));
    assert_eq!(bus.sent(), [(0x18ea_fffe, vec![0, 0xee, 0])]);
}

#[test]
fn the_lower_name_gets_the_address() {
    let mut bus = Bus::new(vec![ecu(A, 0x20), ecu(B, 0x20), socket(0x40)]);
    claim(&mut bus, 1, B).unwrap();
    bus.pass(300);
    claim(&mut bus, 0, A).unwrap();
    assert_eq!(bus.send(1, &at(0x40, 0x1200), &[1]), Err(libc::EADDRNOTAVAIL), "lost at once");
    bus.pass(250);
    assert_eq!(bus.send(0, &at(0x40, 0x1200), &[1]), Ok(1));
    claim(&mut bus, 1, B).unwrap();
    bus.pass(300);
    assert_eq!(bus.send(1, &at(0x40, 0x1200), &[1]), Err(libc::EADDRNOTAVAIL), "the higher NAME loses");
    assert_eq!(bus.send(0, &at(0x40, 0x1200), &[1]), Ok(1));
    bus.sockets[1].bind(&named(B, 0x21).bytes(), Ok(())).unwrap();
    claim(&mut bus, 1, B).unwrap();
    bus.pass(250);
    assert_eq!(bus.send(1, &at(0x40, 0x1200), &[1]), Ok(1), "another address");
    bus.sockets[0].bind(&named(A, J1939_IDLE_ADDR).bytes(), Ok(())).unwrap();
    assert_eq!(claim(&mut bus, 0, A), Ok(8), "cannot claim");
    assert_eq!(bus.send(0, &at(0x40, 0x1200), &[1]), Err(libc::EADDRNOTAVAIL));
    let claims: Vec<_> = bus.sockets[2].claims().collect();
    assert_eq!(claims, [Claim { name: B, addr: 0x21 }]);
}

#[test]
fn a_claim_of_the_own_address_waits_again() {
    let mut bus = Bus::new(vec![ecu(A, 0x20), socket(0x40)]);
    claim(&mut bus, 0, A).unwrap();
    bus.pass(300);
    claim(&mut bus, 0, A).unwrap();
    assert_eq!(bus.send(1, &to_name(A), &[1]), Err(libc::EADDRNOTAVAIL));
    bus.pass(250);
    assert_eq!(bus.send(1, &to_name(A), &[1]), Ok(1));
}

#[test]
fn an_address_that_gets_lost_ends_the_transfer() {
    let mut bus = Bus::new(vec![ecu(B, 0x20), socket(0x40), ecu(A, 0x20)]);
    claim(&mut bus, 0, B).unwrap();
    bus.pass(300);
    bus.send(0, &at(0x50, 0x1200), &[1; 100]).unwrap();
    bus.send(0, &at(0x40, 0x1200), &[1]).unwrap();
    claim(&mut bus, 2, A).unwrap();
    bus.settle(5000);
    assert_eq!(bus.got[0].errors, [libc::EHOSTUNREACH]);
    assert_eq!((bus.sockets[0].pending(), bus.got[1].datagrams.len()), (0, 0));
}

#[test]
fn what_was_claimed_before_can_be_learnt() {
    let mut late = ecu(A, J1939_NO_ADDR);
    late.learn(Claim { name: A, addr: 0x20 });
    late.learn(Claim { name: B, addr: 0x20 });
    late.learn(Claim { name: A, addr: 0x21 });
    let mut bus = Bus::new(vec![late, socket(0x40)]);
    assert_eq!(bus.sockets[0].claims().collect::<Vec<_>>(), [Claim { name: A, addr: 0x20 }]);
    bus.send(0, &at(0x40, 0x1200), &message(1, 50)).unwrap();
    bus.settle(2000);
    assert_eq!(bus.got[1].datagrams[0].source.addr, 0x20);
    bus.sockets[0].down();
    bus.collect(0);
    assert_eq!(bus.sockets[0].claims().count(), 0);
}
