//! `sockshim explain`: the documentation's examples are true, and the predictions match the kernel's answers.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};
use sockshim_itest::{Output, RunLevel, command, run, workspace};

#[path = "cli/binary.rs"]
mod binary;

use binary::sockshim;

const DEADLINE: Duration = Duration::from_secs(60);

/// Prints a note about the run. The macros' output is not shown for a passed test.
fn note(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}

fn call(args: &[&str]) -> Output {
    run(command(RunLevel::Native, None, sockshim()).arg("explain").args(args), b"", DEADLINE)
}

/// The output of a command, which must succeed.
fn succeeded(output: &Output, what: &dyn std::fmt::Debug) -> String {
    assert_eq!((output.status.code(), output.stderr().as_str()), (Some(0), ""), "{what:?}: {output:?}");
    output.stdout()
}

fn explained(args: &[&str]) -> String {
    succeeded(&call(args), &args)
}

fn as_json(args: &[&str]) -> Value {
    serde_json::from_str(&explained(&[args, &["--json"]].concat())).expect("JSON")
}

/// Whether the running kernel makes this socket.
fn kernel_makes(args: &[&str]) -> bool {
    as_json(args)["kernel"]["errno"].is_null()
}

fn has_net_raw() -> bool {
    kernel_makes(&["AF_INET", "SOCK_RAW", "IPPROTO_RAW"])
}

/// A prefix that makes a command run without the capability.
const WITHOUT_NET_RAW: &str = "setpriv --inh-caps=-net_raw --bounding-set=-net_raw --";

/// Runs a shell command line in which `sockshim` is the command under test.
fn shell(line: &str) -> Output {
    let dir = sockshim().parent().and_then(Path::to_str).expect("a directory");
    let path = format!("{dir}:{}", std::env::var("PATH").unwrap_or_default());
    run(command(RunLevel::Native, None, "bash").args(["-c", line]).env("PATH", path), b"", DEADLINE)
}

/// The fenced blocks that begin with `$ sockshim explain`: the command and its output.
fn examples(text: &str) -> Vec<(String, String)> {
    let blocks = text.split("```").skip(1).step_by(2);
    let example = |block: &str| {
        let (line, printed) = block.trim_start().strip_prefix("$ ")?.split_once('\n')?;
        line.starts_with("sockshim explain ").then(|| (line.to_string(), printed.to_string()))
    };
    blocks.filter_map(example).collect()
}

/// The call in a row such as `  socket(AF_INET, SOCK_DGRAM, 0)   inet_dgram_ops, udp_prot`, and whether the row has a
/// condition.
fn alternative(line: &str) -> Option<(Vec<&str>, bool)> {
    let (call, rest) = line.strip_prefix("  socket(")?.split_once(')')?;
    Some((call.split(", ").collect(), rest.starts_with(" with ")))
}

/// The output without the rows of sockets that this machine does not make, or refuses for another reason than on the
/// page; and without a heading that then has no rows. The columns are as wide as the widest row, so the number of
/// spaces does not count.
fn comparable(printed: &str, left_out: &BTreeSet<String>) -> Vec<String> {
    let rows = printed.lines().filter(|line| match alternative(line) {
        Some((args, _)) => !left_out.contains(&args.join(", ")),
        None => true,
    });
    let words = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut lines: Vec<String> =
        rows.map(|line| if alternative(line).is_some() { words(line) } else { line.to_string() }).collect();
    if lines.last().is_some_and(|last| last.starts_with("Th") && last.ends_with(':')) {
        // With the empty line above the heading.
        lines.truncate(lines.len() - 2);
    }
    lines
}

#[test]
fn the_examples_of_the_documentation_are_true() {
    let page = |path| fs::read_to_string(workspace().join(path)).expect("a page");
    let pages = [page("README.md"), page("docs/explain.md")];
    let examples: Vec<_> = pages.iter().flat_map(|text| examples(text)).collect();
    assert!(examples.len() >= 11, "{} examples", examples.len());
    let mut compared = 0;
    for (line, expected) in &examples {
        if expected.contains("CAP_NET_RAW = 1 ") && !has_net_raw() {
            note(&format!("skipped, because this process has no CAP_NET_RAW: {line}"));
            continue;
        }
        let mut left_out = BTreeSet::new();
        for (args, has_condition) in expected.lines().filter_map(alternative) {
            if kernel_makes(&args) == has_condition {
                note(&format!(
                    "not compared, because this kernel or its settings differ: socket({})",
                    args.join(", ")
                ));
                left_out.insert(args.join(", "));
            }
        }
        let is_without = expected.contains("CAP_NET_RAW = 0 ");
        let without = if is_without && has_net_raw() { WITHOUT_NET_RAW } else { "" };
        let printed = succeeded(&shell(&format!("{without} {line}")), line);
        assert_eq!(comparable(&printed, &left_out), comparable(expected, &left_out), "{line}");
        compared += 1;
    }
    // On any machine, at least ten examples need no privilege.
    assert!(compared >= 10, "{compared} of {} examples", examples.len());
}

