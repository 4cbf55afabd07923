//! Binds libc's newer symbols to versions that an old one has, too.

#![allow(clippy::disallowed_macros, reason = "a build script talks to cargo on stdout")]

/// The directory of sockshim-oldlibc.
const OLDLIBC: &str = "../../oldlibc";

include!("../../oldlibc/link.rs");

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    bind_to_old_libc();
}
