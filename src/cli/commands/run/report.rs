//! What became of the rules: the report of `--report`, and the complaints of `--strict`.

use super::options::is_fence;
use super::parent::Ended;
use serde::Serialize;
use serde_json::value::RawValue;
use sockshim_core::rules::Rules;
use sockshim_core::rules::shared::{About, First, Shared, Uncovered};
use sockshim_core::trace::line::Line;
use sockshim_core::trace::sockaddr::DecodedAddress;
use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Seek, Write};

/// The report in JSON.
#[derive(Serialize)]
pub struct Report {
    version: &'static str,
    program: Vec<String>,
    ended: EndedRow,
    rules: Vec<RuleRow>,
    processes: u64,
    uncovered: Vec<UncoveredRow>,
    more_uncovered: u64,
    io_urings: u64,
}

/// How the program has ended.
#[derive(Serialize)]
#[serde(rename_all = "lowercase")]
enum EndedRow {
    Exit(u8),
    Signal(i32),
}

/// A rule and what it did.
#[derive(Serialize)]
struct RuleRow {
    name: String,
    text: String,
    hits: u64,
    first: Option<FirstRow>,
}

/// The first call that a rule changed.
#[derive(Serialize)]
struct FirstRow {
    time: Box<RawValue>,
    pid: i32,
    program: String,
    call: String,
    address: Option<Box<RawValue>>,
}

/// A program that the library is not loaded into.
#[derive(Serialize)]
struct UncoveredRow {
    program: String,
    reason: String,
    starts: u64,
}

impl Report {
    /// What the counters say. Without the library in it, the program itself could not say that it is not covered; `uncovered` is
    /// the reason then.
    pub fn of(
        words: &[OsString],
        ended: Ended,
        rules: &Rules,
        shared: &Shared,
        uncovered: Option<&'static str>,
    ) -> Report {
        let program: Vec<String> = words.iter().map(|word| word.display().to_string()).collect();
        let own = uncovered.map(|reason| UncoveredRow {
            program: program.first().cloned().unwrap_or_default(),
            reason: reason.into(),
            starts: 1,
        });
        let started = shared.uncovered_programs();
        let rows = rules.iter().enumerate().map(|(number, rule)| RuleRow {
            name: rule.name.to_string(),
            text: rule.to_string(),
            hits: shared.hits(number),
            first: shared.first(number).map(|first| FirstRow::of(&first)),
        });
        Report {
            version: env!("CARGO_PKG_VERSION"),
            program,
            ended: match ended {
                Ended::Exit(code) => EndedRow::Exit(code),
                Ended::Signal(signal) => EndedRow::Signal(signal),
            },
            rules: rows.collect(),
            processes: shared.processes(),
            uncovered: own.into_iter().chain(started.iter().map(UncoveredRow::of)).collect(),
            more_uncovered: shared.more_uncovered(),
            io_urings: shared.io_urings(),
        }
    }

    /// The programs that ran without the library, each with the reason.
    pub fn uncovered(&self) -> Vec<(String, String)> {
        self.uncovered.iter().map(|row| (row.program.clone(), row.reason.clone())).collect()
    }

    /// Writes it over what is in the file.
    ///
    /// # Errors
    /// What the file reports, such as a full disk.
    pub fn write(&self, file: &mut File) -> io::Result<()> {
        let mut text = serde_json::to_vec_pretty(self)?;
        text.push(b'\n');
        // A pipe has no beginning to go back to.
        if file.metadata()?.is_file() {
            file.rewind()?;
        }
        file.write_all(&text)
    }

    /// What `--strict` is not content with, a line each. Rules of one name are one: an option may stand for several. A fence
    /// that nobody ran into is as it should be.
    pub fn complaints(&self) -> Vec<String> {
        let mut complaints = Vec::new();
        for (number, RuleRow { name, .. }) in self.rules.iter().enumerate() {
            let is_first = self.rules[..number].iter().all(|rule| rule.name != *name);
            let fired = self.rules.iter().any(|rule| rule.name == *name && rule.hits > 0);
            if is_first && !fired && !is_fence(name) {
                complaints.push(format!("the rule {name} never fired"));
            }
        }
        for UncoveredRow { program, reason, .. } in &self.uncovered {
            complaints.push(format!("{program} was started, and is not covered: {reason}"));
        }
        if self.more_uncovered > 0 {
            complaints.push(format!("{} more starts of programs are not covered", self.more_uncovered));
        }
        complaints
    }
}

