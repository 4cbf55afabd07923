//! Validates logs of any size against the published schema, and counts the shim's records about itself in them.
//!
//! ```text
//! validate_log DIRECTORY…
//! ```
//!
//! Reads every `*.jsonl` file of each directory and prints one JSON object per directory. It is an example and not a
//! test, because `scripts/suites.sh` calls it with the logs of other people's tests.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use jsonschema::Validator;
use serde_json::{Value, json};

const SCHEMA: &str = include_str!("../../core/trace/event.schema.json");

/// How many lines of each kind are shown in full.
const SHOWN: usize = 20;

/// What the logs of a directory contain.
#[derive(Default)]
struct LogCounts {
    files: u64,
    /// Complete lines, valid or not.
    lines: u64,
    /// Lines that are not JSON, or that the schema rejects.
    invalid: u64,
    /// Last lines without a newline: the process was killed while they were written.
    cut: u64,
    /// The sum of the `dropped` records.
    lost: u64,
    /// Calls in which the shim panicked, so that libc performed them alone.
    panics: u64,
    /// Wrong predictions: the number of each kind, and the first of the kind.
    divergences: BTreeMap<String, (u64, String)>,
    /// The shim's records about itself: each message with its number.
    messages: BTreeMap<String, u64>,
    /// The first lines that are invalid or report a panic, each with the problem.
    shown: Vec<String>,
}

impl LogCounts {
    fn line(&mut self, validator: &Validator, file: &Path, bytes: &[u8]) {
        self.lines += 1;
        // Parsed into a type of serde_json's own, whose code is optimised even if this file is compiled without.
        let parsed = std::str::from_utf8(bytes).map_err(|error| error.to_string());
        let parsed = parsed.and_then(|text| text.parse::<Value>().map_err(|error| error.to_string()));
        let event = match parsed {
            Ok(event) => event,
            Err(error) => return self.invalid(file, &error, bytes),
        };
        if let Err(error) = validator.validate(&event) {
            self.invalid(file, &format!("at {}: {error}", error.instance_path), bytes);
        }
        if event["reason"] == "shim-panic" {
            self.panics += 1;
            self.show(file, "the shim panicked", bytes);
        }
        match event["call"].as_str() {
            Some("dropped") => self.lost += event["args"]["count"].as_u64().unwrap_or(0),
            Some("divergence") => {
                let kind = ["handler", "reason", "predicted", "errno"]
                    .map(|field| event[field].to_string())
                    .join(" ");
                let first = || (0, String::from_utf8_lossy(bytes).into_owned());
                self.divergences.entry(kind).or_insert_with(first).0 += 1;
            }
            Some("sockshim") => *self.messages.entry(event["args"]["message"].to_string()).or_default() += 1,
            _ => {}
        }
    }

    fn invalid(&mut self, file: &Path, problem: &str, bytes: &[u8]) {
        self.invalid += 1;
        self.show(file, problem, bytes);
    }

    fn show(&mut self, file: &Path, problem: &str, bytes: &[u8]) {
        if self.shown.len() < SHOWN {
            let name = file.file_name().unwrap_or_default().to_string_lossy();
            self.shown.push(format!("{name}: {problem}: {}", String::from_utf8_lossy(bytes)));
        }
    }

    fn file(&mut self, validator: &Validator, file: &Path) -> io::Result<()> {
        self.files += 1;
        let mut reader = BufReader::with_capacity(1 << 20, File::open(file)?);
        let mut bytes = Vec::new();
        while reader.read_until(b'\n', &mut bytes)? > 0 {
            match bytes.strip_suffix(b"\n") {
                Some(line) => self.line(validator, file, line),
                None => self.cut += 1,
            }
            bytes.clear();
        }
        Ok(())
    }

    fn report(self) -> Value {
        let divergences: u64 = self.divergences.values().map(|(count, _)| count).sum();
        let kinds =
            self.divergences.into_values().map(|(count, first)| json!({ "count": count, "first": first }));
        json!({
            "files": self.files,
            "lines": self.lines,
            "invalid": self.invalid,
            "cut": self.cut,
            "lost": self.lost,
            "panics": self.panics,
            "divergences": divergences,
            "divergence_kinds": kinds.collect::<Vec<_>>(),
            "messages": self.messages,
            "shown": self.shown,
        })
    }
}

/// The logs of a directory, by name.
fn logs(directory: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "jsonl") {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

fn validate(validator: &Validator, directory: &Path) -> io::Result<Value> {
    let mut found = LogCounts::default();
    for file in logs(directory)? {
        found.file(validator, &file)?;
    }
    Ok(found.report())
}

#[expect(
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::disallowed_macros,
    reason = "a command's way to answer"
)]
fn main() -> ExitCode {
    let schema: Value = serde_json::from_str(SCHEMA).expect("the schema is JSON");
    let validator = jsonschema::draft202012::new(&schema).expect("the schema compiles");
    for directory in std::env::args_os().skip(1) {
        match validate(&validator, Path::new(&directory)) {
            Ok(report) => println!("{report}"),
            Err(error) => {
                eprintln!("validate_log: {}: {error}", directory.display());
                return ExitCode::FAILURE;
            }
        }
    }
    ExitCode::SUCCESS
}
