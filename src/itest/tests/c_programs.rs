//! Every program of `c-tests/` does the same under the shim as natively.
//!
//! `c-tests/bind/twice.c` is the test `bind/twice`. It runs natively twice, to check that its transcript is
//! reproducible, and then under the shim without a log, at level `call` and at level `io`; and under rules about every call that
//! hold for none. Stdout, stderr and the
//! exit status are compared byte for byte, and no prediction in the log may differ from the kernel's answer. Last, it runs
//! with the library that tests build, where every call takes the slow path, and again where those that can take the fast
//! path or are brief: if two logs of the first kind are the same, then one of the second kind is too.
//!
//! A justified difference is declared in the program by a line `// except: stderr: the reason` at its top, where the
//! first word is `stdout`, `stderr` or `status`. The test prints it whenever it applies.

#![expect(
    clippy::print_stderr,
    clippy::disallowed_macros,
    reason = "this harness has no other way to say what it skipped or counted"
)]

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use libtest_mimic::{Arguments, Failed, Trial};
use sockshim_itest::{
    Output, RunLevel, Scratch, by_call, cc, command, directive, events, run, test_shim, workspace,
};

/// The programs kill themselves long before it.
const DEADLINE: Duration = Duration::from_secs(120);

/// The exit statuses of `c-tests/transcript.h`.
const NEEDS_STATUS: i32 = 77;
const SETUP_STATUS: i32 = 99;

/// The directories whose programs are run by other tests.
const NOT_TRANSCRIPTS: [&str; 5] = ["stress", "moments", "rules", "modules", "can"];

/// Rules that name every call, and hold for none that the programs make: what they ask of a call has to be found out, and
/// then the call must go on as if there were none.
const RULES: &str = r#"
[[rule]]
call = ["socket", "socketpair", "bind", "connect", "listen", "accept", "send", "recv", "setsockopt", "getsockopt", "shutdown"]
protocol = 251
fail = "EXDEV"
[[rule]]
call = ["connect", "send", "recv", "accept", "shutdown", "getsockopt"]
remote = "203.0.113.77:7"
fail = "EXDEV"
[[rule]]
call = ["bind", "listen", "send", "recv", "setsockopt"]
local = ["203.0.113.77:7", "unix:/nobody/has/this", "@nobody has this"]
fail = "EXDEV"
[[rule]]
call = "connect"
remote = "203.0.113.77:7"
to = "127.0.0.1:9"
hide = true
[[rule]]
call = ["resolve"]
remote = "nobody.has.this.example"
fail = "EAI_FAIL"
"#;

static EVENTS: AtomicUsize = AtomicUsize::new(0);
/// The events that were the same on both paths.
static COMPARED: AtomicUsize = AtomicUsize::new(0);
static PREDICTED: AtomicUsize = AtomicUsize::new(0);

fn main() {
    let arguments = Arguments::from_args();
    let sources = sources();
    assert!(!sources.is_empty(), "there are no programs in c-tests");
    let trial = |source: String| {
        let name = source.trim_end_matches(".c").to_string();
        Trial::test(name, move || check(&source))
    };
    let conclusion = libtest_mimic::run(&arguments, sources.into_iter().map(trial).collect());
    let (predicted, events) = (PREDICTED.load(Ordering::Relaxed), EVENTS.load(Ordering::Relaxed));
    eprintln!("the answer was predicted in {predicted} of {events} events");
    eprintln!("{} events were the same on both paths", COMPARED.load(Ordering::Relaxed));
    conclusion.exit();
}

