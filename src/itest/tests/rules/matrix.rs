//! Each key × each verb × each way in.
//!
//! What is expected comes from the kernel: the program's own run as it is, with few bytes, with another address, or without
//! the call. For each way the table says whether the rule holds, and the verb which of these runs it is to be like.

use crate::table::{Row, TABLE};
use crate::under::Setting;
use crate::ways::{Outcome, Outcomes, Run, call, events_because, form, kind, make};
use std::collections::BTreeMap;
use std::sync::{Mutex, OnceLock};

/// How many differences of one row are shown.
const SHOWN: usize = 6;
/// The delay of the verb in nanoseconds, and as a rule has it.
const DELAY: (u64, &str) = (500_000, "500us");

/// The errno of refused calls: none that the kernel gives for these calls.
const REFUSED: (&str, &str) = ("EL2HLT", "51");

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Verb {
    Fail,
    Allow,
    Delay,
    Limit,
    To,
    Hide,
    Become,
    Option,
}

impl Verb {
    /// The verbs that a rule about this call can have.
    fn of_call(call: &str) -> &'static [Verb] {
        match call {
            "connect" | "bind" => &[Verb::Fail, Verb::Allow, Verb::Delay, Verb::To, Verb::Hide],
            "send" => &[Verb::Fail, Verb::Allow, Verb::Delay, Verb::Limit, Verb::To],
            "recv" => &[Verb::Fail, Verb::Allow, Verb::Delay, Verb::Limit],
            "socket" => &[Verb::Fail, Verb::Allow, Verb::Delay, Verb::Become, Verb::Option],
            "socketpair" | "accept" => &[Verb::Fail, Verb::Allow, Verb::Delay, Verb::Option],
            _ => &[Verb::Fail, Verb::Allow, Verb::Delay],
        }
    }

    /// The rules with these keys.
    fn rules(self, row: &Row) -> String {
        let Row { call, keys, .. } = row;
        let rule = |name: &str, verb: &str| {
            format!("[[rule]]\nname = \"{name}\"\ncall = \"{call}\"\n{keys}\n{verb}\n")
        };
        let fail = format!("fail = \"{}\"", REFUSED.0);
        let own = match self {
            Verb::Fail => rule("row", &fail),
            // Beside a later rule about all calls.
            Verb::Allow => rule("row", "allow = true") + &format!("[[rule]]\ncall = \"{call}\"\n{fail}\n"),
            Verb::Delay => rule("row", &format!("delay = \"{}\"", DELAY.1)),
            Verb::Limit => rule("row", "limit = 3"),
            Verb::Become => rule("row", "become = \"unix/stream/0\""),
            Verb::Option => rule("row", "option = { SO_KEEPALIVE = 1, \"SOL_SOCKET/SO_PRIORITY\" = true }"),
            Verb::To | Verb::Hide => {
                let inet = if *call == "bind" { "127.0.0.1:7029" } else { "127.0.0.1:7009" };
                let hide = if self == Verb::Hide { "hide = true\n" } else { "" };
                let to = |name: &str, address: &str| rule(name, &format!("{hide}to = \"{address}\""));
                to("row", inet) + &to("row of unix", "@other")
            }
        };
        // By such sockets the program passes descriptors on.
        let passes = match *call {
            "recv" => "[[rule]]\ncall = \"recv\"\nfamily = \"unix\"\ntype = \"dgram\"\nallow = true\n",
            _ => "",
        };
        passes.to_string() + &own
    }
}

/// The program's runs without rules.
fn natives(program: &'static str, mode: &'static str) -> &'static Outcomes {
    type Natives = BTreeMap<(&'static str, &'static str), &'static Outcomes>;
    static NATIVES: OnceLock<Mutex<Natives>> = OnceLock::new();
    let natives = NATIVES.get_or_init(Mutex::default);
    if let Some(known) = natives.lock().expect("the runs").get(&(program, mode)) {
        return known;
    }
    let errno = if matches!(mode, "skip" | "drop") { vec![REFUSED.1] } else { vec![] };
    let arguments: Vec<&str> = [mode].into_iter().chain(errno).collect();
    let made: &'static Outcomes =
        Box::leak(Box::new(make(program, &arguments, &Setting::default()).outcomes));
    natives.lock().expect("the runs").insert((program, mode), made);
    made
}

/// Whether the rule holds for this way.
fn holds(row: &Row, verb: Verb, way: &str) -> bool {
    let is_among = |list: &str, word: &str| list.split_whitespace().any(|other| other == word);
    call(row.program, way) == row.call
        && (row.kinds == "*" || is_among(row.kinds, kind(way)))
        && (row.forms.is_empty() || is_among(row.forms, form(way)))
        // What a rule shortens is lost where it is not a stream.
        && (verb != Verb::Limit || is_stream(kind(way)))
}

/// What the way is to come to.
fn expected(row: &Row, verb: Verb, way: &str) -> Outcome {
    let native = |mode| natives(row.program, mode)[way].clone();
    let is_this_call = call(row.program, way) == row.call;
    // A socket whose family the kernel refuses before it asks a security module.
    let is_unknown = kind(way) == "bad-family";
    let refused = |looks_at_peer: bool| native(if looks_at_peer { "drop" } else { "skip" });
    // A message that a rule holds for goes alone.
    let as_it_is = || native(if form(way).ends_with("sendmmsg") { "single" } else { "plain" });
    let looks = row.call == "accept" && row.keys.contains("remote");
    match (verb, holds(row, verb, way)) {
        // The rule about all calls that follows.
        (Verb::Allow, false) if is_this_call && !is_unknown => refused(looks),
        (_, false) => native("plain"),
        (Verb::Fail, true) => refused(looks),
        (Verb::Allow | Verb::Delay, true) => as_it_is(),
        (Verb::Limit, true) => native("short"),
        (Verb::To, true) if has_address(row, way) => native("other"),
        (Verb::To, true) => as_it_is(),
        (Verb::Hide, true) => Outcome { told: believed(row.program, kind(way)), ..native("other") },
        (Verb::Become, true) => became(native("plain")),
        (Verb::Option, true) => with_options(row.program, native("plain")),
    }
}

