//! The library loaded first, last, late, twice, and beside others; constructors that run before its own and
//! destructors that run after.

use std::path::Path;

use sockshim_itest::{RunLevel, Scratch, by_call, command, events, shim};

use crate::{ended, library, preload, program, same};

#[test]
fn constructors_of_other_libraries() {
    let other = library("constructed", &[]);
    let program = program("ending_handlers", &[]);
    for end in [&[][..], &["quick"]] {
        for (before, after) in [(&[&*other][..], &[][..]), (&[], &[&*other])] {
            let (native, log) = same(&program, |command, level| {
                preload(command.args(end), level, before, after);
            });
            assert_eq!(native.status.code(), Some(3));
            assert!(by_call(&log, "socket").len() >= 6, "{log:#?}");
        }
    }
}

#[test]
fn constructors_of_needed_libraries() {
    let other = library("constructed", &["-Wl,-soname,constructed-for-sockshim"]);
    let program = program("ending_handlers", &["-DNEEDED", other.to_str().expect("a path of text")]);
    // Found by the path that the linker was given, because no file has the soname.
    let directory = Scratch::new();
    std::os::unix::fs::symlink(&other, directory.path().join("constructed-for-sockshim")).expect("a link");
    for end in [&[][..], &["quick"]] {
        let (native, log) = same(&program, |command, _| {
            command.args(end).env("LD_LIBRARY_PATH", directory.path());
        });
        assert_eq!(native.status.code(), Some(3));
        // The constructor's socket was made unseen, and is known once it is used.
        let asked = by_call(&log, "getsockname");
        assert!(
            asked.iter().any(|event| event["prot"] == "tcp_prot" && event["errno"].is_null()),
            "{log:#?}"
        );
    }
}

/// Every call after the library's start is in the log, including those of the exit handlers: three sockets and an
/// accept each, and one that fails.
#[test]
fn exit_handlers() {
    for (end, moments) in [
        (&[][..], "a key's destructor, main, on_exit, atexit, destructor"),
        (&["quick"], "a key's destructor, main, at_quick_exit"),
    ] {
        let log_dir = Scratch::new();
        let mut command = command(RunLevel::Io, Some(log_dir.path()), program("ending_handlers", &[]));
        assert_eq!(ended(command.args(end)).status.code(), Some(3));
        let events = events(log_dir.path());
        let count = moments.split(", ").count();
        // And the program's own constructor, which runs after the constructors of libraries.
        assert_eq!(by_call(&events, "accept").len(), count + 1, "{end:?}: {events:#?}");
        assert_eq!(by_call(&events, "socket").len(), 3 * (count + 1), "{end:?}: {events:#?}");
    }
}

/// Two other libraries interpose the same functions: each sees each call once, in the order of LD_PRELOAD.
#[test]
fn other_preloads_on_both_sides() {
    let (a, b) = (library("layer", &["-DNAME=\"A\""]), library("layer", &["-DNAME=\"B\""]));
    let (native, log) =
        same(&program("limited", &[]), |command, level| preload(command, level, &[&a], &[&b]));
    assert!(native.stdout().contains("A socket\nB socket\nA socket\nB socket\n"), "{native:?}");
    assert_eq!(by_call(&log, "socket").len(), 9);
    // Existing libraries: one that interposes open and fsync, and one that interposes every socket call. The latter
    // takes libc's functions directly from libc, so it bypasses every library behind it.
    for (other, logged_behind) in [("libeatmydata.so", 9), ("libsocket_wrapper.so", 0)] {
        let other = [Path::new(other)];
        for (before, after, logged) in [(&other[..], &[][..], logged_behind), (&[], &other[..], 9)] {
            let (_, log) =
                same(&program("limited", &[]), |command, level| preload(command, level, before, after));
            assert_eq!(by_call(&log, "socket").len(), logged, "{other:?}");
        }
    }
}

