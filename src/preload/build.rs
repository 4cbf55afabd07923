//! How the libraries are linked, this one and those that it loads: with the unwinder inside; without Rust's panic report, and without the start files.
//!
//! **The unwinder.** Rust's standard library needs `libgcc_s`. Loading it costs every start of every program more
//! than all the rest of this library (about 85 of 110 µs, measured). A linker script of that name, which is found
//! first, links the static archives instead. pthread_cancel still uses glibc's own copy, which it loads when needed.
//!
//! **The panic report.** A panic here is caught and reported in the log. The standard library's message and backtrace
//! are never seen, but their code (a reader of debug information, an inflater, a demangler) would be a third of the
//! file. It is reached through two of the compiler's symbols, `rust_begin_unwind` and `__rust_alloc_error_handler`.
//! The linker's `--wrap` redirects both to `panic.rs` (by `redirect.rs`), which starts to unwind at once, so nothing refers to that code
//! any more. This works only if the standard library is linked without link-time optimization (`lto` in the
//! workspace's Cargo.toml). The symbols' names differ between compilers, so the build compiles a crate with a panic
//! handler and reads them from the result.

#![allow(clippy::disallowed_macros, reason = "a build script talks to cargo on stdout")]

use std::path::Path;
use std::process::Command;
use std::{env, fs};

fn main() {
    let out = env::var("OUT_DIR").expect("cargo sets OUT_DIR");
    let out = Path::new(&out);
    fs::write(out.join("libgcc_s.so"), "INPUT(-lgcc_eh -lgcc)\n").expect("OUT_DIR is writable");
    println!("cargo:rustc-link-search=native={}", out.display());
    // The others, which are made likewise, are loaded by this one, if they are needed.
    if env::var("CARGO_PKG_NAME").is_ok_and(|name| name == "sockshim-preload") {
        // The writer and the exit handlers point into the library, so dlclose must not unmap it.
        println!("cargo:rustc-cdylib-link-arg=-Wl,-z,nodelete");
        // redhook's dlsym is looked up when it is called, because not every glibc has it in libc: `dl.rs`.
        println!("cargo:rustc-cdylib-link-arg=-Wl,--wrap=dlsym");
        // The standard library saves the program's arguments in a constructor of its own, for which every start would
        // touch a page of variables and a page of the file. Nothing here reads them. If another version of it names the
        // section differently, the constructor stays.
        let script = out.join("without-arguments.ld");
        let discard = "SECTIONS { /DISCARD/ : { *(.init_array.00099) } } INSERT AFTER .init_array;\n";
        fs::write(&script, discard).expect("OUT_DIR is writable");
        println!("cargo:rustc-cdylib-link-arg=-Wl,-T,{}", script.display());
    }
    // The compiler's start files add a table of transactional memory, a profiler's start, and C++ exit handlers at
    // dlclose. Nothing here uses them, but they cost four symbol lookups and two touched pages of the file.
    println!("cargo:rustc-cdylib-link-arg=-nostartfiles");
    println!("cargo:rerun-if-changed={}", concat!(env!("CARGO_MANIFEST_DIR"), "/../preload/build.rs"));
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

/// The compiler's names for the symbols behind a panic and a failed allocation.
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
    // Not mangled in compilers before 1.87, else by RFC 2603: `<length>[_]<name>` after a common prefix.
    let other = match label.strip_suffix(&format!("{}{PANIC}", PANIC.len())) {
        Some(prefix) => format!("{prefix}{}_{OUT_OF_MEMORY}", OUT_OF_MEMORY.len()),
        None => OUT_OF_MEMORY.to_owned(),
    };
    Some([label.to_owned(), other])
}
