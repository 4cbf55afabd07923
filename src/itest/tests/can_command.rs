//! `sockshim can`: what it shows is what can-utils show, what it writes is read by them and by Wireshark's tshark, and the other way
//! round.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use sockshim_itest::{Output, Scratch, run, shim};

#[path = "cli/binary.rs"]
mod binary;

use binary::sockshim;

const DEADLINE: Duration = Duration::from_secs(60);
const INTERFACES: &str = "vcan0,vcan1,vcan2,xl0:mtu=2060";
/// Frames of every kind that can-utils of Debian 12 know.
const FRAMES: [&str; 11] = [
    "123#C0FFEE",
    "123#R4",
    "123#R",
    "123##1C0FFEE",
    "123#",
    "12345678#01",
    "12345678#R",
    "20000004#0102030405060708",
    "7FF#1122334455667788",
    "1FFFFFFF##311223344556677889900",
    "00000001##0",
];
/// Sent until a reader is there, and when it may end.
const BEGIN: &str = "7F0#";
const END: &str = "7F1#";

/// `sockshim can` on the bus in this directory.
fn can(bus: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(sockshim());
    command.env("SOCKSHIM_LIB", shim()).arg("can").args(arguments);
    command.args(["--can", INTERFACES, "--can-bus"]).arg(bus);
    command
}

/// A program of can-utils on it.
fn on_bus(bus: &Path, words: &[&str]) -> Command {
    let mut command = Command::new(sockshim());
    command.env("SOCKSHIM_LIB", shim()).args(["run", "--can", INTERFACES, "--can-bus"]).arg(bus);
    command.arg("--").args(words);
    command
}

fn done(mut command: Command) -> Output {
    let output = run(&mut command, b"", DEADLINE);
    assert!(output.status.success(), "{command:?}: {output:?}");
    output
}

/// A program that shows frames.
struct Reader {
    child: Child,
    lines: Arc<Mutex<Vec<String>>>,
}

impl Reader {
    fn start(mut command: Command) -> Reader {
        let mut child = command.stdout(Stdio::piped()).spawn().expect("it starts");
        let stdout = BufReader::new(child.stdout.take().expect("piped"));
        let lines = Arc::new(Mutex::new(Vec::new()));
        let into = Arc::clone(&lines);
        std::thread::spawn(move || {
            stdout.lines().map_while(Result::ok).for_each(|line| into.lock().expect("no panic").push(line));
        });
        Reader { child, lines }
    }

    fn has(&self, text: &str) -> bool {
        self.lines.lock().expect("no panic").iter().any(|line| line.contains(text))
    }

    /// Ends it as a user does, and gives what it has shown but for the frames of this test's own.
    fn end(mut self, ours: [&str; 2]) -> Vec<String> {
        let pid = i32::try_from(self.child.id()).expect("a pid");
        // SAFETY: our own child, which is not reaped yet.
        unsafe { libc::kill(pid, libc::SIGTERM) };
        self.child.wait().expect("it ends");
        let lines = self.lines.lock().expect("no panic");
        lines.iter().filter(|line| !ours.iter().any(|text| line.contains(text))).cloned().collect()
    }
}

