//! Programs that a dynamic linker refuses, with or without the library; and programs that look refused but start.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::Command;

use crate::programs::{SMALL, build};
use crate::{DEADLINE, Who, confirmed, is_seen, open_scratch, verdict};
use sockshim_itest::{RunLevel, Scratch, command, run};

const LINKER: &str = "/lib64/ld-linux-x86-64.so.2";

/// A program that needs a function of a library.
const NEEDY: &str = "\
#include <sys/socket.h>
int needed(void);
int main(void) { return needed() + (socket(AF_INET, SOCK_STREAM, 0) < 0); }
";
const NEEDED: &str = "int needed(void) { return 0; }\n";

/// A program without the compiler's start files, so that the oldest versions of libc's functions are enough.
const BARE: &str = "\
#include <stdlib.h>
#include <sys/socket.h>
void _start(void)
{
	__asm__ volatile(\"and $-16, %rsp\");
	exit(socket(AF_INET, SOCK_STREAM, 0) < 0);
}
";

/// A library, and a program that needs it and searches its own directory for it.
fn pair(scratch: &Scratch, name: &str, library_flags: &[&str]) -> std::path::PathBuf {
    let library = format!("lib{name}.so");
    build(scratch, &library, "cc", NEEDED, &[&["-shared", "-fPIC"], library_flags].concat());
    let directory = scratch.path().to_str().expect("a path in UTF-8");
    build(scratch, name, "cc", NEEDY, &["-L", directory, &format!("-l{name}"), "-Wl,-rpath,$ORIGIN"])
}

fn succeeds(program: &Path) -> bool {
    let output = run(&mut command(RunLevel::Native, None, program), b"", DEADLINE);
    assert!(!output.timed_out, "{program:?}: {output:?}");
    output.status.success()
}

#[test]
fn the_dynamic_linker_is_known_by_its_content() {
    let scratch = open_scratch();
    let with = |name: &str, make: &dyn Fn(&Path)| {
        let linker = scratch.dir(name).join("ld-linux-x86-64.so.2");
        make(&linker);
        let flag = format!("-Wl,--dynamic-linker={}", linker.display());
        build(&scratch, &format!("{name}-program"), "cc", SMALL, &[&flag])
    };
    let musl = with("musl", &|path| symlink("/lib/ld-musl-x86_64.so.1", path).expect("our directory"));
    assert_eq!(confirmed(Who::Root, &musl), "other-libc");
    let text = with("text", &|path| {
        fs::write(path, "no program").expect("our directory");
        fs::set_permissions(path, Permissions::from_mode(0o755)).expect("our own file");
    });
    assert_eq!(verdict(Who::Root, &text), "not-executable");
    assert!(Command::new(&text).status().is_err(), "the kernel starts it");

    // glibc's own dynamic linker, although the name is another.
    let other = scratch.path().join("loader");
    fs::copy(LINKER, &other).expect("a copy");
    let flag = format!("-Wl,--dynamic-linker={}", other.display());
    let renamed = build(&scratch, "renamed", "cc", SMALL, &[&flag]);
    assert_eq!(confirmed(Who::Root, &renamed), "fine");
}

#[test]
fn a_library_that_is_nowhere() {
    let scratch = open_scratch();
    let program = pair(&scratch, "near", &[]);
    assert_eq!(confirmed(Who::Root, &program), "fine");
    let away = scratch.dir("away").join("libnear.so");
    fs::rename(scratch.path().join("libnear.so"), &away).expect("our own file");
    assert_eq!(verdict(Who::Root, &program), "not-executable");
    assert!(!succeeds(&program));
}

#[test]
fn a_version_that_a_library_lacks() {
    let scratch = open_scratch();
    let script = |version: &str| scratch.write("versions", format!("{version} {{ needed; }};\n"));
    let flag = format!("-Wl,--version-script={}", script("NEEDED_2").display());
    let program = pair(&scratch, "versioned", &[&flag]);
    assert_eq!(confirmed(Who::Root, &program), "fine");
    script("NEEDED_1");
    build(&scratch, "libversioned.so", "cc", NEEDED, &["-shared", "-fPIC", &flag]);
    assert_eq!(verdict(Who::Root, &program), "not-executable");
    assert!(!succeeds(&program));
}

#[test]
fn a_library_with_a_sanitizer() {
    let scratch = open_scratch();
    let asan = pair(&scratch, "with-asan", &["-fsanitize=address"]);
    assert_eq!(confirmed(Who::Root, &asan), "asan");
    let tsan = pair(&scratch, "with-tsan", &["-fsanitize=thread"]);
    assert_eq!(confirmed(Who::Root, &tsan), "tsan");
}

/// A program with its own glibc, which lacks a version that the library needs, because it is older. The installed one is made
/// so by renaming that version.
#[test]
fn a_glibc_that_is_too_old() {
    let scratch = open_scratch();
    let old = scratch.dir("old");
    for file in [LINKER, "/lib/x86_64-linux-gnu/libc.so.6"] {
        let mut bytes = fs::read(file).expect("glibc");
        for at in 0..bytes.len() {
            // The version of getauxval.
            if bytes[at..].starts_with(b"GLIBC_2.16\0") {
                bytes[at + 6] = b'9';
            }
        }
        let copy = old.join(Path::new(file).file_name().expect("a file"));
        fs::write(&copy, bytes).expect("our directory");
        fs::set_permissions(&copy, Permissions::from_mode(0o755)).expect("our own file");
    }
    let linker = format!("-Wl,--dynamic-linker={}/ld-linux-x86-64.so.2", old.display());
    let flags = [&linker, "-nostartfiles", "-Wl,-rpath,$ORIGIN/old"];
    let program = build(&scratch, "program", "cc", BARE, &flags);
    assert!(succeeds(&program), "it is a glibc that works");
    assert!(!is_seen(Who::Root, &program));
    // The command reads what the library beside it needs.
    let bin = scratch.dir("bin");
    let command = bin.join("sockshim");
    fs::copy(crate::sockshim(), &command).expect("a copy");
    let says = || {
        let output = run(Command::new(&command).arg("check").arg(&program), b"", DEADLINE);
        (output.status.code(), output.stdout())
    };
    assert_eq!(says().0, Some(0));
    fs::copy(sockshim_itest::shim(), bin.join("libsockshim.so")).expect("a copy");
    let (code, text) = says();
    assert_eq!(code, Some(14), "{text}");
    assert!(text.contains("its glibc is too old for the library"), "{text}");
}
