//! `sockshim check FILE.toml`: what a file of rules means, and which of them a call meets.

use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};
use sockshim_itest::{Output, RunLevel, Scratch, command, run, workspace};

#[path = "cli/binary.rs"]
mod binary;

use binary::sockshim;

const DEADLINE: Duration = Duration::from_secs(60);

const RULES: &str = r#"
[[rule]]
name = "flaky-database"
call = "connect"
family = "inet"
remote = "10.0.0.0/8:5432"
program = "psql"
fail = "ECONNREFUSED"
when = "1..2"

[[rule]]
call = ["send", "recv"]
limit = 1
chance = 0.5
scope = "tree"

[[rule]]
call = "connect"
remote = ["10.0.0.0/8", "unix:/run/*"]
fail = "ETIMEDOUT"

[[rule]]
call = "accept"
fail = "EAGAIN"

[[rule]]
call = "resolve"
remote = "*.example.com"
fail = "EAI_AGAIN"
"#;

fn check(path: &Path, args: &[&str]) -> Output {
    run(command(RunLevel::Native, None, sockshim()).arg("check").arg(path).args(args), b"", DEADLINE)
}

fn printed(rules: &str, args: &[&str]) -> String {
    let scratch = Scratch::new();
    let output = check(&scratch.write("rules.toml", rules), args);
    assert_eq!((output.status.code(), output.stderr().as_str()), (Some(0), ""), "{output:?}");
    output.stdout()
}

#[test]
fn a_table_has_a_row_for_each_rule() {
    let text = printed(RULES, &[]);
    let words: Vec<Vec<&str>> = text.lines().skip(2).map(|line| line.split("  ").collect()).collect();
    let rows: Vec<Vec<&str>> = words
        .iter()
        .map(|row| row.iter().map(|cell| cell.trim()).filter(|cell| !cell.is_empty()).collect())
        .collect();
    let expected = [
        [
            "flaky-database",
            "connect",
            "inet remote=10.0.0.0/8:5432 program=psql",
            "fail ECONNREFUSED",
            "when 1..2",
        ],
        ["#2", "send|recv", "-", "limit 1", "chance 0.5 scope tree"],
        ["#3", "connect", "remote=10.0.0.0/8|unix:/run/*", "fail ETIMEDOUT", "-"],
        ["#4", "accept", "-", "fail EAGAIN", "-"],
        ["#5", "resolve", "remote=*.example.com", "fail EAI_AGAIN", "-"],
    ];
    assert_eq!(rows, expected, "{text}");
    assert_eq!(printed("", &[]), "no rules\n");
}

#[test]
fn json_has_the_same() {
    let value: Value = serde_json::from_str(&printed(RULES, &["--json"])).expect("JSON");
    assert_eq!(
        value["rules"][0],
        json!({
            "name": "flaky-database", "calls": ["connect"], "keys": "inet remote=10.0.0.0/8:5432 program=psql",
            "verb": "fail ECONNREFUSED", "fires": "when 1..2",
            "text": "connect inet remote=10.0.0.0/8:5432 program=psql → fail ECONNREFUSED when 1..2",
        })
    );
    assert_eq!((&value["rules"][1]["calls"], &value["warnings"]), (&json!(["send", "recv"]), &json!([])));
}

/// Each rule's name and what it says to the call, and the last line.
fn tried(call: &str) -> (Vec<(String, String)>, String) {
    let text = printed(RULES, &["--try", call]);
    let rows =
        text.lines().skip_while(|line| !line.starts_with("---")).skip(1).take_while(|line| !line.is_empty());
    let rows = rows.map(|line| {
        let mut cells = line.split("  ").map(str::trim).filter(|cell| !cell.is_empty());
        let mut cell = || cells.next().expect("a cell").to_string();
        (cell(), cell())
    });
    (rows.collect(), text.lines().last().unwrap_or_default().to_string())
}

#[test]
fn a_call_meets_a_rule_and_the_earlier_ones_say_why_not() {
    let cases: [(&str, &[&str], &str); 9] = [
        ("connect inet stream tcp 10.0.0.1:80", &["no: remote", "no: call", "yes"], "#3: fail ETIMEDOUT"),
        ("connect inet stream tcp 10.0.0.1:5432", &["no: program", "no: call", "yes"], "#3: fail ETIMEDOUT"),
        (
            "connect 10.0.0.1:5432 program=/usr/bin/psql",
            &["when 1..2", "no: call", "yes"],
            "where none before it fires, #3: fail ETIMEDOUT",
        ),
        ("connect inet6 10.9.9.9:1", &["no: family", "no: call", "yes"], "#3: fail ETIMEDOUT"),
        ("connect unix:/run/x.sock", &["no: family", "no: call", "yes"], "#3: fail ETIMEDOUT"),
        (
            "send inet dgram",
            &["no: call", "no: type", "no: call", "no: call", "no: call"],
            "the kernel decides",
        ),
        (
            "accept inet stream",
            &["no: call", "no: call", "no: call", "no: the call waits", "no: call"],
            "the kernel decides",
        ),
        ("accept inet stream nonblock", &["no: call", "no: call", "no: call", "yes"], "#4: fail EAGAIN"),
        (
            "resolve API.example.com",
            &["no: call", "no: call", "no: call", "no: call", "yes"],
            "#5: fail EAI_AGAIN",
        ),
    ];
    let names = ["flaky-database", "#2", "#3", "#4", "#5"];
    for (call, expected, last) in cases {
        let (rows, end) = tried(call);
        let expected: Vec<_> =
            names.iter().zip(expected).map(|(name, why)| (name.to_string(), why.to_string())).collect();
        assert_eq!((rows, end.as_str()), (expected, last), "{call}");
    }
}

