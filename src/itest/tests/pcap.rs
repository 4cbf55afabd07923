//! `sockshim trace --pcap`: what programs send and receive, as Wireshark's tshark reads it.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use sockshim_itest::{Output, RunLevel, Scratch, cc, command, run, shim};

#[path = "cli/binary.rs"]
mod binary;
#[path = "pcap/bytes.rs"]
mod bytes;
#[path = "pcap/programs.rs"]
mod programs;
#[path = "pcap/trouble.rs"]
mod trouble;

const DEADLINE: Duration = Duration::from_secs(120);

/// `sockshim trace` with a capture that goes to this file, and no trace.
fn capturing(file: &Path, options: &[&str]) -> Command {
    let mut sockshim = command(RunLevel::Native, None, binary::sockshim());
    sockshim.env("SOCKSHIM_LIB", shim()).args(["trace", "-o", "/dev/null", "--pcap"]).arg(file).args(options);
    sockshim.arg("--");
    sockshim
}

/// Captures a program, which succeeds, and of which nothing is missing.
fn captured(options: &[&str], program: &[&str]) -> (Scratch, PathBuf, Output) {
    let (scratch, file, output) = captured_in_part(options, program);
    assert!(output.stderr.is_empty(), "{output:?}");
    (scratch, file, output)
}

/// Captures a program, which succeeds.
fn captured_in_part(options: &[&str], program: &[&str]) -> (Scratch, PathBuf, Output) {
    let scratch = Scratch::new();
    let file = scratch.path().join("capture.pcapng");
    let output = run(capturing(&file, options).args(program), b"", DEADLINE);
    assert!(output.status.success(), "{output:?}");
    (scratch, file, output)
}

/// What tshark prints of a file.
fn tshark(file: &Path, options: &[&str]) -> String {
    let mut tshark = Command::new("tshark");
    // Of the names in the file, and of no other: nobody asks a server.
    tshark.arg("-r").arg(file).args(["-n", "-o", "tcp.relative_sequence_numbers:TRUE"]).args(options);
    let output = tshark.stderr(Stdio::piped()).output().expect("tshark is there");
    assert!(output.status.success(), "{output:?}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// The fields of each packet that a filter selects.
fn fields(file: &Path, filter: &str, fields: &[&str]) -> Vec<Vec<String>> {
    let mut options = vec!["-Y", filter, "-T", "fields"];
    fields.iter().for_each(|field| options.extend(["-e", field]));
    let lines =
        |text: String| text.lines().map(|line| line.split('\t').map(String::from).collect()).collect();
    lines(tshark(file, &options))
}

/// Nothing in the file is malformed, missing or doubtful.
fn is_sound(file: &Path) {
    let doubtful = tshark(file, &["-Y", "_ws.malformed || _ws.expert.severity >= \"Warning\""]);
    assert_eq!(doubtful, "", "{}", tshark(file, &["-q", "-z", "expert,warn"]));
}

fn unhex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> =
        text.chars().filter_map(|digit| digit.to_digit(16)).map(|digit| digit as u8).collect();
    digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect()
}

/// The program of `c-tests` that moves bytes in every way.
fn moves() -> String {
    cc("trace/moves.c", &[]).display().to_string()
}
