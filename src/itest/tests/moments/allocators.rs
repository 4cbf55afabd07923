//! Allocators call hooked functions while they start, possibly before the library has started, and hold locks
//! meanwhile.

use std::path::Path;

use sockshim_itest::by_call;

use crate::{library, preload, program, same};

/// Their names in Debian.
const ALLOCATORS: [&str; 3] = ["libjemalloc.so.2", "libmimalloc.so.2", "libtcmalloc_minimal.so.4"];

/// Compares runs with the allocator before the shim and after it.
fn preloaded(allocator: &Path) {
    let program = program("allocate", &[]);
    let (native, log) = same(&program, |command, level| preload(command, level, &[allocator], &[]));
    assert!(native.status.success() && native.stdout().lines().count() > 40, "{native:?}");
    assert!(by_call(&log, "socketpair").len() >= 600, "{}", log.len());
    let (_, log) = same(&program, |command, level| preload(command, level, &[], &[allocator]));
    assert!(by_call(&log, "socketpair").len() >= 600, "{}", log.len());
}

#[test]
fn preloaded_beside() {
    for allocator in ALLOCATORS {
        preloaded(Path::new(allocator));
    }
}

#[test]
fn linked_in() {
    for link in [
        ["-rdynamic", "-l:libjemalloc_pic.a", "-lm", "-lstdc++"],
        ["-rdynamic", "-l:libjemalloc.a", "-lm", "-lstdc++"],
        ["-rdynamic", "-l:libtcmalloc_minimal.a", "-lm", "-lstdc++"],
        // Debian has no static library of this one.
        ["-rdynamic", "-Wl,--no-as-needed", "-lmimalloc", "-lm"],
    ] {
        let (native, _) = same(&program("allocate", &link), |_, _| {});
        assert!(native.status.success(), "{link:?}: {native:?}");
    }
}

/// An allocator that itself opens sockets and reads files, from the process's first allocation on.
#[test]
fn using_sockets() {
    preloaded(&library("noisy_allocator", &[]));
}

#[test]
fn never_called_from_a_hook() {
    let (outer, inner) = (library("guard", &["-DOUTER"]), library("guard", &["-DINNER"]));
    for name in ["allocate", "interrupted"] {
        let (native, _) =
            same(&program(name, &[]), |command, level| preload(command, level, &[&outer], &[&inner]));
        assert!(native.status.success(), "{native:?}");
    }
}

/// The control for the test above: an allocation inside a hook is detected.
#[test]
fn guard_sees_an_allocation() {
    let (outer, inner) = (library("guard", &["-DOUTER"]), library("guard", &["-DINNER"]));
    let mut command = sockshim_itest::command(sockshim_itest::RunLevel::Off, None, program("allocate", &[]));
    preload(&mut command, sockshim_itest::RunLevel::Off, &[&outer], &[&inner]);
    let output = crate::ended(command.env("GUARD_SELF", "1"));
    assert_eq!(output.stderr(), "malloc inside a hook\n");
    assert!(!output.status.success());
}
