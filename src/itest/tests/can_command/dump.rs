//! `sockshim can dump`.

use super::*;

/// What candump of Debian 12 prints of these frames.
#[test]
fn lines_are_candumps() {
    let bus = Bus::new();
    let dump = bus.dump(&["any,0:0,#FFFFFFFF"]);
    bus.send("vcan0", &FRAMES);
    bus.send("vcanclassic", &["001#"]);
    bus.send("vcan0", &["123#"]);
    let expected = "  vcan0  123   [4]  DE AD BE EF
  vcan0  12345678   [1]  11
  vcan0       123   [0]  remote request
  vcan0       123   [3]  remote request
  vcan0  00000123   [0] 
  vcan0       123  [02]  AA BB
  vcan0  12345678  [00] 
  vcan0  20000004   [8]  00 11 22 33 44 55 66 77   ERRORFRAME
  vcan0       7FF   [1]  00
  vcanclassic       001   [0] 
        vcan0       123   [0] ";
    assert_eq!(dump.whole().join("\n"), expected);
}

#[test]
fn a_log_has_what_was_sent() {
    let bus = Bus::new();
    let dump = bus.dump(&["-L", "vcan0,0:0,#FFFFFFFF", "vcanxl"]);
    bus.send("vcan0", &FRAMES);
    let xl = "45123#81:03:12345678#112233";
    bus.send("vcanxl", &[xl]);
    bus.send("vcan1", &["001#"]);
    let lines = dump.whole();
    let mut expected: Vec<String> = FRAMES.iter().map(|frame| format!(" vcan0 {frame}")).collect();
    expected.push(format!("vcanxl {xl}"));
    assert_eq!(without_times(&lines), expected);
    assert!(lines.windows(2).all(|pair| micros(&pair[0]) <= micros(&pair[1])), "{lines:?}");
}

#[test]
fn json_is_one_object_a_line() {
    let bus = Bus::new();
    let dump = bus.dump(&["--json", "any"]);
    bus.send("vcan1", &["123#R3", "12345678##3AA"]);
    let lines = dump.whole();
    let objects: Vec<serde_json::Value> =
        lines.iter().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let field = |at: usize, name: &str| objects[at][name].clone();
    assert_eq!(
        (field(0, "interface"), field(0, "kind"), field(0, "length")),
        ("vcan1".into(), "request".into(), 3.into())
    );
    assert_eq!((field(0, "data"), field(0, "frame")), (serde_json::Value::Null, "123#R3".into()));
    // The kernel adds the flag of CAN FD.
    assert_eq!(
        (field(1, "kind"), field(1, "flags"), field(1, "extended")),
        ("fd".into(), 7.into(), true.into())
    );
    assert!(field(1, "time").as_f64() >= field(0, "time").as_f64());
}

#[test]
fn filters_are_candumps() {
    let frames = ["123#", "00000123#", "124#", "124#R", "20000001#", "20000002#"];
    for (source, expected) in [
        ("vcan0,123:7FF", &["123#", "00000123#"][..]),
        ("vcan0,123:C00007FF", &["123#"]),
        ("vcan0,00000123:DFFFFFFF", &["00000123#"]),
        ("vcan0,123~7FF", &["124#", "124#R"]),
        ("vcan0,120:7F0,124:7FF,j", &["124#", "124#R"]),
        ("vcan0,0~0,#00000002", &["20000002#"]),
        ("vcan0,#FFFFFFFF", &frames),
        ("vcan1", &[]),
    ] {
        let bus = Bus::new();
        // The second interface is for the marker.
        let dump = bus.dump(&["-L", source, "vcan0,7FE:7FF"]);
        bus.send("vcan0", &frames);
        let lines = dump.whole();
        let printed: Vec<&str> = lines.iter().map(|line| line.rsplit(' ').next().expect("a frame")).collect();
        assert_eq!(printed, expected, "{source}");
    }
}

#[test]
fn it_ends_after_a_number_of_frames_or_a_time() {
    let bus = Bus::new();
    let dump = bus.dump(&["-n", "4", "vcan0,0:0", "vcan0,001:7FF"]);
    // The marker is the first, and a frame counts as often as it is wanted.
    bus.send("vcan0", &["001#", "001#", "001#"]);
    let lines: Vec<String> = dump.lines.iter().filter(|line| !is_marker(line)).collect();
    assert!(lines.iter().all(|line| line == "  vcan0  001   [0] ") && lines.len() <= 3, "{lines:?}");
    let output = bus.call(&["dump", "-T", "1", "vcan1"]);
    assert_eq!(
        (output.status.code(), output.stdout(), output.stderr()),
        (Some(0), String::new(), String::new())
    );
}

