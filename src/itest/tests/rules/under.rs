//! Prepares programs that run under rules, in a network of their own, where every port is free.

use sockshim_itest::{Scratch, cc, shim};
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

/// How a program is run.
#[derive(Default)]
pub struct Setting<'a> {
    /// The rules, as a file; `None` for a run without the library. `$` stands for the directory `run` of the scratch.
    pub rules: Option<&'a str>,
    /// Whether data calls are logged, to the directory `log` of the scratch.
    pub logs: bool,
    /// Arguments of strace, which then writes to the file `strace` of the scratch.
    pub strace: Option<&'a [&'a str]>,
    /// More variables.
    pub variables: &'a [(&'a str, &'a str)],
}

/// A command for the program, to which its arguments are to be added.
pub fn under(scratch: &Scratch, setting: &Setting, program: &Path) -> Command {
    let mut command = Command::new(cc("rules/network.c", &[]));
    for (name, _) in std::env::vars_os() {
        if name.as_encoded_bytes().starts_with(b"SOCKSHIM_") || name == "LD_PRELOAD" {
            command.env_remove(name);
        }
    }
    let path = |path: &Path| path.display().to_string();
    let mut variables = Vec::new();
    if let Some(rules) = setting.rules {
        let file = scratch.write("rules.toml", rules.replace('$', &path(&scratch.path().join("run"))));
        variables.push(format!("SOCKSHIM_CONFIG={}", path(&file)));
        variables.push(format!("LD_PRELOAD={}", path(shim())));
    }
    if setting.logs {
        let log = scratch.dir("log");
        // Also for who has changed its user.
        fs::set_permissions(&log, Permissions::from_mode(0o777)).expect("the log's directory");
        variables.push(format!("SOCKSHIM_LOG_FILE={}/%p.jsonl", path(&log)));
        variables.extend(["SOCKSHIM_LOG_FORMAT=json", "SOCKSHIM_LOG=io"].map(String::from));
    }
    variables.extend(setting.variables.iter().map(|(name, value)| format!("{name}={value}")));
    match setting.strace {
        None => command.args(variables),
        Some(arguments) => {
            command.args(["strace", "-o"]).arg(scratch.path().join("strace")).args(arguments);
            command.args(variables.iter().flat_map(|variable| ["-E", variable]))
        }
    };
    command.arg(program);
    command
}
