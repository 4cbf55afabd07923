//! The library is safe at any moment: before and after its own life, inside an allocator and a signal handler,
//! without memory, descriptors or system calls, and beside other libraries. Programs do the same natively and under
//! the shim.

#[path = "moments/allocators.rs"]
mod allocators;
#[path = "moments/children.rs"]
mod children;
#[path = "moments/limits.rs"]
mod limits;
#[path = "moments/loading.rs"]
mod loading;
#[path = "moments/sandbox.rs"]
mod sandbox;
#[path = "moments/server.rs"]
mod server;
#[path = "moments/signals.rs"]
mod signals;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use serde_json::Value;
use sockshim_itest::{Output, RunLevel, Scratch, cc, command, events, run, shim};

/// Long enough for a busy machine; reached only by a hang.
const DEADLINE: Duration = Duration::from_secs(120);

/// A program of `c-tests/moments`.
fn program(name: &str, flags: &[&str]) -> PathBuf {
    cc(&format!("moments/{name}.c"), flags)
}

/// A library compiled from a source of `c-tests/moments`.
fn library(name: &str, flags: &[&str]) -> PathBuf {
    program(name, &[&["-shared", "-fPIC"], flags].concat())
}

/// Sets `LD_PRELOAD`: these libraries, with the shim between them unless the level is native.
fn preload(command: &mut Command, level: RunLevel, before: &[&Path], after: &[&Path]) {
    let own = (level != RunLevel::Native).then(|| shim());
    let mut list = OsString::new();
    for path in before.iter().copied().chain(own).chain(after.iter().copied()) {
        if !list.is_empty() {
            list.push(":");
        }
        list.push(path);
    }
    command.env("LD_PRELOAD", list);
}

/// Runs a command, which must end before the deadline.
fn ended(command: &mut Command) -> Output {
    let output = run(command, b"", DEADLINE);
    assert!(!output.timed_out, "{command:?} hangs: {output:?}");
    output
}

/// Runs a program natively and at every level, each time prepared by `prepare`. It must print the same, end the same,
/// and write nothing to stderr. Returns the native output and the log of level io.
fn same(program: &Path, prepare: impl Fn(&mut Command, RunLevel)) -> (Output, Vec<Value>) {
    let mut native = command(RunLevel::Native, None, program);
    prepare(&mut native, RunLevel::Native);
    let native = ended(&mut native);
    assert_eq!(native.stderr(), "", "{program:?} natively: {native:?}");
    let mut log = Vec::new();
    for level in [RunLevel::Off, RunLevel::Call, RunLevel::Io] {
        let log_dir = Scratch::new();
        let mut shimmed = command(level, Some(log_dir.path()), program);
        prepare(&mut shimmed, level);
        let output = ended(&mut shimmed);
        assert_eq!(output.stdout(), native.stdout(), "{shimmed:?}");
        assert_eq!(output.status, native.status, "{shimmed:?}");
        assert_eq!(output.stderr(), "", "{shimmed:?}");
        log = events(log_dir.path());
    }
    (native, log)
}

fn is_root() -> bool {
    // SAFETY: geteuid() has no preconditions.
    unsafe { libc::geteuid() == 0 }
}
