//! can-utils on the same bus: they print the same, and read what `sockshim can` writes.

use super::*;

/// candump beside `sockshim can dump`.
fn both(arguments: &[&str], frames: &[&str]) -> [Vec<String>; 2] {
    let bus = Bus::new();
    let candump = Listener::start(&bus, &mut bus.program("candump", arguments));
    let dump = bus.dump(arguments);
    bus.send("vcan0", frames);
    bus.send("vcanclassic", &["001#"]);
    bus.send("vcan0", &["001#"]);
    // candump may end without a look at what has come before the signal.
    let mut lines = candump.take(frames.len() + 2);
    lines.extend(candump.end(libc::SIGINT).0);
    [lines, dump.whole()]
}

#[test]
fn candump_prints_the_same() {
    if !is_there("candump") {
        return;
    }
    for option in ["any,0:0,#FFFFFFFF", "-x", "-L"] {
        let arguments: Vec<&str> = [option, "any,0:0,#FFFFFFFF"].into_iter().collect();
        let arguments = if option.starts_with('-') { &arguments[..] } else { &arguments[1..] };
        let [candump, dump] = both(arguments, &FRAMES);
        assert_eq!(without_times(&candump), without_times(&dump), "{arguments:?}");
    }
}

#[test]
fn cansend_sends_the_same() {
    if !is_there("cansend") {
        return;
    }
    let bus = Bus::new();
    let dump = bus.dump(&["-L", "any,0:0,#FFFFFFFF"]);
    for frame in ["5A1#11.2233.44556677.88", "123##1112233445566778899AA", "213##311", "123#r5"] {
        bus.send("vcan0", &[frame]);
        assert!(run(&mut bus.program("cansend", &["vcan0", frame]), b"", DEADLINE).status.success());
    }
    let lines = dump.whole();
    let lines = without_times(&lines);
    assert_eq!(lines.len(), 8);
    lines.chunks(2).for_each(|pair| assert_eq!(pair[0], pair[1]));
}

#[test]
fn logs_are_canplayers_and_candumps() {
    if !is_there("canplayer") || !is_there("candump") {
        return;
    }
    let bus = Bus::new();
    let candump = Listener::start(&bus, &mut bus.program("candump", &["-L", "any,0:0,#FFFFFFFF"]));
    let dump = bus.dump(&["-L", "any,0:0,#FFFFFFFF"]);
    bus.send("vcan0", &FRAMES);
    let of_candump = candump.take(FRAMES.len());
    candump.end(libc::SIGINT);
    let of_dump = dump.take(FRAMES.len());
    let expected: Vec<String> = FRAMES.iter().map(|frame| format!("vcan1 {frame}")).collect();

    let log = bus.0.write("candump.log", &(of_candump.join("\n") + "\n"));
    let output = bus.call(&["replay", log.to_str().expect("UTF-8"), "vcan1=vcan0"]);
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
    assert_eq!(without_times(&dump.take(FRAMES.len())), expected);

    let log = bus.0.write("dump.log", &(of_dump.join("\n") + "\n"));
    let arguments = ["-I", log.to_str().expect("UTF-8"), "vcan1=vcan0"];
    let output = run(&mut bus.program("canplayer", &arguments), b"", DEADLINE);
    assert!(output.status.success(), "{output:?}");
    assert_eq!(without_times(&dump.whole()), expected);
}
