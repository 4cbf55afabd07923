//! docs/rules.md and the README's example of `sockshim run` are true: every command that they show is run, in a world of its
//! own, and prints what they show; and what they list is complete.
//!
//! A test's name is the heading that the commands stand under. What a heading's commands need beside the two servers that
//! every world has is in [`NEEDS`].

#![expect(
    clippy::print_stderr,
    clippy::disallowed_macros,
    reason = "this harness has no other way to say what it skipped"
)]

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use libtest_mimic::{Arguments, Failed, Trial};
use serde_json::Value;
use sockshim_itest::{Output, RunLevel, Scratch, command, run, workspace};

#[path = "cli/binary.rs"]
mod binary;
#[path = "recipes/compare.rs"]
mod compare;
#[path = "recipes/page.rs"]
mod page;
#[path = "recipes/world.rs"]
mod world;

use page::{Section, blocks, sections};
use world::{User, World};

/// Reached only by a hang.
const DEADLINE: Duration = Duration::from_secs(120);

const RULES: &str = "docs/rules.md";
const README: &str = "README.md";

/// What the commands under a heading need.
struct Needs {
    heading: &'static str,
    /// Who runs them.
    user: User,
    /// A file without which the kernel cannot do what they show.
    file: Option<&'static str>,
}

const NEEDS: [Needs; 2] = [
    Needs { heading: "Port 80 without root", user: User::Nobody, file: None },
    Needs {
        heading: "MPTCP, where the kernel has it",
        user: User::Root,
        file: Some("/proc/sys/net/mptcp/enabled"),
    },
];

fn main() {
    let arguments = Arguments::from_args();
    let of_rules = sections(&text(RULES));
    let mut readme = sections(&text(README));
    for section in &mut readme {
        // Other examples are run by the tests docs and explain.
        section.steps.retain(|step| step.command.contains("sockshim run "));
    }
    assert!(readme.iter().any(|section| !section.steps.is_empty()), "{README} has no example");
    let with_commands = of_rules.iter().filter(|section| !section.steps.is_empty()).count();
    assert!(with_commands >= 10, "{RULES} has few commands");
    for Needs { heading, .. } in NEEDS {
        let is_there = of_rules.iter().any(|section| section.heading == heading);
        assert!(is_there, "{RULES} has no heading {heading}");
    }
    let with_steps = of_rules.into_iter().chain(readme).filter(|section| !section.steps.is_empty());
    let mut trials: Vec<Trial> = with_steps
        .map(|section| Trial::test(section.heading.replace(' ', "_"), move || is_true(&section)))
        .collect();
    trials.push(Trial::test("differences_are_noticed", differences_are_noticed));
    trials.push(Trial::test("rules_are_understood", rules_are_understood));
    trials.push(Trial::test("every_option_is_listed", every_option_is_listed));
    trials.push(Trial::test("every_field_of_the_report_is_listed", every_field_of_the_report_is_listed));
    libtest_mimic::run(&arguments, trials).exit();
}

