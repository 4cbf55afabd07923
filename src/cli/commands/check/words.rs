//! The sentences that `sockshim check` prints.

use object::elf as machine;
use sockshim_elf::linking::{Elf, Linking};
use sockshim_elf::obstacle::Obstacle;
use sockshim_elf::privilege::{Caller, ExecFile, has_set_id};
use std::path::{Path, PathBuf};

/// The file has no format that the kernel executes.
pub const UNKNOWN: &str = "it is neither an ELF file nor does it begin with #!, so the kernel refuses it. If it is a \
                           script for a shell, give it a #! line";
/// The program has another libc.
pub const OTHER_LIBC: &str = "the library is made for glibc, and a program that starts with it ends in errors of \
                              its dynamic linker. Use a build for glibc";
/// A script's first line has env(1) remove `LD_PRELOAD`.
pub const CLEARED: &str = "env(1) starts it without LD_PRELOAD, as the script's first line says; \
                           SOCKSHIM_PROPAGATE=always puts it back";
/// io_uring's operations are not calls of libc.
pub const IO_URING: &str = "it uses liburing: what goes through an io_uring is not seen";
/// A program's own definition of a function takes precedence over the library's.
pub const OWN_HOOKS: &str = "it has functions of its own by these names, and a call to one of them is seen only if it \
                             calls the next function of that name";
/// What the library itself reports in a program with ThreadSanitizer.
pub const THREAD_SANITIZER: &str = "a program with ThreadSanitizer cannot be logged: the library is loaded, and stays \
                                    silent. Use a build without -fsanitize=thread";

/// Why AddressSanitizer's shared runtime excludes the library, and what helps. `by` is the library that needs the
/// runtime, if it is not the program itself.
pub fn address_sanitizer(runtime: &str, by: Option<&Path>) -> String {
    let subject = match by {
        Some(library) => format!("a library that it needs, {}, needs", library.display()),
        None => "it needs".into(),
    };
    format!(
        "{subject} AddressSanitizer's shared runtime, which ends the program unless it is the first library. Start it \
         with LD_PRELOAD=\"{runtime} /path/to/libsockshim.so\", or link the runtime into the program"
    )
}

/// ThreadSanitizer in a library of a program that was built without it.
pub fn library_with_tsan(library: &Path) -> String {
    format!(
        "a library that it needs, {}, is built with ThreadSanitizer, beside which nothing can be logged; with a \
         preloaded library the program may not even start. Use a build without -fsanitize=thread",
        library.display()
    )
}

/// The program uses a glibc of its own that lacks a version.
pub fn old_glibc(libc: &Path, version: &str) -> String {
    format!(
        "its glibc is too old for the library: {} has no {version}. Build the library with that glibc, or start the \
         program with a newer one",
        libc.display()
    )
}

/// Why a file's content keeps the library out.
pub fn of_file(obstacle: Obstacle, elf: &Elf) -> String {
    match (obstacle, elf.linking) {
        (Obstacle::Go, Linking::Dynamic(_)) => {
            "a Go program that is linked with libc: the library is loaded and sees what C code in it calls, such as \
             getaddrinfo's caller, but Go's own packages (net, os) make their system calls without libc. strace(1) \
             sees those"
                .into()
        }
        (Obstacle::Go, _) => "a Go program, statically linked: nothing loads the library, and Go makes its system \
                              calls without libc. strace(1) sees them"
            .into(),
        (Obstacle::OtherArchitecture, _) => format!(
            "it is for {}, and the library is for x86-64: no process can have both",
            architecture(elf)
        ),
        (Obstacle::OtherLibc, Linking::Dynamic(interpreter)) => {
            let libc = if interpreter.is_musl() { "musl" } else { "another libc than glibc" };
            let path = interpreter.path().escape_ascii();
            format!("it is linked with {libc} (its dynamic linker is {path}); {OTHER_LIBC}")
        }
        (_, Linking::StaticPie) => format!("statically linked (static-pie): {STATIC}"),
        _ => format!("statically linked: {STATIC}"),
    }
}

const STATIC: &str =
    "it has no dynamic linker that could load the library. Use a dynamically linked build of it";

/// Why a file's inode keeps the library out.
pub fn of_inode(obstacle: Obstacle, file: &ExecFile, caller: &Caller) -> String {
    let secure = "glibc's dynamic linker starts in secure mode, in which it ignores LD_PRELOAD";
    if obstacle == Obstacle::Capabilities {
        return format!("it has file capabilities: {secure}. Run it as root, or run a copy, which has none");
    }
    let set_user = file.mode & libc::S_ISUID != 0 && file.uid != caller.ruid;
    let set_group = has_set_id(file.mode) && file.mode & libc::S_ISGID != 0 && file.gid != caller.rgid;
    match (set_user, set_group) {
        (true, _) => {
            format!("it is set-user-id of user {}: {secure}. Run it as that user, or run a copy", file.uid)
        }
        (_, true) => {
            format!(
                "it is set-group-id of group {}: {secure}. Run it with that group, or run a copy",
                file.gid
            )
        }
        _ => format!("the real and effective ids here differ: {secure}"),
    }
}

/// Why the library is loaded.
pub fn fine(elf: &Elf, file: &ExecFile) -> String {
    let what = match elf.linking {
        Linking::Linker => "glibc's dynamic linker itself; judge the program that it is to start",
        _ => "dynamically linked, by glibc's dynamic linker",
    };
    match (has_set_id(file.mode), file.capabilities) {
        (true, _) => format!("{what}; its set-id bits change nothing for who asks here"),
        (_, true) => format!("{what}; its file capabilities do not count for who asks here"),
        _ => what.into(),
    }
}

/// The sentence about a program, with the script that starts it.
pub fn through(files: &[PathBuf], sentence: String) -> String {
    match files {
        [_, .., last] => format!("a script, started by {}: {sentence}", last.display()),
        _ => sentence,
    }
}

fn architecture(elf: &Elf) -> String {
    let bits = if elf.is_64 { 64 } else { 32 };
    let name = match elf.machine {
        machine::EM_386 => "i386",
        machine::EM_X86_64 if !elf.is_64 => "x32",
        machine::EM_X86_64 => "big-endian x86-64",
        machine::EM_AARCH64 => "aarch64",
        machine::EM_ARM => "arm",
        machine::EM_RISCV => return format!("riscv{bits}"),
        machine::EM_PPC => "powerpc",
        machine::EM_PPC64 => "powerpc64",
        machine::EM_S390 => "s390",
        machine::EM_MIPS => "mips",
        machine::EM_LOONGARCH => "loongarch",
        machine::EM_SPARC | machine::EM_SPARCV9 => "sparc",
        other => return format!("another machine (e_machine {other}, {bits} bits)"),
    };
    name.into()
}
