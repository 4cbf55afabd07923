//! How the library is linked: the unwinder inside; Rust's report of a panic, and the start files, outside.
//!
//! **The unwinder.** Rust's standard library asks for `libgcc_s`, and loading that costs every start of every program
//! more than all the rest of this library (about 85 of 110 µs, measured). A linker script of that name, found first,
//! answers with the static archives instead. pthread_cancel keeps using glibc's own copy, which it loads when it needs
//! it.
//!
//! **The report.** A panic here is caught and told in the log; nobody ever sees the standard library's message and
//! backtrace, but the code that makes them (a reader of debug information, an inflater, a demangler) would be a third
//! of the file. It is reached through two symbols of the compiler's, `rust_begin_unwind` and
//! `__rust_alloc_error_handler`. The linker's `--wrap` leads both to `panic.rs`, which begins to unwind at once, and
//! then nothing refers to that code any more. It works where the standard library is linked as it is, so there is no
//! link-time optimization (`lto` in the workspace's Cargo.toml). What the symbols are called differs between
//! compilers: this one is asked, by what it makes of a crate with a panic handler.

#![allow(clippy::disallowed_macros, reason = "a build script talks to cargo on stdout")]

use std::path::Path;
use std::process::Command;
use std::{env, fs};

fn main() {
    let out = env::var("OUT_DIR").expect("cargo sets OUT_DIR");
    let out = Path::new(&out);
    fs::write(out.join("libgcc_s.so"), "INPUT(-lgcc_eh -lgcc)\n").expect("OUT_DIR is writable");
    println!("cargo:rustc-link-search=native={}", out.display());
    // The log's thread and the exit handlers point into the library: dlclose must not unmap it.
    println!("cargo:rustc-cdylib-link-arg=-Wl,-z,nodelete");
    // What the compiler's start files add (a table of transactional memory, a profiler's start, the run of C++ exit
    // handlers at dlclose) is nothing here, but costs four symbol lookups and two touched pieces of the file.
    println!("cargo:rustc-cdylib-link-arg=-nostartfiles");
    // The standard library notes the program's arguments in a constructor of its own, for which every start would touch
    // a page of variables and a piece of the file. Nobody here asks for them. Where it calls the section something else,
    // nothing is left out.
    let script = out.join("without-arguments.ld");
    let discard = "SECTIONS { /DISCARD/ : { *(.init_array.00099) } } INSERT AFTER .init_array;\n";
    fs::write(&script, discard).expect("OUT_DIR is writable");
    println!("cargo:rustc-cdylib-link-arg=-Wl,-T,{}", script.display());
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rustc-check-cfg=cfg(wrapped)");
    match panic_symbols(out) {
        Some([panic, out_of_memory]) => {
            println!("cargo:rustc-cfg=wrapped");
            println!("cargo:rustc-env=SOCKSHIM_BEGIN_PANIC={panic}");
            println!("cargo:rustc-env=SOCKSHIM_OUT_OF_MEMORY={out_of_memory}");
            println!("cargo:rustc-cdylib-link-arg=-Wl,--wrap={panic},--wrap={out_of_memory}");
        }
        None => {
            println!("cargo:warning=this compiler's panic handler has no known name: the library gets larger")
        }
    }
}

/// The symbols behind a panic and behind a failed allocation, as this compiler names them.
fn panic_symbols(out: &Path) -> Option<[String; 2]> {
    const PANIC: &str = "rust_begin_unwind";
    const OUT_OF_MEMORY: &str = "__rust_alloc_error_handler";
    let probe = out.join("probe.rs");
    let source = "#![no_std] #[panic_handler] fn panic(_: &core::panic::PanicInfo) -> ! { loop {} }";
    fs::write(&probe, source).ok()?;
    let made = Command::new(env::var_os("RUSTC")?)
        .args(["--crate-type=lib", "--crate-name=probe", "--emit=asm", "-Cpanic=abort", "--target"])
        .arg(env::var_os("TARGET")?)
        .arg("-o")
        .arg(out.join("probe.s"))
        .arg(&probe)
        .status()
        .ok()?;
    let assembly = fs::read_to_string(made.success().then(|| out.join("probe.s"))?).ok()?;
    let label =
        assembly.lines().find_map(|line| line.strip_suffix(':').filter(|label| label.ends_with(PANIC)))?;
    // Plain in compilers before 1.87, else in the scheme of RFC 2603: `<length>[_]<name>` behind a common prefix.
    let other = match label.strip_suffix(&format!("{}{PANIC}", PANIC.len())) {
        Some(prefix) => format!("{prefix}{}_{OUT_OF_MEMORY}", OUT_OF_MEMORY.len()),
        None => OUT_OF_MEMORY.to_owned(),
    };
    Some([label.to_owned(), other])
}
