//! Says which commit the command is made of: `SOCKSHIM_VERSION`, such as `0.1.0 (0f0278f)`. For `cargo install`, which installs
//! no libraries, builds those that the command then carries in itself.

#![allow(clippy::disallowed_macros, reason = "a build script talks to cargo on stdout")]

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

/// The variable that names the commit for whoever builds without the repository, or knows better.
const COMMIT: &str = "SOCKSHIM_COMMIT";
/// The variable that makes the command carry the libraries if it is 1. `.cargo/config.toml` beside this file sets it:
/// `cargo install --path` reads that, and a build from the workspace's directory, which makes the libraries anyway, does not.
const SELF_CONTAINED: &str = "SOCKSHIM_SELF_CONTAINED";

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-env-changed={COMMIT}");
    let version = env::var("CARGO_PKG_VERSION").expect("cargo sets it");
    let commit = env::var(COMMIT).ok().or_else(described).filter(|commit| !commit.is_empty());
    let version = commit.map_or(version.clone(), |commit| format!("{version} ({commit})"));
    println!("cargo:rustc-env=SOCKSHIM_VERSION={version}");
    bind_to_old_libc();
    println!("cargo:rerun-if-env-changed={SELF_CONTAINED}");
    println!("cargo:rustc-check-cfg=cfg(self_contained)");
    if env::var_os(SELF_CONTAINED).is_some_and(|value| value == "1") || is_checkout() {
        println!("cargo:rustc-cfg=self_contained");
        build_libraries();
    }
}

/// The directory of sockshim-oldlibc.
const OLDLIBC: &str = "../oldlibc";

include!("../oldlibc/link.rs");

/// Whether the sources are a checkout of cargo's own, as they are for `cargo install --git`, which reads no configuration there.
fn is_checkout() -> bool {
    env::var("CARGO_MANIFEST_DIR").is_ok_and(|directory| directory.contains("/git/checkouts/"))
}

/// Where the sources are that the libraries are made of, and how they are built.
const SOURCES: [&str; 12] = [
    "src/module",
    "src/kmod",
    "src/can",
    "src/preload",
    "src/rulefile",
    "src/core",
    "src/elf",
    "src/host",
    "src/sys",
    "Cargo.toml",
    "Cargo.lock",
    ".cargo/config.toml",
];

/// Builds the libraries as they are released, whatever the command is built as: in a directory of their own, because cargo has
/// locked the one that it is building in.
fn build_libraries() {
    let root = Path::new(&env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets it")).join("../..");
    for source in SOURCES {
        println!("cargo:rerun-if-changed={}", root.join(source).display());
    }
    let out = env::var_os("OUT_DIR").expect("cargo sets it");
    let mut build = Command::new(env::var_os("CARGO").expect("cargo sets it"));
    build.args(["build", "--release", "--locked"]);
    for package in ["preload", "rulefile", "kmod", "can", "can-engine"] {
        build.arg("-p").arg(format!("sockshim-{package}"));
    }
    build.arg("--target-dir").arg(Path::new(&out).join("libraries")).current_dir(root);
    // What cargo has made of its configuration for this crate; it reads it again for those.
    build.env_remove("CARGO_ENCODED_RUSTFLAGS").env_remove("CARGO_BUILD_TARGET");
    let status = build.status().unwrap_or_else(|error| panic!("{build:?}: {error}"));
    assert!(status.success(), "{build:?}: {status}");
}

/// The commit as git describes it; none without git, and in a tarball, even in one unpacked within somebody else's repository.
fn described() -> Option<String> {
    let manifest = env::var_os("CARGO_MANIFEST_DIR")?;
    let root = fs::canonicalize(Path::new(&manifest).join("../..")).ok()?;
    let top = fs::canonicalize(git(&["rev-parse", "--show-toplevel"])?).ok()?;
    if top != root {
        return None;
    }
    watch();
    git(&["describe", "--always", "--dirty"])
}

/// A new commit is a new description. HEAD changes when another branch is taken, and its log and the branch's file with each
/// commit. A file that is not there must not be named, because cargo would take it for changed with every build.
fn watch() {
    let branch = git(&["symbolic-ref", "--quiet", "HEAD"]);
    for name in ["HEAD", "logs/HEAD"].into_iter().chain(branch.as_deref()) {
        let Some(path) = git(&["rev-parse", "--git-path", name]).map(PathBuf::from) else { continue };
        if path.exists() {
            println!("cargo:rerun-if-changed={}", path.display());
        }
    }
}

/// What git prints, in the directory of this package.
fn git(args: &[&str]) -> Option<String> {
    let output = Command::new("git").args(args).output().ok()?;
    let text = String::from_utf8(output.stdout).ok().filter(|_| output.status.success())?;
    Some(text.trim_end().to_owned())
}