#[test]
fn a_trial_in_json() {
    let text = printed(RULES, &["--json", "--try", "connect 10.0.0.1:5432 program=psql uid=0"]);
    let value: Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(value["call"], "connect inet stream tcp 10.0.0.1:5432 program=psql uid=0");
    assert_eq!(value["decides"], "#3");
    let rows = value["rules"].as_array().expect("rows");
    let brief: Vec<_> = rows.iter().map(|row| (&row["matches"], &row["obstacle"], &row["fires"])).collect();
    let (yes, no, null) = (json!(true), json!(false), Value::Null);
    assert_eq!(
        brief,
        [(&yes, &null, &json!("when 1..2")), (&no, &json!("call"), &null), (&yes, &null, &json!("always"))]
    );
}

/// The blocks of a page behind fences of this kind; one without a kind may also be what stands between two blocks.
fn blocks<'a>(page: &'a str, kind: &str) -> Vec<&'a str> {
    let fence = format!("\n```{kind}\n");
    page.split(fence.as_str()).skip(1).map(|rest| rest.split("```").next().unwrap_or_default()).collect()
}

#[test]
fn the_page_shows_what_is_printed() {
    let page = std::fs::read_to_string(workspace().join("docs/check.md")).expect("the page");
    let rules = blocks(&page, "toml")[0];
    let examples: Vec<&str> =
        blocks(&page, "").into_iter().filter(|block| block.contains("check rules.toml")).collect();
    assert_eq!(examples.len(), 2);
    for example in examples {
        let (line, expected) = example.split_once('\n').expect("a command line and its output");
        let call = line.split('\'').nth(1);
        let args: Vec<&str> = call.into_iter().flat_map(|call| ["--try", call]).collect();
        assert_eq!(printed(rules, &args).trim_end(), expected.trim_end(), "{line}");
    }
}

#[test]
fn what_is_probably_not_meant_is_said() {
    let scratch = Scratch::new();
    let rule = "[[rule]]\ncall = \"connect\"\nfail = \"EPERM\"\n";
    let path = scratch.write("rules.toml", rule.repeat(2));
    let output = check(&path, &[]);
    assert_eq!(output.status.code(), Some(0));
    let stderr = output.stderr();
    assert!(stderr.starts_with("sockshim: warning: ") && stderr.contains("rules.toml:4:1: "), "{stderr}");
    assert!(stderr.contains("can never fire, because rule #1 comes first"), "{stderr}");
    let value: Value = serde_json::from_str(&check(&path, &["--json"]).stdout()).expect("JSON");
    assert_eq!(value["warnings"].as_array().map(Vec::len), Some(1));
}

#[test]
fn what_cannot_be_used_is_refused() {
    let scratch = Scratch::new();
    let refused = |path: &Path, args: &[&str], code: i32| {
        let output = check(path, args);
        assert_eq!((output.status.code(), output.stdout().as_str()), (Some(code), ""), "{output:?}");
        output.stderr()
    };
    let bad = scratch.write("bad.toml", "[[rule]]\ncall = \"conect\"\nfail = \"EPERM\"\n");
    let why = refused(&bad, &[], 125);
    assert!(
        why.contains("bad.toml:2:8") && why.contains("^^^") && why.contains("did you mean connect?"),
        "{why}"
    );
    assert!(refused(&scratch.path().join("none.toml"), &[], 125).contains("No such file"));
    assert!(refused(&scratch.dir("directory.toml"), &[], 125).contains("directory"));

    let good = scratch.write("rules.toml", RULES);
    assert!(refused(&good, &["--try", "conect"], 2).contains("'conect' is no call"));
    assert!(refused(&good, &["--try", "connect nowhere"], 2).contains("'nowhere' is no word of a call"));
    refused(&good, &["/bin/sh"], 2);
    refused(Path::new("/bin/sh"), &["--try", "connect"], 2);
    assert_eq!(check(&good, &["--quiet"]).stdout(), "");
}
