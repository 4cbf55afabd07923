//! Links the unwinder into the library, so that loading it does not load `libgcc_s.so.1`.
//!
//! Rust's standard library asks for `libgcc_s`, and loading that costs every start of every program more than all
//! the rest of this library (about 85 of 110 µs, measured). A linker script of that name, found first, answers
//! with the static archives instead. pthread_cancel keeps using glibc's own copy, which it loads when it needs it.

#![allow(clippy::disallowed_macros, reason = "a build script talks to cargo on stdout")]

use std::path::Path;
use std::{env, fs};

fn main() {
    let out = env::var("OUT_DIR").expect("cargo sets OUT_DIR");
    let script = Path::new(&out).join("libgcc_s.so");
    fs::write(&script, "INPUT(-lgcc_eh -lgcc)\n").expect("OUT_DIR is writable");
    println!("cargo:rustc-link-search=native={out}");
    // The log's thread and the exit handlers point into the library: dlclose must not unmap it.
    println!("cargo:rustc-cdylib-link-arg=-Wl,-z,nodelete");
    println!("cargo:rerun-if-changed=build.rs");
}