fn text(path: &str) -> String {
    fs::read_to_string(workspace().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Every command prints what the page shows.
fn is_true(section: &Section) -> Result<(), Failed> {
    let needs = NEEDS.iter().find(|needs| needs.heading == section.heading);
    if let Some(file) = needs.and_then(|needs| needs.file)
        && !Path::new(file).exists()
    {
        eprintln!("{:?} is skipped: this kernel has no {file}", section.heading);
        return Ok(());
    }
    let world = World::new(needs.map_or(User::Root, |needs| needs.user));
    let printed = world.run(section);
    let different: Vec<String> = section
        .steps
        .iter()
        .zip(&printed)
        .filter(|(step, printed)| !compare::is_as_shown(&step.shown, printed))
        .map(|(step, printed)| {
            format!(
                "$ {}\nprints\n{}\nand the page shows\n{}\n",
                step.command,
                printed.join("\n"),
                step.shown.join("\n")
            )
        })
        .collect();
    if different.is_empty() { Ok(()) } else { Err(different.join("\n").into()) }
}

/// What is no difference, and what is one.
fn differences_are_noticed() -> Result<(), Failed> {
    let page =
        "## A\n```\n$ one\n> two\nit: after 0 ms: x\n…\nz\n$ three\n```\n## B\n```toml\n# a.toml\n```\n";
    let sections = sections(page);
    let [one, three] = &sections[1].steps[..] else { return Err("two commands".into()) };
    assert_eq!((one.command.as_str(), three.command.as_str()), ("one\ntwo", "three"));
    assert_eq!((&sections[1].files, &sections[2].files[0].0), (&Vec::new(), &"a.toml".to_string()));
    let is_as_shown = |shown: &[String], printed: &str| {
        compare::is_as_shown(shown, &printed.lines().map(String::from).collect::<Vec<_>>())
    };
    for (printed, expected) in [
        ("it: after 0 ms: x\nz", true),
        ("it: after 17 ms: x\ny\ny\nz", true),
        ("it: after 17 ms: y\nz", false),
        ("it: after 0 ms: x\nz\ny", false),
        ("", false),
    ] {
        assert_eq!(is_as_shown(&one.shown, printed), expected, "{printed}");
    }
    assert!(is_as_shown(&three.shown, "") && !is_as_shown(&three.shown, "x"));
    let shown = ["10:00:00.000001 a[7] f(3) = … (rule:x)".to_string()];
    assert!(is_as_shown(&shown, "23:59:59.999999 a[12345] f(3) = 4 (rule:x)"));
    for other in ["b[7] f(3) = 4 (rule:x)", "a[7] f(4) = 4 (rule:x)", "a[7] f(3) = 4 (rule:y)"] {
        assert!(!is_as_shown(&shown, &format!("10:00:00.000001 {other}")), "{other}");
    }
    Ok(())
}

fn sockshim(args: &[&str], directory: &Path) -> Output {
    let mut sockshim = command(RunLevel::Native, None, binary::sockshim());
    run(sockshim.args(args).current_dir(directory), b"", DEADLINE)
}

/// `sockshim check` has nothing to say against the rules of any page, whether they are a file of a recipe's or not.
fn rules_are_understood() -> Result<(), Failed> {
    let mut count = 0;
    for path in [RULES, "docs/check.md"] {
        for block in blocks(&text(path)).filter(|block| block.kind == "toml") {
            count += 1;
            let scratch = Scratch::new();
            scratch.write("rules.toml", &block.text);
            let output = sockshim(&["check", "rules.toml"], scratch.path());
            if output.status.code() != Some(0) || !output.stderr.is_empty() {
                return Err(format!("{path}:\n{}\n{}{}", block.text, output.stdout(), output.stderr()).into());
            }
        }
    }
    assert!(count >= 3, "{count} blocks");
    Ok(())
}

/// The first words in code of the rows of a section's tables.
fn first_cells(text: &str, heading: &str) -> Vec<String> {
    let sections = sections(text);
    let section = sections.iter().find(|section| section.heading == heading);
    let prose = &section.unwrap_or_else(|| panic!("{RULES} has no heading {heading}")).prose;
    let cells = prose.iter().filter_map(|line| Some(line.strip_prefix("| `")?.split_once('`')?.0));
    cells.map(String::from).collect()
}

/// The names of the options in the tables are those of the help, but for the log's.
fn every_option_is_listed() -> Result<(), Failed> {
    let help = sockshim(&["run", "--help"], workspace()).stdout();
    let options = help.lines().filter_map(|line| line.trim().strip_prefix("--"));
    let name = |line: &str| line.split([' ', '[', '=']).next().unwrap_or_default().to_string();
    let mut wanted: Vec<String> =
        options.map(name).filter(|name| !name.starts_with("log") && name != "config").collect();
    let tables = [
        (RULES, "Options"),
        (RULES, "The report"),
        ("docs/can.md", "Buses"),
        ("docs/modules.md", "An example"),
    ];
    let mut listed: Vec<String> = tables
        .iter()
        .flat_map(|(page, heading)| first_cells(&text(page), heading))
        .filter_map(|cell| cell.strip_prefix("--").map(name))
        .collect();
    listed.dedup();
    wanted.sort();
    listed.sort();
    assert!(wanted.len() >= 10, "{help}");
    if wanted == listed { Ok(()) } else { Err(format!("listed {listed:?} of {wanted:?}").into()) }
}

/// Every key of a report is listed.
fn every_field_of_the_report_is_listed() -> Result<(), Failed> {
    let scratch = Scratch::new();
    let args = ["run", "--fail=connect=EPERM", "--report=report.json", "--", "python3", "-c"];
    let script = "import socket; socket.socket().connect_ex(('127.0.0.1', 9))";
    sockshim(&[&args[..], &[script]].concat(), scratch.path());
    let report = fs::read_to_string(scratch.path().join("report.json"))?;
    let report: Value = serde_json::from_str(&report)?;
    let rule = &report["rules"][0];
    let mut wanted: Vec<&String> = [&report, rule, &rule["first"]]
        .into_iter()
        .flat_map(|object| object.as_object().expect("an object").keys())
        .collect();
    wanted.sort();
    wanted.dedup();
    let text = text(RULES);
    let sections = sections(&text);
    let section = sections.iter().find(|section| section.heading == "The report").expect("a heading");
    let prose = section.prose.join("\n");
    let missing: Vec<_> = wanted.iter().filter(|key| !prose.contains(&format!("`{key}`"))).collect();
    assert!(wanted.len() >= 14, "{report}");
    if missing.is_empty() { Ok(()) } else { Err(format!("{missing:?} are not listed").into()) }
}

/// A command that a world runs, with nothing of this process's environment.
fn bare(program: &str) -> Command {
    let mut command = Command::new(program);
    command.env_clear();
    command
}