#[test]
fn an_example_that_is_wrong_is_noticed() {
    let text =
        "```\n$ sockshim explain -1 1 0\nA\n  socket(AF_UNIX, SOCK_STREAM, 0)   ops\n```\nno\n```\n$ ls\n```";
    let found = examples(text);
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].0, "sockshim explain -1 1 0");
    let nothing = BTreeSet::new();
    assert_eq!(comparable(&found[0].1, &nothing), ["A", "socket(AF_UNIX, SOCK_STREAM, 0) ops"]);
    assert_ne!(comparable(&found[0].1, &nothing), comparable("A\n", &nothing));
    let only = BTreeSet::from(["AF_UNIX, SOCK_STREAM, 0".to_string()]);
    let rows = "A\n\nThese would succeed:\n  socket(AF_UNIX, SOCK_STREAM, 0)  ops\n";
    assert_eq!(comparable(rows, &only), ["A"]);
    assert_ne!(comparable("kernel     EPERM\n", &nothing), comparable("kernel     success\n", &nothing));
}

#[test]
fn json_has_its_fields_and_no_others() {
    let text = explained(&["inet", "stream|nonblock|cloexec", "tcp", "--json"]);
    let mut keys: Vec<&str> = text
        .lines()
        .filter_map(|line| line.strip_prefix("  \"")?.split_once('"'))
        .map(|(key, _)| key)
        .collect();
    let expected =
        ["family", "type", "flags", "protocol", "errno", "reason", "path", "ops", "prot", "kernel"];
    assert_eq!(keys, expected);
    keys.sort_unstable();
    let explained: Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(explained.as_object().expect("an object").len(), keys.len());
    let entry = json!({"fn": "inet_create", "entry": "TCP", "index": 0, "match": "exact", "protocol": 6});
    assert!(explained["path"].as_array().expect("a path").contains(&entry), "{explained}");
    let members = ["family", "type", "flags", "protocol"].map(|member| explained[member].as_i64());
    let flags = libc::SOCK_NONBLOCK | libc::SOCK_CLOEXEC;
    assert_eq!(members, [Some(2), Some(1), Some(flags.into()), Some(6)]);
    assert_eq!((&explained["ops"], &explained["prot"]), (&json!("inet_stream_ops"), &json!("tcp_prot")));
    assert_eq!((&explained["errno"], &explained["kernel"]), (&Value::Null, &json!({ "errno": null })));

    let refused = as_json(&["inet", "dgram", "tcp"]);
    assert_eq!((&refused["errno"], &refused["reason"]), (&json!("EPROTONOSUPPORT"), &json!("no-protocol")));
    assert_eq!((&refused["ops"], &refused["prot"]), (&Value::Null, &Value::Null));
    assert_eq!(refused["kernel"]["errno"], "EPROTONOSUPPORT");
}

#[test]
fn names_and_numbers_are_the_same_question() {
    let expected = explained(&["AF_INET", "SOCK_STREAM", "IPPROTO_MPTCP"]);
    for args in [
        ["inet", "stream", "mptcp"],
        ["2", "1", "262"],
        ["0x2", "0x1", "0x106"],
        ["PF_INET", "STREAM", "MPTCP"],
    ] {
        assert_eq!(explained(&args), expected, "{args:?}");
    }
    assert_eq!(explained(&["-1", "-1", "-1"]), explained(&["0xffffffff", "0xffffffff", "0xffffffff"]));
    assert_eq!(as_json(&["netlink", "raw", "NETLINK_GENERIC"])["protocol"], 16);
    assert_eq!(as_json(&["packet", "raw", "htons(ETH_P_ALL)"])["protocol"], 0x300);
    assert_eq!(as_json(&["inet", "-1", "0"])["type"], 15);
}