fn late(how: &str, hogs: &[&str], preloaded: bool) {
    let program = program("late", &[]);
    let run_late = |level: RunLevel, library: &str, preloaded: bool| {
        let log_dir = Scratch::new();
        let mut command = command(level, Some(log_dir.path()), &program);
        if !preloaded {
            command.env_remove("LD_PRELOAD");
        }
        let output = ended(command.args([library, how]).args(hogs));
        assert!(output.status.success() && output.stderr().is_empty(), "{how} {level:?}: {output:?}");
        (output, events(log_dir.path()))
    };
    let (native, _) = run_late(RunLevel::Native, "none", false);
    let path = shim().to_str().expect("a path of text");
    for level in [RunLevel::Off, RunLevel::Io] {
        let (output, log) = run_late(level, path, preloaded);
        assert_eq!(output.stdout(), native.stdout(), "{how} {level:?}");
        assert_eq!(
            level == RunLevel::Io && preloaded,
            !by_call(&log, "socket").is_empty(),
            "{how} {level:?}"
        );
    }
}

/// A library that is loaded late is bound to no call, but it starts, and its thread outlives dlclose.
#[test]
fn dlopen_late() {
    for how in ["now", "lazy", "global", "deep", "namespace"] {
        late(how, &[], false);
    }
}

#[test]
fn dlopen_a_second_time() {
    for how in ["now", "deep", "namespace"] {
        late(how, &[], true);
    }
}

/// If other libraries have used up the space in the threads' static blocks, dlopen of a late one fails or still finds
/// space; a preloaded one takes no space from the others.
#[test]
fn static_tls_exhausted() {
    let directory = Scratch::new();
    for i in 0..30 {
        std::fs::copy(library("hog", &[]), directory.path().join(format!("hog{i}.so"))).expect("a copy");
    }
    let pattern = directory.path().join("hog%d.so");
    let hogs = [pattern.to_str().expect("a path of text"), "30"];
    late("now", &hogs, false);
    let (native, _) = same(&program("late", &[]), |command, _| {
        command.args(["none", "now"]).args(hogs);
    });
    assert!(native.stdout().contains("some were refused = 1\n"), "{native:?}");
}

#[test]
fn bound_at_start() {
    let (native, log) = same(&program("limited", &[]), |command, _| {
        command.env("LD_BIND_NOW", "1");
    });
    assert!(native.status.success());
    assert_eq!(by_call(&log, "socket").len(), 9);
    for flags in [&["-Wl,-z,now", "-Wl,-z,relro"][..], &["-Wl,-z,lazy"], &["-no-pie"], &["-fno-plt"]] {
        let (_, log) = same(&program("limited", flags), |_, _| {});
        assert_eq!(by_call(&log, "socket").len(), 9, "{flags:?}");
    }
}

/// The sanitizers interpose the same functions, in the program itself. A program that forks beside threads is left
/// out: natively, AddressSanitizer's allocator hangs in its children.
#[test]
fn sanitizers() {
    for flags in
        [&["-fsanitize=address", "-static-libasan"][..], &["-fsanitize=undefined", "-fno-sanitize-recover"]]
    {
        let (native, log) = same(&program("limited", flags), |_, _| {});
        assert!(native.status.success(), "{flags:?}: {native:?}");
        assert_eq!(by_call(&log, "socket").len(), 9, "{flags:?}");
        let (native, _) = same(&program("interrupted", flags), |command, _| {
            command.arg("20");
        });
        assert_eq!(native.stdout(), "wrong = 0\n", "{flags:?}: {native:?}");
    }
}

/// The writer cannot live beside this sanitizer, so there is no log, and stderr says so.
#[test]
fn thread_sanitizer() {
    let program = program("limited", &["-fsanitize=thread", "-static-libtsan"]);
    let native = ended(&mut command(RunLevel::Native, None, &program));
    assert!(native.status.success(), "{native:?}");
    for level in [RunLevel::Off, RunLevel::Io] {
        let log_dir = Scratch::new();
        let output = ended(&mut command(level, Some(log_dir.path()), &program));
        assert_eq!((output.stdout(), output.status), (native.stdout(), native.status), "{level:?}");
        let said = output.stderr();
        let expected = "sockshim: a program with ThreadSanitizer cannot be logged\n";
        assert_eq!(said, if level == RunLevel::Off { "" } else { expected }, "{level:?}");
    }
}
