//! Everything that `docs/compatibility.md` names exists: tests, files, suites, commands, variables and links. So the
//! page cannot become outdated unnoticed.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use sockshim_itest::workspace;

#[path = "cli/binary.rs"]
mod binary;

fn table() -> String {
    fs::read_to_string(workspace().join("docs/compatibility.md")).expect("docs/compatibility.md")
}

/// The texts between backquotes.
fn quoted(text: &str) -> Vec<&str> {
    text.split('`').skip(1).step_by(2).collect()
}

/// Those of them that name a test, or a file by its path.
fn named(text: &str) -> Vec<&str> {
    let is_path = |name: &str| {
        name.split_once('/')
            .is_some_and(|(folder, _)| !folder.is_empty() && workspace().join(folder).is_dir())
    };
    quoted(text).into_iter().filter(|name| name.contains("::") || is_path(name)).collect()
}

/// Whether a test exists: a function with the attribute in the file of its test binary, or of a module of it.
fn exists(name: &str) -> bool {
    let tests = workspace().join("src/itest/tests");
    let Some((file, function)) = name.rsplit_once("::") else { return workspace().join(name).is_file() };
    let path: PathBuf = tests.join(file.replace("::", "/") + ".rs");
    let text = fs::read_to_string(path).unwrap_or_default();
    let mut lines = text.lines().map(str::trim);
    let is_function = |line: &str| line.starts_with(&format!("fn {function}()"));
    while let Some(line) = lines.next() {
        if line == "#[test]" && lines.by_ref().find(|line| line.starts_with("fn ")).is_some_and(is_function) {
            return true;
        }
    }
    false
}

#[test]
fn every_named_test_and_file_exists() {
    let text = table();
    let named = named(&text);
    assert!(named.len() > 50, "{named:?}");
    let missing: Vec<&&str> = named.iter().filter(|name| !exists(name)).collect();
    assert!(missing.is_empty(), "docs/compatibility.md names what is not there: {missing:?}");
}

#[test]
fn a_name_of_nothing_is_noticed() {
    assert!(exists("compatibility::every_named_test_and_file_exists") && exists("scripts/check.sh"));
    for name in
        ["compatibility::exists", "compatibility::no_such_test", "nothing::at_all", "scripts/nothing.sh"]
    {
        assert!(!exists(name), "{name}");
    }
    assert_eq!(named("`scripts/a.sh` `b::c` `a/b` `io`"), ["scripts/a.sh", "b::c"]);
}

/// Each subcommand and variable that the page names exists.
#[test]
fn every_named_command_and_variable_exists() {
    let text = table();
    let help = Command::new(binary::sockshim()).arg("--help").output().expect("sockshim");
    let help = String::from_utf8(help.stdout).expect("text");
    let offered: Vec<&str> = help.lines().filter_map(|line| line.split_whitespace().next()).collect();
    let words = quoted(&text).into_iter().filter_map(|name| {
        let (first, rest) = name.split_once([' ', '=']).unwrap_or((name, ""));
        match first {
            "sockshim" if !rest.is_empty() => rest.split(' ').next(),
            _ => first.starts_with("SOCKSHIM_").then_some(first),
        }
    });
    let words: Vec<&str> = words.collect();
    assert!(words.contains(&"check") && words.contains(&"SOCKSHIM_PROPAGATE"), "{words:?}");
    let unknown: Vec<&&str> = words.iter().filter(|word| !offered.contains(word)).collect();
    assert!(unknown.is_empty(), "docs/compatibility.md names what sockshim --help does not: {unknown:?}");
}

/// Each suite in the table of results is a suite of scripts/suites.sh.
#[test]
fn every_named_suite_exists() {
    let text = table();
    let results = text.lines().filter(|line| line.matches('|').count() == 12);
    let suites: Vec<&str> = results.filter_map(|line| line.split('|').nth(1)).map(str::trim).collect();
    let suites = suites.get(2..).expect("a header and a line below it");
    assert!(suites.len() > 20, "{suites:?}");
    for suite in suites {
        let (folder, name) = suite.rsplit_once('/').unwrap_or(("", suite));
        let folder = workspace().join("scripts/suites").join(folder);
        let files = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{suite}: {error}"));
        let mut files = files.map(|entry| entry.expect("an entry").path());
        // A file of its own, or one of several suites that a file names.
        let is_there = |path: PathBuf| {
            path.file_stem().is_some_and(|stem| stem == name)
                || fs::read_to_string(path).is_ok_and(|text| text.contains(&format!("\"{name}\"")))
        };
        assert!(files.any(is_there), "{suite}: nothing in {} is called that", folder.display());
    }
}

/// Each link leads to a file and, if it has an anchor, to a heading in it.
#[test]
fn every_link_leads_somewhere() {
    let text = table();
    let docs = workspace().join("docs");
    for link in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
        let (file, heading) = link.split_once('#').unwrap_or((link, ""));
        let path = if file.is_empty() { docs.join("compatibility.md") } else { docs.join(file) };
        let target = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{link}: {error}"));
        let mut anchors = target.lines().filter(|line| line.starts_with('#')).map(anchor);
        assert!(heading.is_empty() || anchors.any(|anchor| anchor == heading), "{link}: no such heading");
    }
}

/// The anchor of a heading: lower case, with a dash for each blank.
fn anchor(heading: &str) -> String {
    let kept = heading.trim_start_matches('#').trim().to_lowercase();
    let kept = kept.chars().filter(|char| char.is_alphanumeric() || matches!(char, ' ' | '-' | '_'));
    kept.map(|char| if char == ' ' { '-' } else { char }).collect()
}

/// All 25 problems in order, each with an answer and at least one test.
#[test]
fn no_problem_is_left_out() {
    let text = table();
    let rows = text.lines().filter_map(|line| {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        let number = cells.get(1)?.parse::<usize>().ok()?;
        (cells.len() == 6).then(|| (number, cells[3].to_string(), named(line).len()))
    });
    let rows: Vec<_> = rows.collect();
    assert_eq!(rows.iter().map(|(number, ..)| *number).collect::<Vec<_>>(), (1..=25).collect::<Vec<_>>());
    for (number, answer, tests) in rows {
        assert!(!answer.is_empty() && tests > 0, "problem {number}");
    }
}
