//! The cost of hooked calls, counted exactly by callgrind: `bench/instructions` measures, and its `limits.toml` has
//! the limits. These tests enforce them, and show that a limit can be exceeded and that no call is left out.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use serde_json::Value;
use sockshim_itest::{Output, Scratch, run, shim, workspace};

#[path = "cli/binary.rs"]
mod binary;

const DEADLINE: Duration = Duration::from_secs(300);

fn measure(limits: &Path, json: &Path) -> Output {
    let mut python = Command::new("python3");
    python.args(["-m", "bench.instructions.measure", "--limits"]).arg(limits).arg("--json").arg(json);
    python.current_dir(workspace()).env("SOCKSHIM_SO", shim()).env("PYTHONDONTWRITEBYTECODE", "1");
    run(python.env_remove("LD_PRELOAD"), b"", DEADLINE)
}

#[test]
fn no_call_exceeds_its_limit_and_every_data_call_is_counted() {
    let scratch = Scratch::new();
    let json = scratch.path().join("counts.json");
    let output = measure(&workspace().join("bench/instructions/limits.toml"), &json);
    assert!(output.status.success(), "{}{}", output.stdout(), output.stderr());

    let rows: Vec<Value> = serde_json::from_slice(&fs::read(json).expect("the counts")).expect("JSON");
    let counted: BTreeSet<&str> = rows.iter().filter_map(|row| row["name"].as_str()).collect();
    let hooks = run(Command::new(binary::sockshim()).args(["hooks", "--json"]), b"", DEADLINE);
    let hooks: Vec<Value> = serde_json::from_slice(&hooks.stdout).expect("sockshim hooks --json");
    let data = hooks.iter().filter(|hook| hook["level"] == "io").filter_map(|hook| hook["name"].as_str());
    let missing: Vec<&str> = data.filter(|name| !counted.contains(name)).collect();
    assert!(missing.is_empty(), "bench/instructions/driver.c does not make these calls: {missing:?}");
    assert!(counted.contains("send") && counted.contains("socket"), "{counted:?}");
}

#[test]
fn the_statistics_of_the_benchmarks_hold() {
    let mut python = Command::new("python3");
    python
        .args(["-m", "unittest", "bench.lib.test_pairs", "bench.lib.test_runs", "bench.profile.test_measure"])
        .env("PYTHONDONTWRITEBYTECODE", "1");
    let output = run(python.current_dir(workspace()).env_remove("LD_PRELOAD"), b"", DEADLINE);
    assert!(output.status.success(), "{}", output.stderr());
    assert!(output.stderr().contains("Ran 13 tests"), "{}", output.stderr());
}

#[test]
fn a_limit_that_is_too_low_fails() {
    let scratch = Scratch::new();
    let columns = "{ off = 0, decision = 10000, call = 10000, io = 10000, rules = 10000, syscalls = 10 }";
    let class = |name| format!("[classes.{name}]\nuntracked = {columns}\ntracked = {columns}\n");
    let limits = scratch.write("limits.toml", ["data", "ready", "control"].map(class).concat());
    let output = measure(&limits, &scratch.path().join("counts.json"));
    assert_eq!(output.status.code(), Some(1), "{}{}", output.stdout(), output.stderr());
    assert!(
        output.stdout().contains("send on tracked descriptors, instructions, level off: "),
        "{}",
        output.stdout()
    );
}