fn is_stream(kind: &str) -> bool {
    matches!(kind, "tcp4" | "tcp6" | "mapped" | "dual" | "unix" | "relative" | "abstract" | "pair")
}

/// Whether the call has an address that a rule can put another in the place of.
fn has_address(row: &Row, way: &str) -> bool {
    row.program != "send" || kind(way).starts_with("to")
}

/// What a program believes that is told its own address.
fn believed(program: &str, kind: &str) -> String {
    let address = match (program, kind) {
        ("connect", "tcp4" | "any4" | "udp4") => "peer 127.0.0.1:7001",
        ("connect", "tcp6" | "udp6") => "peer ::1:7001",
        ("connect", "mapped") => "peer ::ffff:127.0.0.1:7001",
        ("connect", "unix") => "peer $/server",
        ("connect", "relative") => "peer server",
        ("connect", "upward") => "peer ./below/../server",
        ("connect", "abstract") => "peer @server",
        ("bind", "tcp4" | "udp4") => "own 127.0.0.1:7020",
        ("bind", "any4") => "own 0.0.0.0:7020",
        ("bind", "tcp6") => "own ::1:7020",
        ("bind", "any6") => "own :::7020",
        ("bind", "mapped") => "own ::ffff:127.0.0.1:7020",
        ("bind", "unix") => "own $/bound",
        ("bind", "relative") => "own bound",
        ("bind", "abstract") => "own @bound",
        _ => panic!("{program} does not hide {kind}"),
    };
    address.into()
}

/// As a socket of AF_UNIX, in whatever place.
fn became(plain: Outcome) -> Outcome {
    let flags = plain.effect.split_once("flags").map_or("0 0 ", |(_, flags)| flags);
    let flags = if plain.result.starts_with("-1") { " 0 0 " } else { flags };
    Outcome { result: "3 0".into(), effect: format!("made 1 1 0 0 0 flags{flags}"), ..plain }
}

/// With the options where a socket was made.
fn with_options(program: &str, plain: Outcome) -> Outcome {
    let (without, with) =
        if program == "accept" { ("options 0 0", "options 1 1") } else { (" 0 0 flags", " 1 1 flags") };
    Outcome { effect: plain.effect.replace(without, with), ..plain }
}

/// What is wrong with a run under a row's rule.
fn differences(row: &Row, verb: Verb, logs: bool) -> Vec<String> {
    let rules = verb.rules(row);
    let run = make(row.program, &["plain"], &Setting { rules: Some(&rules), logs, ..Setting::default() });
    let outcomes = &run.outcomes;
    let native = natives(row.program, "plain");
    let mut wrong = Vec::new();
    if outcomes.len() != native.len() {
        wrong.push(format!("{} ways instead of {}", outcomes.len(), native.len()));
    }
    for (way, outcome) in outcomes {
        let expected = expected(row, verb, way);
        if !outcome.is_like(&expected) {
            wrong.push(format!("{way}: {outcome}\n      instead of {expected}"));
        }
        let waits = verb == Verb::Delay && holds(row, verb, way);
        if waits && outcome.time < DELAY.0 {
            wrong.push(format!("{way}: {} ns only", outcome.time));
        }
    }
    if logs {
        wrong.extend(missing_events(row, verb, &run));
    }
    wrong
}

/// Every call that a rule has decided has its event. Some ways make the call on another socket before.
fn missing_events(row: &Row, verb: Verb, run: &Run) -> Option<String> {
    let decided = run.outcomes.keys().filter(|way| holds(row, verb, way)).count();
    let logged = events_because(run, "rule:row");
    (logged < decided).then(|| format!("{logged} events of {decided} calls that the rule has decided"))
}

/// Runs the rows of a program.
fn check(program: &str) {
    let mut failed = Vec::new();
    let mut rows = 0;
    for row in TABLE.iter().filter(|row| row.program == program) {
        for verb in Verb::of_call(row.call) {
            for logs in [false, true] {
                rows += 1;
                let wrong = differences(row, *verb, logs);
                if !wrong.is_empty() {
                    let more = wrong.len().saturating_sub(SHOWN);
                    let shown = wrong[..wrong.len() - more].join("\n    ");
                    let log = if logs { ", with a log" } else { "" };
                    failed.push(format!(
                        "{verb:?} {} [{}]{log}:\n    {shown}\n    and {more} more",
                        row.call, row.keys
                    ));
                }
            }
        }
    }
    assert!(failed.is_empty(), "{} of {rows} rows:\n{}", failed.len(), failed.join("\n"));
}

#[test]
fn connect() {
    check("connect");
}

#[test]
fn bind() {
    check("bind");
}

#[test]
fn listen() {
    check("listen");
}

#[test]
fn accept() {
    check("accept");
}

#[test]
fn send() {
    check("send");
}

#[test]
fn recv() {
    check("recv");
}

#[test]
fn option() {
    check("option");
}

#[test]
fn create() {
    check("create");
}
