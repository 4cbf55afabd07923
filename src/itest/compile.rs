//! Builds what the tests run: the preload library and the C programs.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::SystemTime;

/// The root of the workspace.
pub fn workspace() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}

/// Cargo's target directory: `CARGO_TARGET_DIR`, or `target` in the workspace.
pub fn target_dir() -> &'static Path {
    static DIR: OnceLock<PathBuf> = OnceLock::new();
    DIR.get_or_init(|| {
        let dir = std::env::var_os("CARGO_TARGET_DIR").unwrap_or_else(|| "target".into());
        let root = workspace().canonicalize().expect("the workspace exists");
        root.join(dir) // An absolute directory replaces the root.
    })
}

/// The absolute path of `libsockshim.so`: `SOCKSHIM_SO` if it is set, else the release build, which is built once per
/// process if it is not up to date. Concurrent test processes wait for each other on cargo's own lock.
pub fn shim() -> &'static Path {
    static SHIM: OnceLock<PathBuf> = OnceLock::new();
    SHIM.get_or_init(|| match std::env::var_os("SOCKSHIM_SO") {
        Some(path) => {
            Path::new(&path).canonicalize().unwrap_or_else(|error| panic!("SOCKSHIM_SO={path:?}: {error}"))
        }
        None => {
            let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
            let mut build = Command::new(cargo);
            build.args([
                "build",
                "--release",
                "-p",
                "sockshim-preload",
                "-p",
                "sockshim-rulefile",
                "-p",
                "sockshim-kmod",
                "-p",
                "sockshim-can",
                "-p",
                "sockshim-can-engine",
                "--target-dir",
            ]);
            build.arg(target_dir());
            succeed(build.current_dir(workspace()).env_remove("LD_PRELOAD"));
            target_dir().join("release/libsockshim.so")
        }
    })
}

/// The library that `SOCKSHIM_TEST_SO` names, else the one with the feature `test-support`, which reads `SOCKSHIM_PANIC` and `SOCKSHIM_WITHOUT_FAST_PATH`, and
/// exports `sockshim_fd_view`. It is built even if `SOCKSHIM_SO` is set, because a released library does not have the
/// feature.
pub fn test_shim() -> &'static Path {
    static SHIM: OnceLock<PathBuf> = OnceLock::new();
    SHIM.get_or_init(|| {
        if let Some(path) = std::env::var_os("SOCKSHIM_TEST_SO") {
            return path.into();
        }
        let target = target_dir().join("test-support");
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let mut build = Command::new(cargo);
        build.args(["build", "--release", "-p", "sockshim-preload", "--features", "test-support"]);
        succeed(build.arg("--target-dir").arg(&target).current_dir(workspace()).env_remove("LD_PRELOAD"));
        target.join("release/libsockshim.so")
    })
}

/// Compiles `c-tests/<source>`, unless the program is newer than the source. Returns the path of the program.
///
/// Flags come from the caller and from the source's `// cflags:` line, in this order, and are part of the program's
/// name. The compiler writes to a temporary name and the result is renamed, so that another test process never runs
/// an unfinished program.
pub fn cc(source: &str, flags: &[&str]) -> PathBuf {
    static SERIAL: AtomicU32 = AtomicU32::new(0);
    let path = workspace().join("c-tests").join(source);
    let own_flags = directive(&path, "cflags").unwrap_or_default();
    let flags: Vec<&str> = flags.iter().copied().chain(own_flags.split_whitespace()).collect();

    let suffix: String = flags.iter().flat_map(|flag| flag.chars()).map(file_name_char).collect();
    let program = target_dir().join("c-tests").join(source.trim_end_matches(".c").to_string() + &suffix);
    if modified(&program).is_some_and(|built| built > newest_source(&path)) {
        return program;
    }

    fs::create_dir_all(program.parent().expect("a program is in a directory")).expect("the target directory");
    let serial = SERIAL.fetch_add(1, Ordering::Relaxed);
    let unfinished = program.with_extension(format!("{}-{serial}.tmp", std::process::id()));
    let mut compiler = Command::new("cc");
    compiler.args(["-O1", "-Wall", "-Wextra", "-Werror", "-pthread", "-o"]).arg(&unfinished).arg(&path);
    succeed(compiler.args(flags).env_remove("LD_PRELOAD")); // Last, since a library comes after its user.
    fs::rename(&unfinished, &program).expect("renaming a compiled program");
    program
}

/// The rest of the line `// <name>: …` in the comment at the beginning of a C program.
pub fn directive(source: &Path, name: &str) -> Option<String> {
    let text = fs::read_to_string(source).unwrap_or_else(|error| panic!("{}: {error}", source.display()));
    let comments = text.lines().map_while(|line| line.strip_prefix("//"));
    comments
        .filter_map(|line| line.trim_start().strip_prefix(name)?.strip_prefix(':'))
        .map(|value| value.trim().to_string())
        .next()
}

fn file_name_char(c: char) -> char {
    if c.is_ascii_alphanumeric() || "-=_".contains(c) { c } else { '_' }
}

/// The modification time of the source or of the headers that all programs share, or those beside it, whichever is later.
fn newest_source(path: &Path) -> SystemTime {
    let beside = path.parent().map(Path::to_path_buf);
    let directories = [workspace().join("c-tests")].into_iter().chain(beside);
    let entries = directories.flat_map(|directory| fs::read_dir(directory).expect("c-tests exists"));
    let headers = entries.filter_map(|entry| Some(entry.ok()?.path()));
    let headers = headers.filter(|path| path.extension().is_some_and(|extension| extension == "h"));
    let newest = headers.chain([path.to_path_buf()]).filter_map(|path| modified(&path)).max();
    newest.unwrap_or_else(|| panic!("{} does not exist", path.display()))
}

fn modified(path: &Path) -> Option<SystemTime> {
    fs::metadata(path).and_then(|metadata| metadata.modified()).ok()
}

fn succeed(command: &mut Command) {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?} failed, {}:\n{stderr}", output.status);
}
