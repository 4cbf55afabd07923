//! `sockshim trace`: what it shows of a program and of all that it starts.

use std::process::Command;
use std::time::Duration;

use serde_json::Value;
use sockshim_itest::{Output, RunLevel, Scratch, cc, command, run, shim};

#[path = "cli/binary.rs"]
mod binary;
#[path = "trace/ends.rs"]
mod ends;
#[path = "trace/ports.rs"]
mod ports;
#[path = "trace/views.rs"]
mod views;
#[path = "trace/waits.rs"]
mod waits;
#[path = "trace/whole.rs"]
mod whole;

const DEADLINE: Duration = Duration::from_secs(120);

/// `sockshim trace` with these arguments, to a file. The output of the command and what is in the file.
fn traced(arguments: &[&str]) -> (Output, String) {
    let scratch = Scratch::new();
    let file = scratch.path().join("trace");
    let output = run(sockshim_trace().arg("-o").arg(&file).args(arguments), b"", DEADLINE);
    (output, std::fs::read_to_string(&file).unwrap_or_default())
}

fn sockshim_trace() -> Command {
    let mut sockshim = command(RunLevel::Native, None, binary::sockshim());
    sockshim.env("SOCKSHIM_LIB", shim()).arg("trace");
    sockshim
}

/// The program of `c-tests` that these tests look at.
fn seen() -> String {
    cc("trace/seen.c", &[]).display().to_string()
}

/// The lines of a trace, with what differs from run to run as a word: thread ids, pointers, times, and ports.
fn stable(trace: &str) -> String {
    let mut text = String::new();
    for line in trace.lines() {
        let mut rest = line;
        while let Some(at) = rest.find(['[', '<', '0', '(', ':', '>']) {
            let (before, from) = rest.split_at(at);
            text.push_str(before);
            let (shown, len) = word(from);
            text.push_str(shown);
            rest = &from[len..];
        }
        text.push_str(rest);
        text.push('\n');
    }
    text
}

/// What stands for the beginning of a text, and how long that is.
fn word(text: &str) -> (&str, usize) {
    let digits = |from: usize| text[from..].bytes().take_while(u8::is_ascii_digit).count();
    let hex = |from: usize| text[from..].bytes().take_while(u8::is_ascii_hexdigit).count();
    if let Some(rest) = text.strip_prefix("htons(")
        && digits(6) == 5
    {
        return ("htons(PORT", rest.len().min(5) + 6);
    }
    match text.as_bytes() {
        [b'[', ..] if digits(1) > 2 && text[1 + digits(1)..].starts_with("] ") => ("[TID", 1 + digits(1)),
        [b'<', b'0', b'.', ..] => ("<TIME", 3 + digits(3)),
        [b'0', b'x', ..] if hex(2) > 6 => ("POINTER", 2 + hex(2)),
        [b'(', ..] if digits(1) == 5 => ("(PORT", 6),
        [b':', ..] if digits(1) == 5 => (":PORT", 6),
        [_, ..] => (&text[..1], 1),
        [] => ("", 0),
    }
}

/// The events of `--json`.
fn events(trace: &str) -> Vec<Value> {
    trace
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")))
        .collect()
}
