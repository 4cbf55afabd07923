//! pthread_cancel of a thread in every call that can block. Cancellation unwinds the stack through the hook that made
//! the call. So it is tested with both builds of the library, and with both ways in which C programs clean up.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::Duration;

use sockshim_itest::{
    Output, RunLevel, Scratch, by_call, cc, command, events, run, shim, target_dir, workspace,
};

/// Reached only by a hang.
const DEADLINE: Duration = Duration::from_secs(120);

/// Cleanup handlers found by setjmp, and cleanup handlers found in the unwinder's tables.
const CLEANUPS: [&[&str]; 2] = [&[], &["-fexceptions"]];

/// The library of `cargo build`, without optimisation and with checks.
fn debug_shim() -> &'static Path {
    static SHIM: OnceLock<PathBuf> = OnceLock::new();
    SHIM.get_or_init(|| {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let mut build = Command::new(cargo);
        build.args(["build", "-p", "sockshim-preload", "--target-dir"]).arg(target_dir());
        let output = build.current_dir(workspace()).env_remove("LD_PRELOAD").output().expect("cargo");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        target_dir().join("debug/libsockshim.so")
    })
}

fn cancel(level: RunLevel, shim: Option<&Path>, flags: &[&str]) -> (Output, Scratch) {
    let log_dir = Scratch::new();
    let mut command = command(level, Some(log_dir.path()), cc("stress/cancel.c", flags));
    if let Some(shim) = shim {
        command.env("LD_PRELOAD", shim);
    }
    let output = run(&mut command, b"", DEADLINE);
    assert!(!output.timed_out, "hangs after:\n{}", output.stdout());
    assert!(
        output.status.success(),
        "{level:?} {flags:?}: {}\n{}\n{}",
        output.status,
        output.stderr(),
        output.stdout()
    );
    assert_eq!(output.stderr(), "", "{level:?} {flags:?}");
    (output, log_dir)
}

fn same_with(shim: &Path) {
    for flags in CLEANUPS {
        let (native, _) = cancel(RunLevel::Native, None, flags);
        for level in [RunLevel::Off, RunLevel::Call, RunLevel::Io] {
            let (output, log_dir) = cancel(level, Some(shim), flags);
            assert_eq!(output.stdout(), native.stdout(), "{level:?} {flags:?}");
            if level != RunLevel::Off {
                // The program's last calls, long after the first threads were cancelled in the middle of a call.
                let events = events(log_dir.path());
                assert_eq!(by_call(&events, "shutdown").len(), 2, "{level:?} {flags:?}");
            }
        }
    }
}

#[test]
fn every_cancellation_takes_effect() {
    let (native, _) = cancel(RunLevel::Native, None, &[]);
    let stdout = native.stdout();
    let (last, attempts) =
        stdout.lines().collect::<Vec<_>>().split_last().map(|(l, a)| (*l, a.to_vec())).unzip();
    assert_eq!(last, Some("done"));
    let attempts: Vec<&str> = attempts.unwrap_or_default();
    assert_eq!(attempts.len(), 25 * 3, "{stdout}");
    for attempt in attempts {
        assert!(attempt.contains(" cleaned up cancelled"), "{attempt}");
    }
}

#[test]
fn release_build() {
    same_with(shim());
}

#[test]
fn debug_build() {
    same_with(debug_shim());
}
