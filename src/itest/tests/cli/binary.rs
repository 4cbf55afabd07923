//! The command's release build.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use sockshim_itest::{target_dir, workspace};

/// The absolute path of the release build of `sockshim`, which is built once per process if it is not up to date.
pub fn sockshim() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let mut build = Command::new(cargo);
        build.args(["build", "--release", "-p", "sockshim-cli", "--target-dir"]).arg(target_dir());
        let output = build.current_dir(workspace()).env_remove("LD_PRELOAD").output();
        let output = output.unwrap_or_else(|error| panic!("{build:?}: {error}"));
        assert!(output.status.success(), "{build:?} failed:\n{}", String::from_utf8_lossy(&output.stderr));
        target_dir().join("release/sockshim")
    })
}
