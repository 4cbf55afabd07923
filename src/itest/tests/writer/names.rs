//! The name in a record is the program's at the moment of the call, and no name and no value can forge a line.

use std::fs;

use sockshim_itest::{RunLevel, Scratch, by_call, command, events, without_special};

use crate::{ended, logged, parsed, program, succeeds};

/// The names of `c-tests/writer/names.c`, as the kernel keeps them: 15 bytes of what is longer. A name that is not UTF-8
/// is not compared.
const NAMES: &[&str] = &[
    "first",
    "second",
    "a name that is ",
    "",
    "esc\u{1b}[31m",
    "cr\r",
    "lf\n",
    "tab\t",
    "quote\"",
    "back\\slash",
    "del\u{7f}",
    "äö",
];

#[test]
fn name_is_that_of_the_moment() {
    for level in [RunLevel::Call, RunLevel::Io] {
        let log_dir = Scratch::new();
        succeeds(&mut command(level, Some(log_dir.path()), program("writer/names")));
        let events = events(log_dir.path());
        let names: Vec<&str> = by_call(&events, "socketpair")
            .iter()
            .map(|event| event["comm"].as_str().expect("a name"))
            .collect();
        assert_eq!(names.len(), 1 + 2 * 14);
        assert_eq!(names[0], "names");
        for (index, name) in NAMES.iter().enumerate() {
            assert_eq!(&names[1 + 2 * index..3 + 2 * index], [*name, *name], "{level:?}: {names:?}");
        }
        assert_ne!(names[25], "äö", "{level:?}: {names:?}");
        assert_eq!(names[27..], ["last", "last"], "{level:?}: {names:?}");
        // Each event has the name of its moment, not only these: the data calls between two of them as well.
        let mut current = "";
        for event in without_special(&events) {
            let name = event["comm"].as_str().expect("a name");
            if event["call"] == "socketpair" {
                current = name;
            } else if ["send", "recv", "close"].contains(&event["call"].as_str().unwrap_or("")) {
                assert_eq!(name, current, "{level:?}: {event}");
            }
        }
    }
}

#[test]
fn name_is_no_text_for_a_terminal() {
    let scratch = Scratch::new();
    let log = scratch.path().join("log");
    let mut command = logged(RunLevel::Io, program("writer/names"), log.to_str().expect("UTF-8"));
    succeeds(command.env("SOCKSHIM_LOG_FORMAT", "text"));
    let text = fs::read(&log).expect("the log");
    let is_raw = |byte: &u8| (*byte < b' ' && *byte != b'\n') || *byte == 0x7f;
    assert!(!text.iter().any(is_raw), "{}", String::from_utf8_lossy(&text).escape_debug());
}

/// Values that hold a line feed and what looks like a record behind it.
#[test]
fn values_forge_no_line() {
    const FORGED: &str = "call\n{\"v\":1,\"call\":\"forged\"}\n\u{1b}[31mred";
    for variable in ["SOCKSHIM_LOG", "SOCKSHIM_LOG_FORMAT"] {
        for named in [true, false] {
            let scratch = Scratch::new();
            let log = scratch.path().join("log");
            let mut command = logged(RunLevel::Call, program("writer/names"), log.to_str().expect("UTF-8"));
            if !named {
                command.env_remove("SOCKSHIM_LOG_FILE");
            }
            let output = ended(command.env(variable, FORGED));
            assert!(output.status.success(), "{command:?}: {output:?}");
            let lines = output.stderr() + &fs::read_to_string(&log).unwrap_or_default();
            assert!(lines.contains(variable), "{variable} is complained of: {lines}");
            assert!(!lines.contains('\u{1b}'), "{variable}: {}", lines.escape_debug());
            let forged = |line: &str| line.starts_with("{\"v\":1,\"call\"") || line.starts_with("red");
            assert!(!lines.lines().any(forged), "{variable}: {lines}");
        }
    }
}

/// The file of this name is a file of this name, and what is said of it when it cannot be made is one line.
#[test]
fn file_names_forge_no_line() {
    let scratch = Scratch::new();
    let name = scratch.path().join("a\nb\u{1b}c");
    succeeds(&mut logged(RunLevel::Call, program("writer/names"), name.to_str().expect("UTF-8")));
    assert!(!parsed(&fs::read(&name).expect("the log")).is_empty());

    let name = scratch.write("file", "").join("below\nforged\u{1b}");
    let output = ended(&mut logged(RunLevel::Call, program("writer/names"), name.to_str().expect("UTF-8")));
    assert!(output.status.success(), "{output:?}");
    assert_eq!(output.stderr().lines().count(), 1, "{output:?}");
    assert!(output.stderr().starts_with("sockshim: cannot open the log "), "{output:?}");
    assert!(!output.stderr().contains('\u{1b}'), "{output:?}");
}