/// The programs as `<call>/<case>.c`, sorted.
fn sources() -> Vec<String> {
    let entries = |path: &Path| -> Vec<PathBuf> {
        let entries = fs::read_dir(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        entries.map(|entry| entry.expect("a directory entry").path()).collect()
    };
    let root = workspace().join("c-tests");
    let calls = entries(&root)
        .into_iter()
        .filter(|path| path.is_dir() && !NOT_TRANSCRIPTS.iter().any(|other| path.ends_with(other)));
    let files =
        calls.flat_map(|call| entries(&call)).filter(|path| path.extension().is_some_and(|e| e == "c"));
    let relative = |path: PathBuf| path.strip_prefix(&root).ok().and_then(Path::to_str).map(String::from);
    let mut sources: Vec<String> = files.filter_map(relative).collect();
    sources.sort();
    sources
}

fn check(source: &str) -> Result<(), Failed> {
    let program = cc(source, &[]);
    let except = Exception::of(source)?;
    let native = run_in_scratch(&program, RunLevel::Native, None);
    match native.status.code() {
        Some(NEEDS_STATUS) => {
            eprintln!(
                "{source} is skipped, since this machine lacks something: {}",
                native.stdout().trim_end()
            );
            return Ok(());
        }
        Some(SETUP_STATUS) => return Err(format!("natively: {}", native.stdout()).into()),
        _ if native.timed_out => return Err("natively it does not end".into()),
        _ => {}
    }
    let again = run_in_scratch(&program, RunLevel::Native, None);
    compare("natively, a second time: the program is not deterministic", &native, &again, None)?;

    for level in [RunLevel::Off, RunLevel::Call, RunLevel::Io] {
        let log = Scratch::new();
        let output = run_in_scratch(&program, level, Some(log.path()));
        compare(&format!("at {level:?}"), &native, &output, except.as_ref())?;
        check_log(level, log.path())?;
    }
    for level in [RunLevel::Off, RunLevel::Io] {
        let (log, rules, directory) = (Scratch::new(), Scratch::new(), Scratch::new());
        let mut command = command(level, Some(log.path()), &program);
        command.env("SOCKSHIM_CONFIG", rules.write("rules.toml", RULES));
        let output = run(command.current_dir(directory.path()), b"", DEADLINE);
        compare(&format!("under rules, at {level:?}"), &native, &output, except.as_ref())?;
        check_log(level, log.path())?;
    }
    same_on_both_paths(&program, &native, except.as_ref())
}

/// The log of control calls does not depend on the path that they take.
fn same_on_both_paths(program: &Path, native: &Output, except: Option<&Exception>) -> Result<(), Failed> {
    let log = |without_fast_path: &str| -> Result<_, Failed> {
        let (log, directory) = (Scratch::new(), Scratch::new());
        let mut command = command(RunLevel::Call, Some(log.path()), program);
        command.env("LD_PRELOAD", test_shim()).env("SOCKSHIM_WITHOUT_FAST_PATH", without_fast_path);
        // A writer that is late is not to be the reason why a call takes the slow path.
        command.env("SOCKSHIM_WAITS", "1");
        let output = run(command.current_dir(directory.path()), b"", DEADLINE);
        compare(&format!("with SOCKSHIM_WITHOUT_FAST_PATH={without_fast_path}"), native, &output, except)?;
        Ok(comparable(events(log.path())))
    };
    let (slow, again, fast) = (log("1")?, log("1")?, log("0")?);
    // Beside other processes and threads, and where time has a say, no two logs are the same.
    let (Some(slow), Some(again), Some(fast)) = (slow, again, fast) else { return Ok(()) };
    if slow != again {
        return Ok(());
    }
    if let Some((fast, slow)) = fast.iter().zip(&slow).find(|(fast, slow)| fast != slow) {
        return Err(format!("on the fast path the log says\n{fast}\ninstead of\n{slow}").into());
    }
    if fast.len() != slow.len() {
        return Err(format!("{} events on the fast path, {} on the slow one", fast.len(), slow.len()).into());
    }
    COMPARED.fetch_add(fast.len(), Ordering::Relaxed);
    Ok(())
}

/// The events of one thread without what differs from run to run: times, processes, pointers, and numbers that the kernel
/// chooses. `None` if there are several.
fn comparable(mut events: Vec<serde_json::Value>) -> Option<Vec<String>> {
    if events.iter().any(|event| event["tid"] != events[0]["tid"]) {
        return None;
    }
    for event in &mut events {
        mask_ports(event);
        for field in ["ts", "ns", "pid", "tid"] {
            event.as_object_mut().map(|event| event.remove(field));
        }
    }
    Some(events.iter().map(|event| masked(&event.to_string())).collect())
}

/// Puts a `#` for the port in addresses that are too short to be shown otherwise than by their bytes: its digits in
/// hexadecimal are no number that [`masked`] would find.
fn mask_ports(value: &mut serde_json::Value) {
    const PORT: std::ops::Range<usize> = 4..8;
    if let Some(serde_json::Value::String(bytes)) = value.get_mut("bytes")
        && ["0200", "0a00"].iter().any(|family| bytes.starts_with(family))
        && bytes.len() >= PORT.end
    {
        bytes.replace_range(PORT, "#");
    }
    match value {
        serde_json::Value::Array(values) => values.iter_mut().for_each(mask_ports),
        serde_json::Value::Object(members) => members.values_mut().for_each(mask_ports),
        _ => {}
    }
}

/// The text with a `#` for each pointer, and for each number of more than four digits.
fn masked(text: &str) -> String {
    let mut masked = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(|c: char| c.is_ascii_digit()) {
        masked.push_str(&rest[..at]);
        rest = &rest[at..];
        let number = match rest.strip_prefix("0x") {
            Some(digits) => 2 + digits.find(|c: char| !c.is_ascii_hexdigit()).unwrap_or(digits.len()),
            None => rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len()),
        };
        masked.push_str(if number > 4 { "#" } else { &rest[..number] });
        rest = &rest[number..];
    }
    masked + rest
}