/// The prediction is the kernel's answer, for families that every kernel has and for numbers without a family.
#[test]
fn predictions_are_what_the_kernel_says() {
    let families = ["-1", "0", "1", "2", "10", "16", "17", "40", "44", "46", "255", "65536", "2147483647"];
    let types = ["0", "1", "2", "3", "5", "10", "11", "0x11", "-1"];
    let mut predicted = 0;
    let mut errnos = BTreeSet::new();
    for family in families {
        for ty in types {
            for protocol in ["0", "1", "6", "262", "-1"] {
                let answer = as_json(&[family, ty, protocol]);
                let path = answer["path"].as_array().expect("a path");
                let is_open =
                    path.iter().any(|step| !step["host"].is_null()) || answer["reason"] == "host-family";
                if is_open {
                    note(&format!("not predicted: socket({family}, {ty}, {protocol}): {}", answer["kernel"]));
                    continue;
                }
                assert_eq!(
                    answer["errno"], answer["kernel"]["errno"],
                    "socket({family}, {ty}, {protocol}): {answer}"
                );
                errnos.insert(answer["errno"].to_string());
                predicted += 1;
            }
        }
    }
    let asked = families.len() * types.len() * 5;
    assert!(predicted * 20 > asked * 19, "{predicted} of {asked}");
    assert!(errnos.len() >= 5, "{errnos:?}");
}

/// As root and without the capability: the output says in both cases what would change.
#[test]
fn a_missing_privilege_is_named() {
    let args = ["inet", "raw", "icmp"];
    let unprivileged = if has_net_raw() {
        let text = explained(&args);
        assert!(text.contains("\n  without CAP_NET_RAW  EPERM\n"), "{text}");
        let mut setpriv: Command = command(RunLevel::Native, None, "setpriv");
        setpriv.args(["--bounding-set=-net_raw", "--inh-caps=-net_raw", "--"]).arg(sockshim()).arg("explain");
        succeeded(&run(setpriv.args(args), b"", DEADLINE), &"without CAP_NET_RAW")
    } else {
        note("the privileged half is skipped, because this process has no CAP_NET_RAW");
        explained(&args)
    };
    assert!(unprivileged.contains("ns_capable              CAP_NET_RAW = 0 (probe)"), "{unprivileged}");
    assert!(unprivileged.contains("\npredicted  EPERM: it takes CAP_NET_RAW "), "{unprivileged}");
    assert!(unprivileged.contains("\nkernel     EPERM\n"), "{unprivileged}");
    assert!(unprivileged.contains("\n  with CAP_NET_RAW  "), "{unprivileged}");
    assert!(!unprivileged.contains("DIVERGENCE"), "{unprivileged}");
}

#[test]
fn nonsense_is_answered_with_what_is_known() {
    let nonsense: [(&[&str], &[&str]); 9] = [
        (&["AF_FOO", "stream", "0"], &["'AF_FOO' for '<FAMILY>'", " INET ", " VSOCK ", " MCTP"]),
        (&["", "stream", "0"], &["<FAMILY>", " INET "]),
        (&["inet", "streem", "0"], &["'streem' for '<TYPE>'", " STREAM ", " SEQPACKET ", " NONBLOCK "]),
        (&["inet", "stream|", "0"], &["'stream|' for '<TYPE>'", " STREAM "]),
        (&["inet", "stream", "tpc"], &["'tpc' for '<PROTOCOL>'", " TCP ", " MPTCP ", " ROUTE ", " ETH_P_ "]),
        (&["inet", "stream", "99999999999"], &["'99999999999' for '<PROTOCOL>'", "a number"]),
        (&["inet", "stream"], &["<PROTOCOL>", "Usage: sockshim explain"]),
        (&["inet", "stream", "0", "0"], &["unexpected argument '0'"]),
        (&["inet", "stream", "0", "--jason"], &["'--jason'"]),
    ];
    for (args, explanations) in nonsense {
        let output = call(args);
        assert_eq!((output.status.code(), output.stdout().as_str()), (Some(2), ""), "{args:?}: {output:?}");
        let stderr = output.stderr();
        for explanation in explanations {
            assert!(stderr.contains(explanation), "{args:?}: no {explanation:?} in {stderr}");
        }
    }
}

#[test]
fn the_help_has_examples_that_work() {
    let help = explained(&["--help"]);
    let examples = help.split("Examples:\n").nth(1).expect("examples");
    let lines: Vec<&str> =
        examples.lines().map(str::trim).filter(|line| line.starts_with("sockshim ")).collect();
    assert!(lines.len() >= 3, "{help}");
    for line in lines {
        // jq(1) is not installed everywhere.
        let line = line.split(" | ").next().unwrap_or_default();
        succeeded(&shell(line), &line);
    }
}

#[test]
fn a_full_disk_is_a_failure_and_a_closed_pipe_is_none() {
    let full = shell("sockshim explain 2 1 0 >/dev/full");
    assert_eq!(full.status.code(), Some(125), "{full:?}");
    assert!(full.stderr().contains("No space left on device"), "{full:?}");
    let closed = shell(r#"sockshim explain 2 1 0 | head -n 1; echo "${PIPESTATUS[@]}""#);
    assert_eq!(closed.stdout(), "socket(AF_INET, SOCK_STREAM, 0)\n0 0\n");
}
