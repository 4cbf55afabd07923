//! What `docs/compatibility.md` names as a test exists, so that the table cannot outlive what it stands for.

use std::fs;
use std::path::PathBuf;

use sockshim_itest::workspace;

fn table() -> String {
    fs::read_to_string(workspace().join("docs/compatibility.md")).expect("docs/compatibility.md")
}

/// What stands between backquotes and is a test, a script or a C program.
fn named(text: &str) -> Vec<&str> {
    let quoted = text.split('`').skip(1).step_by(2);
    quoted
        .filter(|name| name.contains("::") || name.starts_with("scripts/") || name.starts_with("c-tests/"))
        .collect()
}

/// A test is a function with that attribute in the file of its test binary, or of its module.
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
fn every_named_test_exists() {
    let text = table();
    let named = named(&text);
    assert!(named.len() > 50, "{named:?}");
    let missing: Vec<&&str> = named.iter().filter(|name| !exists(name)).collect();
    assert!(missing.is_empty(), "docs/compatibility.md names what is not there: {missing:?}");
}

#[test]
fn a_name_of_nothing_is_noticed() {
    assert!(exists("compatibility::every_named_test_exists") && exists("scripts/check.sh"));
    for name in
        ["compatibility::exists", "compatibility::no_such_test", "nothing::at_all", "scripts/nothing.sh"]
    {
        assert!(!exists(name), "{name}");
    }
}

/// All 25 problems, in order, each with an answer and at least one test.
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
