//! The log of a whole scenario, which can have millions of events: it is read line by line and only counted.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::path::Path;

use serde_json::Value;

/// How often each program made each call successfully.
pub struct Log(BTreeMap<(String, String), usize>);

impl Log {
    /// Reads every file of the directory. Panics with the line when one is not an event, or when the shim's
    /// prediction was wrong.
    pub fn read(directory: &Path) -> Self {
        let mut counts = BTreeMap::new();
        for entry in fs::read_dir(directory).expect("the log directory") {
            let path = entry.expect("an entry of the log directory").path();
            let mut lines = BufReader::new(File::open(&path).expect("a log file"));
            let mut line = String::new();
            while lines.read_line(&mut line).expect("a log file is text") > 0 {
                assert!(line.ends_with('\n'), "{}: the last line is cut off: {line}", path.display());
                let event = serde_json::from_str::<Value>(&line);
                let event = event.unwrap_or_else(|error| panic!("{}: {error}: {line}", path.display()));
                let field = |name| match &event[name] {
                    Value::String(text) => text.clone(),
                    _ => panic!("{}: no {name}: {line}", path.display()),
                };
                let (program, call) = (field("comm"), field("call"));
                assert_ne!(call, "divergence", "{}: {line}", path.display());
                // A non-blocking connect succeeds later.
                if event["ret"].as_i64().is_some_and(|ret| ret >= 0) || event["errno"] == "EINPROGRESS" {
                    *counts.entry((program, call)).or_default() += 1;
                }
                line.clear();
            }
        }
        Self(counts)
    }

    /// How often a program made a call successfully.
    pub fn count(&self, program: &str, call: &str) -> usize {
        self.0.get(&(program.to_string(), call.to_string())).copied().unwrap_or(0)
    }

    /// Asserts that a program made each of the calls successfully.
    pub fn has(&self, program: &str, calls: &[&str]) {
        for call in calls {
            assert!(
                self.count(program, call) > 0,
                "no successful {call} by {program} in the log: {:#?}",
                self.0
            );
        }
    }
}
