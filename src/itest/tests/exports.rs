//! What the library and our executables export and import. An interposing library is defined by its dynamic symbols:
//! one too many changes programs unintentionally, and one too few is a hook that never runs.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use serde_json::Value;
use sockshim_itest::{Output, Scratch, run, shim, workspace};

#[path = "cli/binary.rs"]
mod binary;

use binary::sockshim;

/// Long, because cargo waits for any other cargo that holds the lock on the packages.
const DEADLINE: Duration = Duration::from_secs(300);

/// Runs a tool, which must succeed, in the C locale, whose order and messages the tests expect.
fn tool(name: &str, args: impl IntoIterator<Item = impl AsRef<OsStr>>) -> String {
    let output = attempt(name, args);
    assert!(output.status.success(), "{name} failed: {}", output.stderr());
    output.stdout()
}

fn attempt(name: &str, args: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Output {
    let mut command = Command::new(name);
    run(command.args(args).env("LC_ALL", "C").env_remove("LD_PRELOAD"), b"", DEADLINE)
}

/// The lines that `sockshim hooks` prints with these options.
fn hooks(options: &[&str]) -> Vec<String> {
    let path = sockshim().to_str().expect("a path in UTF-8");
    let text = tool(path, ["hooks"].iter().chain(options));
    assert!(!text.is_empty(), "sockshim hooks {options:?} has printed nothing");
    text.lines().map(String::from).collect()
}

/// A defined dynamic symbol.
struct Symbol {
    name: String,
    version: String,
    address: String,
}

/// The dynamic symbols that a file defines, in the order of nm.
fn defined(file: &Path) -> Vec<Symbol> {
    let text = tool("nm", [OsStr::new("--dynamic"), OsStr::new("--defined-only"), file.as_os_str()]);
    let symbols = text.lines().filter_map(|line| {
        let [address, kind, name] = line.split_whitespace().collect::<Vec<_>>()[..] else {
            panic!("not a line of nm: {line}");
        };
        let (name, version) = name.split_once('@').unwrap_or((name, ""));
        let symbol = |name: &str| Symbol {
            name: name.to_string(),
            version: version.trim_start_matches('@').to_string(),
            address: address.to_string(),
        };
        // Versions themselves are absolute symbols.
        (kind != "A").then(|| symbol(name))
    });
    symbols.collect()
}

fn names(symbols: &[Symbol]) -> Vec<String> {
    symbols.iter().map(|symbol| symbol.name.clone()).collect()
}

/// The path of the libc in this process.
fn libc_path() -> PathBuf {
    let maps = fs::read_to_string("/proc/self/maps").expect("our own mappings");
    let line = maps.lines().find(|line| line.ends_with("/libc.so.6")).expect("libc.so.6 is mapped");
    PathBuf::from(&line[line.find('/').expect("a path")..])
}

/// The symbols of libc that a program can link.
fn public_symbols_of_libc() -> Vec<Symbol> {
    let mut symbols = defined(&libc_path());
    symbols.retain(|symbol| symbol.version != "GLIBC_PRIVATE");
    symbols
}

#[test]
fn the_library_exports_the_hooks_and_nothing_else() {
    assert_eq!(names(&defined(shim())), hooks(&["--names"]));
}

#[test]
fn what_is_left_out_is_not_exported() {
    let exported = names(&defined(shim()));
    for symbol in hooks(&["--not-hooked", "--names"]) {
        assert!(!exported.contains(&symbol), "{symbol} is exported");
    }
}

/// Every other library would be loaded into every program, with its own constructors and symbols.
#[test]
fn the_library_needs_only_libc() {
    let dynamic = tool("readelf", [OsStr::new("--dynamic"), OsStr::new("--wide"), shim().as_os_str()]);
    let needed = dynamic.lines().filter(|line| line.contains("(NEEDED)"));
    let needed: Vec<&str> =
        needed.map(|line| line.rsplit(['[', ']']).nth(1).expect("a name in brackets")).collect();
    assert!(needed.contains(&"libc.so.6"), "{needed:?}");
    for library in needed {
        assert!(library == "libc.so.6" || library.starts_with("ld-linux"), "the library needs {library}");
    }
}

/// An executable that defines `socket` hooks itself, and every test in it would test the wrong function.
#[test]
fn executables_export_no_hook() {
    let hooked: BTreeSet<String> = hooks(&["--names"]).into_iter().collect();
    let this = std::env::current_exe().expect("the path of this test");
    for executable in [sockshim(), &this] {
        let imported =
            tool("nm", [OsStr::new("--dynamic"), OsStr::new("--undefined-only"), executable.as_os_str()]);
        assert!(imported.contains(" write@"), "{} has dynamic symbols to look at", executable.display());
        let exported: BTreeSet<String> = names(&defined(executable)).into_iter().collect();
        let both: Vec<&String> = exported.intersection(&hooked).collect();
        assert!(both.is_empty(), "{} exports {both:?}", executable.display());
    }
}

/// A program calls the name that its headers give a function: `__read_chk` with `_FORTIFY_SOURCE`, `fcntl64` with
/// large files. So every name that libc has for a hooked function is hooked too, or left out with a reason.
#[test]
fn every_other_name_of_a_hooked_function_is_in_the_table() {
    let hooked: BTreeSet<String> = hooks(&["--names"]).into_iter().collect();
    let known: BTreeSet<String> = hooked.iter().cloned().chain(hooks(&["--not-hooked", "--names"])).collect();
    let libc = public_symbols_of_libc();
    let functions: Vec<&Symbol> = libc.iter().filter(|symbol| hooked.contains(&symbol.name)).collect();

    let mut forms = BTreeSet::new();
    for function in &functions {
        let name = &function.name;
        let spelled = [format!("__{name}_chk"), format!("__{name}"), format!("{name}64")];
        for other in &libc {
            let alias = other.address == function.address && other.name != *name;
            if alias || spelled.contains(&other.name) {
                forms.insert(other.name.clone());
            }
        }
    }
    // Names inside stdio, which no header declares.
    forms.retain(|name| !name.starts_with("_IO_"));
    for expected in
        ["__close", "__poll_chk", "__read_chk", "__recv_chk", "__recvfrom_chk", "fcntl64", "sendfile64"]
    {
        assert!(forms.contains(expected), "{expected} was not found in libc: {forms:?}");
    }
    let missing: Vec<&String> = forms.difference(&known).collect();
    assert!(missing.is_empty(), "in libc, but not in the table of hooks: {missing:?}");
}

/// The names in the table are libc's; a name that no libc has would be a misspelling.
#[test]
fn hooks_are_functions_of_libc() {
    let libc: BTreeSet<String> = names(&public_symbols_of_libc()).into_iter().collect();
    let hooked: BTreeSet<String> = hooks(&["--names"]).into_iter().collect();
    let unknown: Vec<&String> = hooked.difference(&libc).collect();
    // Optional: newer than the libc on this machine may be.
    const YOUNG: [&str; 6] = ["_Fork", "close_range", "closefrom", "epoll_pwait2", "execveat", "pidfd_getfd"];
    assert!(unknown.iter().all(|name| YOUNG.contains(&name.as_str())), "not in libc: {unknown:?}");
}

/// The callers of a hook were compiled with the prototype of a header. If the two assigned arguments to registers
/// differently, the hook would read other values than the program passed.
#[test]
fn prototypes_are_those_of_the_headers() {
    // Where the header says `...`, a hook has as many parameters as the kernel reads.
    const VARIADIC: [&str; 9] =
        ["clone", "execl", "execle", "execlp", "fcntl", "fcntl64", "ioctl", "prctl", "syscall"];
    // POSIX omits a const that C would not convert to; in registers there is no difference.
    const ARGV: [&str; 6] = ["execv", "execve", "execveat", "execvp", "execvpe", "fexecve"];
    const HEADERS: &str = "\
#define _GNU_SOURCE
#include <fcntl.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netdb.h>
#include <poll.h>
#include <pty.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/select.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>
#include <utmp.h>
";
    let json: Value = serde_json::from_str(&hooks(&["--json"]).concat()).expect("JSON");
    let prototypes =
        json.as_array().expect("an array").iter().map(|hook| hook["prototype"].as_str().expect("text"));
    let source = prototypes.fold(HEADERS.to_string(), |source, prototype| source + prototype + ";\n");
    let scratch = Scratch::new();
    let source = scratch.write("prototypes.c", source);

    // With fortification, so that the headers declare the fortified names.
    let options = ["-fsyntax-only", "-O2", "-U_FORTIFY_SOURCE", "-D_FORTIFY_SOURCE=2"].map(OsStr::new);
    let output = attempt("cc", options.into_iter().chain([source.as_os_str()]));
    let stderr = output.stderr();
    let errors: Vec<&str> = stderr.lines().filter(|line| line.contains("error: ")).collect();
    let conflict =
        |line: &&str| line.split("conflicting types for '").nth(1)?.split('\'').next().map(String::from);
    let conflicts: BTreeSet<String> = errors.iter().filter_map(conflict).collect();
    assert_eq!(conflicts.len(), errors.len(), "{stderr}");
    assert_eq!(conflicts, VARIADIC.into_iter().chain(ARGV).map(String::from).collect(), "{stderr}");
}

/// Those of these functions that the libc crate declares for this target: rustc reports the others as missing.
fn declared_by_the_libc_crate(functions: &[String]) -> BTreeSet<String> {
    let metadata = tool(
        env!("CARGO"),
        [
            "metadata",
            "--format-version=1",
            "--offline",
            "--filter-platform=x86_64-unknown-linux-gnu",
            "--locked",
            "--manifest-path",
            concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"),
        ],
    );
    let metadata: Value = serde_json::from_str(&metadata).expect("JSON");
    let mut packages = metadata["packages"].as_array().expect("packages").iter();
    let package = packages.rfind(|package| package["name"] == "libc").expect("the libc crate");
    let manifest = Path::new(package["manifest_path"].as_str().expect("a path"));
    let directory = manifest.parent().expect("a file in a directory");

    let scratch = Scratch::new();
    let uses = functions.iter().map(|name| format!("pub use libc::{name};\n"));
    scratch.write("lib.rs", uses.collect::<String>());
    let manifest = scratch.write(
        "Cargo.toml",
        format!(
            "[package]\nname = \"uses\"\nedition = \"2024\"\n[lib]\npath = \"lib.rs\"\n\
             [dependencies]\nlibc = {{ path = {directory:?} }}\n[workspace]\n"
        ),
    );
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["check", "--offline", "--message-format=short", "--manifest-path"]).arg(manifest);
    cargo.env("CARGO_TARGET_DIR", scratch.path().join("target")).env_remove("LD_PRELOAD");
    let output = run(&mut cargo, b"", DEADLINE);
    let stderr = output.stderr();
    let unknown =
        |line: &str| line.split("unresolved import `libc::").nth(1)?.split('`').next().map(String::from);
    let unknown: BTreeSet<String> = stderr.lines().filter_map(unknown).collect();
    assert!(unknown.contains("__read_chk"), "this is in no version of the crate: {stderr}");
    functions.iter().filter(|name| !unknown.contains(*name)).cloned().collect()
}

/// Inside the library, the name of a hooked function is the hook itself. So clippy refuses each one that the code
/// could call.
#[test]
fn clippy_refuses_every_hooked_function() {
    let declared = declared_by_the_libc_crate(&hooks(&["--names"]));
    let config = fs::read_to_string(workspace().join("clippy.toml")).expect("clippy.toml");
    let refused = config.split("path = \"libc::").skip(1).filter_map(|rest| rest.split('"').next());
    let refused: BTreeSet<String> = refused.map(String::from).collect();
    let missing: Vec<&String> = declared.difference(&refused).collect();
    let useless: Vec<&String> = refused.difference(&declared).collect();
    assert!(missing.is_empty() && useless.is_empty(), "missing: {missing:?}, not hooked: {useless:?}");
}