impl FirstRow {
    fn of(first: &First) -> FirstRow {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let micros = first.time / 1000;
        let time = format!("{}.{:06}", micros / 1_000_000, micros % 1_000_000);
        FirstRow {
            // As in the log: seconds, to the microsecond.
            time: RawValue::from_string(time).unwrap_or_default(),
            pid: first.pid,
            program: text(first.program.split(|byte| *byte == 0).next().unwrap_or_default()),
            call: text(&first.call),
            address: match &first.about {
                About::Nothing => None,
                About::Host(name) => serde_json::to_string(&text(name)).and_then(RawValue::from_string).ok(),
                About::Address(addr) => {
                    let mut buffer = [0; 4096];
                    let mut line = Line::new(&mut buffer);
                    DecodedAddress { addr, names_device: false }.json(&mut line);
                    RawValue::from_string(text(line.written())).ok()
                }
            },
        }
    }
}

impl UncoveredRow {
    fn of(program: &Uncovered) -> UncoveredRow {
        UncoveredRow {
            program: String::from_utf8_lossy(&program.path).into_owned(),
            // The log's reason is the word of `check` with this in front.
            reason: program.reason.strip_prefix("exec-").unwrap_or(&program.reason).into(),
            starts: program.starts,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;
    use sockshim_core::net::address::SockAddr;
    use sockshim_core::rules::options;
    use std::sync::atomic::AtomicU64;

    fn first(about: About) -> First {
        First {
            time: 1_700_000_000_000_001_999,
            pid: 42,
            program: *b"curl\0\0\0\0\0\0\0\0\0\0\0\0",
            call: b"connect".iter().copied().collect(),
            about,
        }
    }

    #[test]
    fn what_was_counted_is_reported() {
        let rules = ["connect=EPERM", "recv=EINTR", "resolve=EAI_AGAIN", "connect=EPERM"].map(options::fail);
        let mut rules: Vec<_> = rules.into_iter().map(|rule| rule.expect("an option")).collect();
        rules.extend(options::offline(None).expect("an option"));
        let rules = Rules::new(rules);
        let words: Vec<AtomicU64> = (0..Shared::words(rules.len())).map(|_| AtomicU64::new(0)).collect();
        Shared::init(&words, rules.len());
        let shared = Shared::open(&words, rules.len()).expect("its own");
        shared.hit(3, || first(About::Address(SockAddr::of_v4([10, 0, 0, 1]))));
        shared.hit(3, || first(About::Nothing));
        shared.hit(2, || first(About::Host(b"a.example.com".iter().copied().collect())));
        shared.uncovered(b"/usr/bin/hugo", "exec-go");
        shared.join();
        let report =
            Report::of(&["make".into(), "test".into()], Ended::Exit(0), &rules, &shared, Some("static"));
        let expected = [
            "the rule --fail recv=EINTR never fired",
            "make was started, and is not covered: static",
            "/usr/bin/hugo was started, and is not covered: go",
        ];
        assert_eq!(report.complaints(), expected);

        let json = serde_json::to_string(&report).expect("JSON");
        assert!(json.contains("\"time\":1700000000.000001,"), "to the microsecond, as in the log: {json}");
        let json: Value = serde_json::from_str(&json).expect("JSON");
        let call = &json["rules"][3];
        assert_eq!((&call["hits"], &call["text"]), (&2.into(), &"connect → fail EPERM".into()));
        let first = &call["first"];
        let found = [&first["pid"], &first["program"], &first["call"], &first["address"]["address"]];
        assert_eq!(found, [&42.into(), &"curl".into(), &"connect".into(), &Value::from("10.0.0.1")]);
        assert_eq!(json["rules"][2]["first"]["address"], "a.example.com");
        assert_eq!(json["rules"][1]["first"], Value::Null);
        assert_eq!((&json["processes"], &json["uncovered"][1]["reason"]), (&1.into(), &"go".into()));
    }
}