/// Waits for what must come.
fn wait(what: &str, mut is_there: impl FnMut() -> bool) {
    let begin = Instant::now();
    while !is_there() {
        assert!(begin.elapsed() < DEADLINE, "{what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Frames on vcan0 and what the readers have shown of them. `marks` are the first and the last frame as they are shown.
fn shown(bus: &Path, readers: Vec<Reader>, marks: [&str; 2], send: impl Fn()) -> Vec<Vec<String>> {
    let mark = |frame: &str| drop(done(can(bus, &["send", "vcan0", frame])));
    wait("a reader is not there", || {
        mark(BEGIN);
        readers.iter().all(|reader| reader.has(marks[0]))
    });
    send();
    mark(END);
    wait("the last frame is not shown", || readers.iter().all(|reader| reader.has(marks[1])));
    readers.into_iter().map(|reader| reader.end(marks)).collect()
}

fn without_times(lines: &[String]) -> Vec<String> {
    lines.iter().map(|line| line.split_once(' ').expect("a time").1.to_string()).collect()
}

#[test]
fn frames_are_shown_as_candump_shows_them() {
    let scratch = Scratch::new();
    let bus = scratch.path().join("bus");
    for (ours, theirs, marks) in [
        (&["dump"][..], &["candump"][..], ["7F0   [0]", "7F1   [0]"]),
        (&["dump", "-L"], &["candump", "-L"], [" 7F0#", " 7F1#"]),
    ] {
        let wanted = "any,0:0,#FFFFFFFF";
        let ours = Reader::start(can(&bus, &[ours, &[wanted]].concat()));
        let theirs = Reader::start(on_bus(&bus, &[theirs, &[wanted]].concat()));
        let lines = shown(&bus, vec![ours, theirs], marks, || {
            for (number, frame) in FRAMES.iter().enumerate() {
                if number % 2 == 0 {
                    done(can(&bus, &["send", "vcan1", frame]));
                } else {
                    done(on_bus(&bus, &["cansend", "vcan1", frame]));
                }
            }
        });
        let [ours, theirs] = [&lines[0], &lines[1]].map(|lines| {
            if lines.iter().all(|line| line.starts_with('(')) { without_times(lines) } else { lines.clone() }
        });
        assert_eq!(ours, theirs);
        assert_eq!(ours.len(), FRAMES.len());
    }
}

#[test]
fn filters_are_candumps() {
    let scratch = Scratch::new();
    let bus = scratch.path().join("bus");
    for filters in ["123:7FF", "123~7FF", "12345678:DFFFFFFF", "100:700,20~F0,j", "0~0,#FFFFFFFF"] {
        let wanted = format!("vcan0,{filters},7F0:C00007FF,7F1:C00007FF");
        let joined = filters.ends_with('j');
        let wanted = if joined { format!("vcan0,{filters}") } else { wanted };
        let readers = vec![
            Reader::start(can(&bus, &["dump", "-L", &wanted])),
            Reader::start(on_bus(&bus, &["candump", "-L", &wanted])),
        ];
        let send = || drop(done(can(&bus, &[&["send", "vcan0"], &FRAMES[..]].concat())));
        // Where all filters must match, the first frame and the last one of the test do not: others mark it.
        let lines = if joined {
            wait("a reader is not there", || {
                done(can(&bus, &["send", "vcan0", "1F0#"]));
                readers.iter().all(|reader| reader.has(" 1F0#"))
            });
            send();
            done(can(&bus, &["send", "vcan0", "1F1#"]));
            wait("the last frame is not shown", || readers.iter().all(|reader| reader.has(" 1F1#")));
            readers.into_iter().map(|reader| reader.end([" 1F0#", " 1F1#"])).collect()
        } else {
            shown(&bus, readers, [" 7F0#", " 7F1#"], send)
        };
        assert_eq!(without_times(&lines[0]), without_times(&lines[1]), "{filters}");
    }
}

/// What is recorded on vcan0 arrives on vcan1 when it is replayed there, whoever has recorded and whoever replays.
#[test]
fn recordings_are_replayed() {
    let scratch = Scratch::new();
    let bus = scratch.path().join("bus");
    let capture = scratch.path().join("bus.pcapng");
    let capture = capture.to_str().expect("UTF-8");
    let frames: Vec<String> = FRAMES.iter().map(|frame| format!("vcan0 {frame}")).collect();
    let mut recorder =
        can(&bus, &["dump", "--pcap", capture, "vcan0,0:0,#FFFFFFFF"]).spawn().expect("it starts");
    let log = Reader::start(can(&bus, &["dump", "-L", "vcan0,0:0,#FFFFFFFF"]));
    let size = || fs::metadata(capture).map_or(0, |file| file.len());
    wait("the capture does not grow", || {
        let before = size();
        done(can(&bus, &["send", "vcan0", BEGIN]));
        before > 0 && size() > before
    });
    let lines = shown(&bus, vec![log], [" 7F0#", " 7F1#"], || {
        done(can(&bus, &[&["send", "vcan0"], &FRAMES[..]].concat()));
    });
    let log = scratch.write("can.log", lines[0].join("\n") + "\n");
    let log = log.to_str().expect("UTF-8");
    let recorded: Vec<String> = without_times(&lines[0]);
    // CAN FD frames say that they are, once they were on a bus.
    assert_eq!(recorded.len(), frames.len());
    wait("the capture is not written", || tshark(capture).len() > FRAMES.len());
    let pid = i32::try_from(recorder.id()).expect("a pid");
    // SAFETY: our own child, which is not reaped yet.
    unsafe { libc::kill(pid, libc::SIGINT) };
    assert!(recorder.wait().expect("it ends").success());
    for (name, replay) in [
        ("replay", can(&bus, &["replay", "--fast", log, "vcan1=vcan0"])),
        ("canplayer", on_bus(&bus, &["canplayer", "-t", "-I", log, "vcan1=vcan0"])),
        ("replay of a capture", can(&bus, &["replay", "-t", capture, "vcan1=vcan0"])),
    ] {
        let reader = Reader::start(can(&bus, &["dump", "-L", "any,0:0,#FFFFFFFF"]));
        let replay = Mutex::new(Some(replay));
        let marks = ["vcan0 7F0#", "vcan0 7F1#"];
        let lines = shown(&bus, vec![reader], marks, || {
            done(replay.lock().expect("no panic").take().expect("once"));
        });
        let mut arrived = without_times(&lines[0]);
        arrived.retain(|line| !line.ends_with(" 7F0#") && !line.ends_with(" 7F1#"));
        let expected: Vec<String> = recorded.iter().map(|line| line.replacen("vcan0", "vcan1", 1)).collect();
        assert_eq!(arrived, expected, "{name}");
    }
    let ids: Vec<String> =
        tshark(capture).into_iter().filter(|id| !["2032", "2033"].contains(&id.as_str())).collect();
    let expected =
        ["291", "291", "291", "291", "291", "305419896", "305419896", "", "2047", "536870911", "1"];
    assert_eq!(ids, expected);
}

/// The identifiers of a capture's frames, as Wireshark knows them.
fn tshark(file: &str) -> Vec<String> {
    let mut tshark = Command::new("tshark");
    tshark.args(["-r", file, "-T", "fields", "-e", "can.id"]);
    let output = tshark.output().expect("tshark");
    String::from_utf8_lossy(&output.stdout).lines().map(String::from).collect()
}

#[test]
fn frames_of_can_xl_and_json() {
    let scratch = Scratch::new();
    let bus = scratch.path().join("bus");
    let reader = Reader::start(can(&bus, &["dump", "--json", "any"]));
    let lines = shown(&bus, vec![reader], ["\"7F0#\"", "\"7F1#\""], || {
        done(can(&bus, &["send", "xl0", "00123#81:02:12345678#112233"]));
    });
    let frame: serde_json::Value = serde_json::from_str(&lines[0][0]).expect("JSON");
    assert_eq!((frame["interface"].as_str(), frame["kind"].as_str()), (Some("xl0"), Some("xl")));
    assert_eq!(
        (frame["text"].as_str(), frame["data"].as_str()),
        (Some("00123#81:02:12345678#112233"), Some("112233"))
    );
}

#[test]
fn it_ends_when_it_is_told_to() {
    let scratch = Scratch::new();
    let bus = scratch.path().join("bus");
    let mut counted = Reader::start(can(&bus, &["dump", "-n", "3", "any"]));
    wait("it does not end", || {
        done(can(&bus, &["send", "vcan0", "1#".replace('1', "001").as_str()]));
        counted.child.try_wait().expect("our child").is_some()
    });
    wait("a line is missing", || counted.lines.lock().expect("no panic").len() == 3);
    let output = run(&mut can(&bus, &["dump", "-T", "1", "any"]), b"", DEADLINE);
    assert!(output.status.success() && output.stdout().is_empty(), "{output:?}");
    // A reader that goes away, as in `| head`.
    let mut child = can(&bus, &["dump", "any"]).stdout(Stdio::piped()).spawn().expect("it starts");
    drop(child.stdout.take());
    wait("it does not end", || {
        done(can(&bus, &["send", "vcan0", "123#"]));
        child.try_wait().expect("our child").is_some()
    });
    assert!(child.wait().expect("it has ended").success());
}

#[test]
fn what_is_wrong_is_said() {
    let scratch = Scratch::new();
    let bus = scratch.path().join("bus");
    let log = scratch.write("bad.log", "(1.0) vcan0 123#\n(1.0) vcan0 12#\n");
    let cut = scratch.write("cut.pcapng", "\u{a}\r\r\n123");
    let (log, cut) = (log.to_str().expect("UTF-8"), cut.to_str().expect("UTF-8"));
    for (arguments, why) in [
        (
            &["send", "vcan0", "123#C0F"][..],
            "'123#C0F' is no frame: expected pairs of hexadecimal digits at 'F'",
        ),
        (&["send", "vcan0", "123#", "x"], "'x' is no frame"),
        (&["send", "vcan9", "123#"], "there is no interface vcan9"),
        (&["send", "any", "123#"], "to one interface"),
        (&["send", "vcan0", "00123#81:00:00000000#11"], "takes no frames of CAN XL"),
        (&["dump", "vcan9"], "there is no interface vcan9"),
        (&["dump", "vcan0,12"], "'12' is no filter"),
        (&["dump", "--pcap", "/no/such/directory/x", "any"], "No such file"),
        (&["replay", "/no/such/file"], "No such file"),
        (&["replay", log], "bad.log:2: '12#': expected an identifier"),
        (&["replay", cut], "cut.pcapng: not a capture"),
        (&["replay", "--pcap", log], "bad.log: not a capture"),
        (&["replay", log, "vcan1"], "'vcan1' is no assignment"),
    ] {
        let output = run(&mut can(&bus, arguments), b"", DEADLINE);
        let said = output.stderr();
        assert_eq!(output.status.code(), Some(125), "{arguments:?}: {output:?}");
        assert!(said.contains(why) && said.lines().count() == 1, "{arguments:?}: {said}");
    }
    // Without a bus and without AF_CAN.
    let mut none = Command::new(sockshim());
    none.env("SOCKSHIM_LIB", shim())
        .args(["can", "dump", "any", "-T", "1", "--can-bus"])
        .arg(scratch.path().join("none"));
    let output = run(&mut none, b"", DEADLINE);
    if !Path::new("/proc/net/can").exists() {
        assert_eq!(output.status.code(), Some(125), "{output:?}");
        assert!(output.stderr().contains("'--can vcan0' makes one"), "{output:?}");
    }
    assert!(!scratch.path().join("none").exists());
}
