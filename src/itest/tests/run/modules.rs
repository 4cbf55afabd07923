//! `--can`, `--can-bus` and `--module`.

use super::*;
use std::path::Path;

use serde_json::{Value, json};
use sockshim_itest::{cc, workspace};

/// What is said, with exit code 125.
fn refused(arguments: &[&str]) -> String {
    let mut command = sockshim_run();
    let output = run(command.args(arguments).args(["--", "true"]), b"", DEADLINE);
    assert_eq!(output.status.code(), Some(125), "{arguments:?}: {output:?}");
    output.stderr()
}

#[test]
fn a_program_and_what_it_starts_share_a_bus() {
    let scratch = Scratch::new();
    let bus = scratch.path().join("bus");
    let mut command = sockshim_run();
    command.args(["--can", "vcan0,vcan1:mtu=16", "--can-bus"]).arg(&bus).arg("--");
    let output = run(command.arg(cc("modules/can_members.c", &[])), b"", DEADLINE);
    assert_eq!((output.stdout().as_str(), output.stderr().as_str()), ("20 of 20 were not disturbed\n", ""));
    assert!(output.status.success() && bus.join("bus").is_file());
    // Once it is there, an interface has the MTU that it has.
    let bus = bus.to_str().expect("UTF-8");
    let said = refused(&["--can", "vcan1:mtu=72", "--can-bus", bus]);
    assert!(said.contains("vcan1 is on the CAN bus") && said.contains("an MTU of 16"), "{said}");
}

#[test]
fn what_is_no_bus_is_said() {
    let scratch = Scratch::new();
    let file = scratch.write("file", "");
    let file = file.to_str().expect("UTF-8");
    for (arguments, expected) in [
        (&["--can", ""][..], "'' is not the name of an interface"),
        (&["--can", "a/b"], "'a/b' is not the name"),
        (&["--can", "vcan0:mtu=17"], "'17' is not an MTU"),
        (&["--can", "vcan0:speed=1"], "'speed=1' is not an option"),
        (&["--can", "vcan0", "--can-bus", file], "Not a directory"),
        (&["--can", "vcan0", "--can-bus", "/no/such/directory"], "No such file"),
    ] {
        let said = refused(arguments);
        assert!(said.contains(expected) && said.lines().count() == 1, "{arguments:?}: {said}");
    }
}

#[test]
fn what_is_no_module_is_said() {
    for (module, expected) in [
        ("/no/such/file", "No such file"),
        ("/etc/passwd", "no shared library"),
        ("/lib/x86_64-linux-gnu/libc.so.6", "no module of sockshim's"),
        ("net-pf-64=/etc/passwd", "a family is a number below 64"),
        ("net-pf-x=/etc/passwd", "a family is a number below 64"),
    ] {
        let said = refused(&["--module", module]);
        assert!(said.contains(expected) && said.lines().count() == 1, "{module}: {said}");
    }
}

#[test]
fn a_module_is_loaded_from_whatever_directory() {
    let scratch = Scratch::new();
    let source = sockshim_itest::workspace().join("src/module/examples/echo.c");
    let include = sockshim_itest::workspace().join("src/module/include");
    let mut compiler = Command::new("cc");
    compiler.args(["-shared", "-fPIC", "-I"]).arg(include).arg("-o").arg(scratch.path().join("echo.so"));
    assert!(compiler.arg(source).status().expect("a compiler").success());
    for module in ["net-pf-62=echo.so", "./echo.so"] {
        let mut command = sockshim_run();
        command.current_dir(scratch.path()).args(["--module", module, "--"]);
        let output = run(
            command.args(["sh", "-c", "cd / && exec \"$0\""]).arg(cc("modules/echo.c", &[])),
            b"",
            DEADLINE,
        );
        assert!(output.stdout().contains("made: family 62, type 2, protocol 0"), "{module}: {output:?}");
    }
}

#[test]
fn a_rule_file_names_modules() {
    let scratch = Scratch::new();
    scratch.write("rules.toml", "[[module]]\nfamily = 62\nfile = 'missing.so'\n");
    let path = scratch.path().join("rules.toml");
    let path = path.to_str().expect("UTF-8");
    let said = refused(&["--config", path]);
    let expected = format!("sockshim: {path}: module missing.so: No such file or directory\n");
    assert_eq!(said, expected);
    echo(scratch.path(), "missing.so");
    let mut command = sockshim_run();
    command.args(["--config", path, "--"]).arg(cc("modules/echo.c", &[]));
    let output = run(&mut command, b"", DEADLINE);
    assert!(output.status.success() && output.stdout().contains("made: family 62"), "{output:?}");
}

/// Compiles the example.
fn echo(directory: &Path, name: &str) {
    let module = workspace().join("src/module");
    let mut cc = Command::new("cc");
    cc.args(["-shared", "-fPIC", "-I"]).arg(module.join("include")).arg("-o").arg(directory.join(name));
    let compiled = cc.arg(module.join("examples/echo.c")).status().expect("a compiler");
    assert!(compiled.success());
}

#[test]
fn modules_are_listed_with_what_they_register() {
    let scratch = Scratch::new();
    echo(scratch.path(), "echo.so");
    scratch.write("rules.toml", "[[module]]\nfile = 'echo.so'\n");
    let crash = scratch.write(
        "crash.c",
        "#include \"sockshim/module.h\"\nstatic int init(void) { __builtin_trap(); }\nmodule_init(init)\n",
    );
    let mut cc = Command::new("cc");
    cc.args(["-shared", "-fPIC", "-I"]).arg(workspace().join("src/module/include"));
    assert!(
        cc.arg("-o").arg(scratch.path().join("crash.so")).arg(crash).status().expect("a compiler").success()
    );
    let mut list = Command::new(sockshim());
    list.args(["modules", "--json", "net-pf-7=./crash.so", "/etc/passwd"]).current_dir(scratch.path());
    list.env("SOCKSHIM_MODULES", "net-pf-62=./echo.so").env("SOCKSHIM_CONFIG", "rules.toml");
    let output = run(&mut list, b"", DEADLINE);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let rows: Value = serde_json::from_str(&output.stdout()).expect("JSON");
    let row = |number: usize| {
        let row = &rows[number];
        let registers = &row["registers"];
        (row["family"].as_u64(), registers["families"].clone(), row["error"].as_str().map(str::to_owned))
    };
    assert_eq!(row(0), (Some(29), json!([29]), None));
    assert_eq!(row(1), (Some(62), json!([62]), None));
    assert_eq!(row(2), (None, json!([62]), None));
    assert_eq!((row(3).0, row(4).0), (Some(7), None));
    assert!(row(3).2.is_some_and(|error| error.contains("killed by signal")), "{rows}");
    assert!(row(4).2.is_some_and(|error| error.contains("no shared library")), "{rows}");
    assert_eq!(rows.as_array().map(Vec::len), Some(5));
}