fn run_in_scratch(program: &Path, level: RunLevel, log: Option<&Path>) -> Output {
    let directory = Scratch::new();
    run(command(level, log, program).current_dir(directory.path()), b"", DEADLINE)
}

fn check_log(level: RunLevel, log: &Path) -> Result<(), Failed> {
    let events = events(log);
    EVENTS.fetch_add(events.len(), Ordering::Relaxed);
    let predicted = events.iter().filter(|event| !event["predicted"].is_null()).count();
    PREDICTED.fetch_add(predicted, Ordering::Relaxed);
    if let Some(divergence) = by_call(&events, "divergence").first() {
        return Err(format!("at {level:?} the kernel does not answer as predicted: {divergence}").into());
    }
    // No security module is active here, so a refusal that only one could explain would be an error of the tables.
    let last =
        |event: &serde_json::Value| event["path"].as_array()?.last()?["result"].as_str().map(String::from);
    if let Some(event) = events.iter().find(|event| last(event).as_deref() == Some("may-have-refused")) {
        return Err(format!("at {level:?} the tables do not know of a refusal: {event}").into());
    }
    match (level, events.is_empty()) {
        (RunLevel::Off, false) => Err("without a level there is a log".into()),
        (RunLevel::Call | RunLevel::Io, true) => Err(format!("at {level:?} there is no event").into()),
        _ => Ok(()),
    }
}

/// A part of the output that may differ, and the reason.
struct Exception {
    part: String,
    reason: String,
}

impl Exception {
    fn of(source: &str) -> Result<Option<Self>, Failed> {
        let Some(line) = directive(&workspace().join("c-tests").join(source), "except") else {
            return Ok(None);
        };
        match line.split_once(':') {
            Some((part @ ("stdout" | "stderr" | "status"), reason)) if !reason.trim().is_empty() => {
                Ok(Some(Self { part: part.into(), reason: reason.trim().into() }))
            }
            _ => Err(format!("not \"except: stdout|stderr|status: reason\": {line}").into()),
        }
    }
}

fn compare(how: &str, native: &Output, other: &Output, except: Option<&Exception>) -> Result<(), Failed> {
    let parts = [
        ("status", native.status.to_string(), other.status.to_string()),
        ("stdout", native.stdout(), other.stdout()),
        ("stderr", native.stderr(), other.stderr()),
    ];
    let bytes_differ = native.stdout != other.stdout || native.stderr != other.stderr;
    let mut differences = Vec::new();
    for (part, expected, actual) in &parts {
        match except.filter(|exception| exception.part == *part) {
            _ if expected == actual => {}
            Some(exception) => eprintln!("{how}, {part} differs: {}", exception.reason),
            None => differences.push(format!("{part} differs\n{}", first_difference(expected, actual))),
        }
    }
    if differences.is_empty() && bytes_differ && except.is_none() {
        differences.push("the output differs in bytes that are no text".into());
    }
    if other.timed_out {
        differences.push("it did not end and was killed".into());
    }
    if differences.is_empty() { Ok(()) } else { Err(format!("{how}: {}", differences.join("\n")).into()) }
}

/// The first line that differs, with the lines before it for context.
fn first_difference(expected: &str, actual: &str) -> String {
    let mut expected = expected.lines();
    let mut actual = actual.lines();
    let mut before: Vec<&str> = Vec::new();
    loop {
        match (expected.next(), actual.next()) {
            (Some(line), Some(other)) if line == other => before.push(line),
            (None, None) => return "(in how the last line ends)".into(),
            (native, shimmed) => {
                let start = before.len().saturating_sub(3);
                let context: String = before[start..].iter().map(|line| format!("      {line}\n")).collect();
                let line = |line: Option<&str>| line.unwrap_or("(the end)").to_string();
                return format!("{context}  -   {}\n  +   {}", line(native), line(shimmed));
            }
        }
    }
}