/// As many frames as a log has, sent as fast as possible.
fn many(bus: &Bus, count: u32) {
    let lines: String = (0..count).map(|number| format!("(0.0) vcan0 123#{number:08X}\n")).collect();
    let log = bus.0.write("many.log", &lines);
    let output = bus.call(&["replay", "-t", log.to_str().expect("UTF-8")]);
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
}

#[test]
fn what_came_before_a_signal_is_written() {
    for signal in [libc::SIGINT, libc::SIGTERM, libc::SIGHUP] {
        let bus = Bus::new();
        let dump = bus.dump(&["-L", "any"]);
        // Few enough for the queue of a user.
        many(&bus, 150);
        let (lines, stderr, code) = dump.end(signal);
        assert_eq!((lines.len(), stderr.as_str(), code), (150, "", Some(0)));
        let frames: Vec<String> = (0..150).map(|number| format!("vcan0 123#{number:08X}")).collect();
        assert_eq!(without_times(&lines), frames);
    }
}

#[test]
fn what_is_lost_is_counted() {
    const SENT: u32 = 100_000;
    let bus = Bus::new();
    let dump = bus.dump(&["-L", "vcan0,123:7FF", "vcan0,7FE:7FF"]);
    dump.signal(libc::SIGSTOP);
    many(&bus, SENT);
    dump.signal(libc::SIGCONT);
    let (lines, stderr, code) = dump.end(libc::SIGINT);
    let lost: usize = stderr.split(' ').nth(1).and_then(|word| word.parse().ok()).unwrap_or(0);
    assert!(stderr.contains("frames were lost") && code == Some(0), "{stderr}");
    // A marker may be among those that were lost, but they were sent before.
    assert_eq!(lines.len() + lost, SENT as usize, "{stderr}");
}

#[test]
fn it_ends_when_its_reader_goes() {
    let bus = Bus::new();
    let mut child = bus.sockshim(&["dump", "vcan0"]).stdout(Stdio::piped()).spawn().expect("it starts");
    // Nothing is ever sent: it does not wait for a frame to find out.
    drop(child.stdout.take());
    assert_eq!(child.wait().expect("our own child").code(), Some(0));
}

#[test]
fn a_capture_is_what_wireshark_reads() {
    let bus = Bus::new();
    let file = bus.file("capture.pcapng");
    let name = file.to_str().expect("UTF-8");
    let mut capture = bus.sockshim(&["dump", "-n", "10", "--pcap", name, "vcan0,0:0,#FFFFFFFF"]);
    let mut child = capture.spawn().expect("it starts");
    // The head is written when it listens.
    while !std::fs::metadata(&file).is_ok_and(|metadata| metadata.len() > 0) {
        assert_eq!(child.try_wait().expect("our own child"), None);
        thread::yield_now();
    }
    bus.send("vcan0", &FRAMES);
    bus.send("vcan0", &["123#1122334455667788_B"]);
    assert!(child.wait().expect("our own child").success());
    let mut tshark = Command::new("tshark");
    tshark.args([
        "-n",
        "-r",
        name,
        "-T",
        "fields",
        "-e",
        "frame.interface_name",
        "-e",
        "can.id",
        "-e",
        "can.len",
    ]);
    let tshark = tshark.args(["-e", "can.flags.rtr", "-e", "canfd.flags.brs", "-e", "_ws.malformed"]);
    let output = tshark.stderr(Stdio::piped()).output().expect("tshark is there");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && text.lines().count() == 10, "{output:?}");
    assert!(text.lines().all(|line| line.starts_with("vcan0\t") && !line.contains("alformed")), "{text}");
    let lines: Vec<Vec<&str>> = text.lines().map(|line| line.split('\t').collect()).collect();
    assert_eq!(lines[0][1..3], ["291", "4"]);
    assert_eq!(lines[1][1..3], ["305419896", "1"]);
    assert_eq!(lines[3][1..4], ["291", "3", "1"]);
    assert_eq!((lines[5][1], lines[5][2], lines[5][4]), ("291", "2", "1"));
}
