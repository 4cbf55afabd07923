//! What the error queue of a CAN_J1939 socket is told.

mod j1939_bus;

use j1939_bus::*;
use sockshim_can_proto::j1939::Report;
use sockshim_can_proto::j1939::uapi::*;

const PGN: u32 = 0x1_2300;

/// What reports say: `ee_info`, origin, errno, transfer.
fn rows(reports: &[Report]) -> Vec<(u32, u8, i32, u32)> {
    reports.iter().map(|report| (report.info, report.origin, report.errno, report.data)).collect()
}

#[test]
fn the_error_queue_follows_a_transfer() {
    let mut bus = Bus::new(vec![with_errqueue(socket(0x20)), with_errqueue(socket(0x30))]);
    bus.send(0, &at(0x30, PGN), &[1; 8]).unwrap();
    bus.send(0, &at(0x30, PGN), &message(1, 4000)).unwrap();
    bus.settle(3000);
    let (sched, ack) = (1, 2);
    let expected = [(sched, 4, libc::ENOMSG, 0), (ack, 4, libc::ENOMSG, 0)];
    let then = [(sched, 4, libc::ENOMSG, 1), (sched, 4, libc::ENOMSG, 1), (ack, 4, libc::ENOMSG, 1)];
    assert_eq!(rows(&bus.got[0].reports), [&expected[..], &then].concat());
    let acked = bus.got[0].reports.iter().map(|report| {
        assert_eq!(report.attributes[..4], [8, 0, 1, 0]);
        u32::from_ne_bytes(report.attributes[4..].try_into().unwrap())
    });
    assert_eq!(acked.collect::<Vec<_>>(), [8, 8, 1785, 3570, 4000]);
    let dpo = (J1939_EE_INFO_RX_DPO, 1, libc::ENOMSG, 0);
    assert_eq!(rows(&bus.got[1].reports), [(J1939_EE_INFO_RX_RTS, 1, libc::ENOMSG, 0), dpo, dpo, dpo]);
    let rts = &bus.got[1].reports[0];
    let mut attributes = vec![8, 0, 2, 0, 0xa0, 0x0f, 0, 0, 8, 0, 3, 0, 0x00, 0x23, 0x01, 0];
    attributes.extend([&[12, 0, 4, 0][..], &[0; 8], &[12, 0, 5, 0], &[0; 8]].concat());
    attributes.extend([5, 0, 6, 0, 0x20, 0, 0, 0, 5, 0, 7, 0, 0x30, 0, 0, 0]);
    assert_eq!(rts.attributes, attributes);
    let err = rts.extended_err();
    assert_eq!(err, [42, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0]);
}

#[test]
fn the_error_queue_has_errors_instead_of_the_socket() {
    let mut bus = Bus::new(vec![with_errqueue(socket(0x20)), with_errqueue(socket(0x30))]);
    bus.send(0, &at(0x44, PGN), &[1; 9]).unwrap();
    bus.settle(3000);
    assert_eq!(rows(&bus.got[0].reports), [(J1939_EE_INFO_TX_ABORT, 1, libc::EHOSTUNREACH, 0)]);
    assert!(bus.got[0].errors.is_empty());
    bus.fate = Some(Box::new(|_, _, frame| if frame.data()[0] == 2 { vec![] } else { vec![0] }));
    bus.send(0, &at(0x30, PGN), &[1; 20]).unwrap();
    bus.settle(3000);
    let abort = (J1939_EE_INFO_RX_ABORT, 1, libc::EHOSTUNREACH, 0);
    let [rts, aborts @ ..] = &rows(&bus.got[1].reports)[..] else { panic!("reports") };
    assert_eq!(rts.0, J1939_EE_INFO_RX_RTS);
    assert!(!aborts.is_empty() && aborts.iter().all(|row| *row == abort), "{aborts:?}");
    bus.sockets[1].set_timestamping(0);
    bus.got[1].reports.clear();
    bus.send(0, &at(0x30, PGN), &[1; 20]).unwrap();
    bus.settle(3000);
    assert!(bus.got[1].reports.is_empty(), "nobody asked");
}
