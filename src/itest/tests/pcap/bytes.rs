//! Each byte that a program has moved is in the capture once.

use super::{captured, fields, is_sound, moves, tshark, unhex};
use std::collections::BTreeMap;

/// What `c-tests/trace/moves.c` sends.
fn pattern(connection: usize, length: usize) -> Vec<u8> {
    (0..length).map(|at| (at * 31 + at / 251 * 7 + connection * 101) as u8).collect()
}

/// How many bytes a connection has beside the longest call.
const OTHERS: usize = 8035;

/// The bytes of each stream, from its client and from its server.
fn streams(file: &std::path::Path) -> Vec<[Vec<u8>; 2]> {
    let mut clients: BTreeMap<usize, String> = BTreeMap::new();
    let mut streams: BTreeMap<usize, [Vec<u8>; 2]> = BTreeMap::new();
    for packet in
        fields(file, "tcp", &["tcp.stream", "tcp.srcport", "tcp.flags.syn", "tcp.flags.ack", "tcp.payload"])
    {
        let [stream, port, syn, ack, payload] = &packet[..] else { panic!("{packet:?}") };
        let stream = stream.parse().expect("a number");
        if (syn.as_str(), ack.as_str()) == ("True", "False") || (syn.as_str(), ack.as_str()) == ("1", "0") {
            clients.insert(stream, port.clone());
        }
        let direction = usize::from(clients.get(&stream) != Some(port));
        streams.entry(stream).or_default()[direction].extend(unhex(payload));
    }
    streams.into_values().collect()
}

fn are_whole(file: &std::path::Path, longest: usize) {
    let streams = streams(file);
    assert_eq!(streams.len(), 4);
    for (connection, [sent, answer]) in (1..).zip(streams) {
        assert!(
            sent == pattern(connection, OTHERS + longest),
            "connection {connection}: {} bytes",
            sent.len()
        );
        assert_eq!(answer, pattern(connection, 4), "connection {connection}");
    }
}

#[test]
fn every_way_to_move_bytes() {
    let (_scratch, file, output) = captured(&[], &[&moves()]);
    assert_eq!(output.stdout().lines().count(), 9, "{output:?}");
    is_sound(&file);
    are_whole(&file, 300_000);
    let messages: Vec<Vec<u8>> =
        fields(&file, "udp", &["udp.payload"]).iter().map(|packet| unhex(&packet[0])).collect();
    let expected: Vec<Vec<u8>> = (5..=9)
        .flat_map(|connection| {
            // The last one, which keeps messages apart by itself, has no empty ones.
            let lengths: &[usize] =
                if connection == 9 { &[1, 100, 1400, 30_000] } else { &[1, 100, 1400, 30_000, 0] };
            lengths.iter().map(move |length| pattern(connection, *length))
        })
        .collect();
    assert_eq!(messages.len(), expected.len());
    assert!(messages == expected, "{:?}", messages.iter().map(Vec::len).collect::<Vec<_>>());
}

#[test]
fn each_packet_says_who_has_moved_it() {
    let (_scratch, file, _) = captured(&[], &[&moves()]);
    let packets = fields(&file, "", &["frame.comment", "frame.interface_name", "ip.dst", "ipv6.dst"]);
    assert!(packets.len() > 50, "{packets:?}");
    for packet in packets {
        let [comment, interface, v4, v6] = &packet[..] else { panic!("{packet:?}") };
        let rest = comment.strip_prefix("moves[").unwrap_or_else(|| panic!("{packet:?}"));
        let (pid, fd) = rest.split_once("] fd ").unwrap_or_else(|| panic!("{packet:?}"));
        assert!(
            pid.parse::<u32>().is_ok() && fd.split(',').next().is_some_and(|fd| fd.parse::<u32>().is_ok())
        );
        let expected = if v4.starts_with("127.85.") { "unix" } else { "inet" };
        assert!(interface == expected && (v6.is_empty() || v6 == "::1"), "{packet:?}");
    }
    // The addresses that stand for names.
    let hosts = tshark(&file, &["-q", "-z", "hosts"]);
    assert!(hosts.contains("127.85.0.1\tunix\n") && hosts.contains("127.85.0.2\t@moves-"), "{hosts}");
}

#[test]
fn what_one_end_is_silent_about_the_other_tells() {
    // Far more than is copied of a call, of which the server's reads are the greater part.
    let (_scratch, file, output) = super::captured_in_part(&["--pcap-limit", "5000"], &[&moves(), "20000"]);
    let said = output.stderr();
    assert!(
        said.starts_with("sockshim: not in the capture: ") && said.contains(" pieces of streams"),
        "{said}"
    );
    let sent = &streams(&file)[0][0];
    assert!(sent.len() > OTHERS, "{} bytes", sent.len());
    let longest = fields(&file, "tcp", &["tcp.len"]).iter().filter_map(|len| len[0].parse().ok()).max();
    assert_eq!(longest, Some(5000));
    let comments = fields(&file, "frame.comment contains \"without\"", &["frame.comment"]);
    assert!(
        comments.iter().any(|comment| comment[0].ends_with(", without 25000 of 30000 bytes")),
        "{comments:?}"
    );
}

#[test]
fn a_killed_program_has_all_its_packets() {
    let scratch = sockshim_itest::Scratch::new();
    let file = scratch.path().join("capture.pcapng");
    let mut command = super::capturing(&file, &[]);
    let output = sockshim_itest::run(command.args([&moves(), "killed", "1000"]), b"", super::DEADLINE);
    assert_eq!(
        std::os::unix::process::ExitStatusExt::signal(&output.status),
        Some(libc::SIGKILL),
        "{output:?}"
    );
    let numbers: Vec<Vec<u8>> =
        fields(&file, "udp.dstport == 9", &["udp.payload"]).iter().map(|packet| unhex(&packet[0])).collect();
    assert_eq!(numbers, (0..1000_i32).map(|number| number.to_ne_bytes().to_vec()).collect::<Vec<_>>());
}
