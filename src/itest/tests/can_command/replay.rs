//! `sockshim can replay`.

use super::*;

fn replayed(bus: &Bus, arguments: &[&str], stdin: &[u8]) -> Output {
    run(&mut bus.sockshim(&[&["replay"][..], arguments].concat()), stdin, DEADLINE)
}

fn log(bus: &Bus, lines: &str) -> String {
    bus.0.write("replay.log", lines).to_str().expect("UTF-8").to_owned()
}

#[test]
fn a_log_comes_back_as_it_was() {
    let bus = Bus::new();
    let lines: String = FRAMES
        .iter()
        .zip(["vcan0", "vcan1"].iter().cycle())
        .map(|(frame, interface)| format!("(1.5) {interface} {frame} R\n"))
        .collect();
    let name = log(&bus, &format!("# a comment\n\n{lines}"));
    let dump = bus.dump(&["-L", "any,0:0,#FFFFFFFF"]);
    for (arguments, stdin) in [(&[name.as_str()][..], ""), (&["-t", "-"], &lines), (&["-l", "2", &name], "")]
    {
        let output = replayed(&bus, arguments, stdin.as_bytes());
        assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
    }
    let expected: Vec<String> =
        lines.lines().map(|line| line.replace("(1.5) ", "").replace(" R", "")).collect();
    let expected: Vec<String> = expected.iter().cycle().take(4 * expected.len()).cloned().collect();
    // One order over both interfaces.
    assert_eq!(without_times(&dump.whole()), expected);
}

#[test]
fn distances_in_time_are_kept() {
    let bus = Bus::new();
    let name =
        log(&bus, "(5.000000) vcan0 001#\n(5.150000) vcan0 002#\n(5.100000) vcan0 003#\n(5.2) vcan0 004#\n");
    let dump = bus.dump(&["-L", "any"]);
    assert!(replayed(&bus, &[&name], b"").status.success());
    assert!(replayed(&bus, &["-t", "-g", "30", &name], b"").status.success());
    let lines = dump.whole();
    let times: Vec<u64> = lines.iter().map(|line| micros(line)).collect();
    assert_eq!(times.len(), 8, "{lines:?}");
    // Nothing comes earlier than it should, but for the moment between reading the clock and sending the first one.
    let least =
        |from: usize, to: usize, micros: u64| assert!(times[to] - times[from] + 5_000 >= micros, "{lines:?}");
    least(0, 1, 150_000);
    least(0, 3, 200_000);
    (4..7).for_each(|at| least(at, at + 1, 30_000));
}

#[test]
fn frames_go_where_they_are_assigned() {
    let bus = Bus::new();
    let name = log(&bus, "(1.0) can0 001#\n(1.0) can1 002#\n(1.0) can2 003#\n");
    let dump = bus.dump(&["-L", "any"]);
    let output = replayed(&bus, &[&name, "vcan0=can0", "vcan1=can0", "vcan1=can1"], b"");
    assert!(output.status.success() && output.stderr().contains("frames of can2"), "{output:?}");
    let output = replayed(&bus, &[&name, "vcan0=any"], b"");
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
    let expected = ["vcan0 001#", "vcan1 001#", "vcan1 002#", "vcan0 001#", "vcan0 002#", "vcan0 003#"];
    assert_eq!(without_times(&dump.whole()), expected);
    let output = replayed(&bus, &[&name, "vcan0=can7"], b"");
    assert!(
        output.status.code() == Some(125) && output.stderr().contains("has frames of can2"),
        "{output:?}"
    );
}

#[test]
fn a_capture_comes_back_as_it_was() {
    let bus = Bus::new();
    let frames = [&FRAMES[..], &["45123#81:03:12345678#112233", "123#1122334455667788_B"]].concat();
    let name = log(&bus, &frames.iter().map(|frame| format!("(1.5) vcanxl {frame}\n")).collect::<String>());
    let capture = bus.file("capture.pcapng");
    let count = frames.len().to_string();
    let mut child = bus
        .sockshim(&["dump", "-n", &count, "--pcap", capture.to_str().expect("UTF-8"), "vcanxl,0:0,#FFFFFFFF"])
        .spawn()
        .expect("it starts");
    while !std::fs::metadata(&capture).is_ok_and(|metadata| metadata.len() > 0) {
        assert_eq!(child.try_wait().expect("our own child"), None);
        thread::yield_now();
    }
    assert!(replayed(&bus, &["-t", &name], b"").status.success());
    assert!(child.wait().expect("our own child").success());
    let dump = bus.dump(&["-L", "any,0:0,#FFFFFFFF"]);
    let output = replayed(&bus, &["--pcap", capture.to_str().expect("UTF-8")], b"");
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
    // The same from a pipe.
    let bytes = std::fs::read(&capture).expect("the capture");
    assert!(replayed(&bus, &["-", "vcanxl=any"], &bytes).status.success());
    let expected: Vec<String> = frames.iter().map(|frame| format!("vcanxl {frame}")).collect();
    assert_eq!(without_times(&dump.whole()), [&expected[..], &expected].concat());
}
