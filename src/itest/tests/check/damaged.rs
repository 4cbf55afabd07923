//! Files that are not programs, or are damaged.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Command;

use crate::programs::{SMALL, build};
use crate::{Who, check, open_scratch, verdict};

/// The kernel refuses every file that the command calls not a program.
#[test]
fn what_is_no_program() {
    let scratch = open_scratch();
    let file = |name: &str, bytes: &[u8], mode: u32| {
        let path = scratch.write(name, bytes);
        fs::set_permissions(&path, Permissions::from_mode(mode)).expect("our own file");
        path
    };
    let mut foreign = fs::read("/bin/true").expect("a program")[..4096].to_vec();
    foreign[18] = 183; // EM_AARCH64
    let mut narrow = foreign.clone();
    (narrow[4], narrow[18]) = (1, 3); // ELFCLASS32, EM_386
    let object = build(&scratch, "object", "cc", SMALL, &["-c"]);
    fs::set_permissions(&object, Permissions::from_mode(0o755)).expect("our own file");
    let cases = [
        (file("empty", b"", 0o755), "not-a-program"),
        (file("text", b"echo\n", 0o755), "not-a-program"),
        (file("magic", b"\x7fELF", 0o755), "not-a-program"),
        (file("aarch64", &foreign, 0o755), "other-arch"),
        (file("i386", &narrow, 0o755), "other-arch"),
        (object, "not-a-program"),
        (file("no-permission", b"#!/bin/sh\n", 0o644), "not-executable"),
        (scratch.dir("directory"), "not-executable"),
        (scratch.path().join("missing"), "not-found"),
        (PathBuf::from("/dev/null"), "not-executable"),
    ];
    for (path, expected) in &cases {
        assert_eq!(verdict(Who::Root, path), *expected, "{}", path.display());
        assert!(Command::new(path).status().is_err(), "the kernel starts {}", path.display());
    }
    let secret = file("secret", &fs::read("/bin/true").expect("a program"), 0o711);
    assert_eq!(verdict(Who::Nobody, &secret), "unreadable");
    // Opening a FIFO would wait for a writer.
    let fifo = scratch.path().join("fifo");
    assert!(Command::new("mkfifo").arg(&fifo).status().expect("coreutils").success());
    assert_eq!(verdict(Who::Root, &fifo), "not-executable");
}

/// Every truncation and thousands of wrong bytes: the command always answers, and the kernel agrees when it says that
/// a file is not a program.
#[test]
fn damaged_files() {
    let scratch = open_scratch();
    let flags = ["-s", "-nostartfiles", "-Wl,-z,noseparate-code", "-Wl,-z,norelro", "-Wl,--build-id=none"];
    let program = build(&scratch, "tiny", "cc", "void _start(void) { for (;;); }\n", &flags);
    let whole = fs::read(program).expect("our own file");
    assert!(whole.len() < 20_000, "{} bytes", whole.len());

    let mut damaged: Vec<Vec<u8>> =
        (0..whole.len().min(1500)).map(|length| whole[..length].to_vec()).collect();
    // A fixed sequence, so that a failure can be reproduced.
    let mut random = 0x9e37_79b9_u64;
    for _ in 0..1500 {
        let mut bytes = whole.clone();
        for _ in 0..3 {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let index = (random >> 33) as usize % 1024;
            bytes[index] = (random >> 24) as u8;
        }
        damaged.push(bytes);
    }
    let paths: Vec<PathBuf> =
        (0..damaged.len()).map(|index| scratch.path().join(index.to_string())).collect();
    for (path, bytes) in paths.iter().zip(&damaged) {
        fs::write(path, bytes).expect("our own directory");
        fs::set_permissions(path, Permissions::from_mode(0o755)).expect("our own file");
    }
    let mut refused = 0;
    for some in paths.chunks(250) {
        let output = check(Who::Root, &some.iter().map(PathBuf::as_path).collect::<Vec<_>>());
        let stdout = output.stdout();
        let answers: Vec<&str> = stdout.lines().filter(|line| !line.contains(": warning: ")).collect();
        assert_eq!(answers.len(), some.len(), "{:?}", output.status);
        for (path, answer) in some.iter().zip(answers) {
            if answer.contains(": not-a-program: ") {
                refused += 1;
                // If it did start, it might loop for ever.
                let error = Command::new(path).spawn().map(|mut child| child.kill());
                assert!(error.is_err(), "the kernel starts it: {answer}");
            }
        }
    }
    assert!(refused > 300, "only {refused} were refused");
}
