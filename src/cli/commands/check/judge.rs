//! The judgement of one program.

use super::contents;
use super::dependencies::Dependencies;
use super::env::{self, EnvTarget};
use super::find::{self, Missing};
use super::linking;
use super::words;
use crate::hook_table::HOOKS;
use rustix::fs::{StatVfsMountFlags, getxattr, statvfs};
use rustix::process::{getegid, geteuid, getgid, getuid};
use rustix::thread::no_new_privs;
use sockshim_elf::file::{FileFormat, examine};
use sockshim_elf::linking::{Elf, Linking};
use sockshim_elf::obstacle::Obstacle;
use sockshim_elf::privilege::{self, Caller, ExecFile};
use sockshim_elf::script::{self, HEAD, NESTING};
use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// The result for one program.
pub struct Judgement {
    /// The program, as given on the command line.
    pub program: OsString,
    /// The file and, for a script, each further file that is executed in its place.
    pub files: Vec<PathBuf>,
    /// The verdict.
    pub verdict: Coverage,
    /// The sentence that explains it.
    pub why: String,
    /// What will not be seen although the library is loaded.
    pub warnings: Vec<String>,
}

/// Whether the library sees a program's calls.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Coverage {
    /// The library is loaded into it.
    Fine,
    /// The library is not loaded, ends the program, or does not see all calls.
    Not(Obstacle),
    /// The file has no format that the kernel executes.
    NotAProgram,
    /// The file cannot be read.
    Unreadable,
    /// The kernel refuses to execute it.
    NotExecutable,
    /// There is no such file.
    NotFound,
}

impl Coverage {
    /// The stable word for it in JSON.
    pub fn code(self) -> &'static str {
        match self {
            Coverage::Fine => "fine",
            Coverage::Not(obstacle) => obstacle.row().code,
            Coverage::NotAProgram => "not-a-program",
            Coverage::Unreadable => "unreadable",
            Coverage::NotExecutable => "not-executable",
            Coverage::NotFound => "not-found",
        }
    }

    /// The exit code. 125 to 127 have the same meaning as for env(1) and timeout(1).
    pub fn exit(self) -> u8 {
        match self {
            Coverage::Fine => 0,
            Coverage::Not(obstacle) => obstacle.row().exit,
            Coverage::NotAProgram => 16,
            Coverage::Unreadable => 125,
            Coverage::NotExecutable => 126,
            Coverage::NotFound => 127,
        }
    }
}

/// Judges what executing `program` would start.
pub fn program(program: &OsStr) -> Judgement {
    let mut files = Vec::new();
    let mut warnings = Vec::new();
    let (verdict, why) = match find::program(program) {
        Ok(path) => follow(path, &mut files, &mut warnings),
        Err(Missing::NotFound) if Path::new(program).is_file() => (
            Coverage::NotFound,
            "it is in no directory of PATH; a file here is ./FILE, and one of rules is *.toml".into(),
        ),
        Err(missing) => absent(missing, "it"),
    };
    Judgement { program: program.to_os_string(), files, verdict, why, warnings }
}

/// A verdict with its sentence.
pub type Explained = (Coverage, String);

fn absent(missing: Missing, what: &str) -> Explained {
    match missing {
        Missing::NotFound => (Coverage::NotFound, format!("{what} is not there")),
        Missing::NotExecutable(path, why) => {
            (Coverage::NotExecutable, format!("the kernel refuses {}: {why}", path.display()))
        }
    }
}

/// Judges a file; a script by its interpreter, which the kernel would start.
fn follow(first: PathBuf, files: &mut Vec<PathBuf>, warnings: &mut Vec<String>) -> Explained {
    let mut path = first;
    for _ in 0..=NESTING {
        let data = match fs::read(&path) {
            Ok(data) => data,
            Err(error) => {
                files.push(path);
                return (Coverage::Unreadable, format!("it cannot be read: {error}"));
            }
        };
        files.push(path.clone());
        let finding = match examine(&data[..]) {
            FileFormat::Script => match interpreter(&data, warnings) {
                Ok(next) => {
                    path = next;
                    continue;
                }
                Err(finding) => finding,
            },
            FileFormat::Elf(elf) => program_file(&path, &data, &elf, warnings),
            FileFormat::Empty => (Coverage::NotAProgram, "the file is empty".into()),
            FileFormat::Broken(why) => {
                (Coverage::NotAProgram, format!("the kernel refuses the ELF file: {why}"))
            }
            FileFormat::Unknown => (Coverage::NotAProgram, words::UNKNOWN.into()),
        };
        return (finding.0, words::through(files, finding.1));
    }
    (Coverage::NotExecutable, "its interpreters are scripts that never end in a program (ELOOP)".into())
}

/// The next file that is executed in a script's place.
fn interpreter(data: &[u8], warnings: &mut Vec<String>) -> Result<PathBuf, Explained> {
    let head = &data[..data.len().min(HEAD)];
    let Some(script) = script::parse(head) else {
        return Err((
            Coverage::NotAProgram,
            "its #! line names no interpreter that the kernel understands".into(),
        ));
    };
    let path = Path::new(OsStr::from_bytes(script.interpreter));
    let named = |path: &Path| format!("the interpreter {}", path.display());
    find::executable(path).map_err(|missing| absent(missing, &named(path)))?;
    let (true, Some(argument)) = (env::is_env(path), script.argument) else { return Ok(path.to_path_buf()) };
    let name = match env::asked(argument) {
        EnvTarget::Unclear => return Ok(path.to_path_buf()),
        EnvTarget::Program(name) => name,
        EnvTarget::Cleared(name) => {
            warnings.push(words::CLEARED.into());
            name
        }
    };
    // env(1) itself only passes the environment on, so its linking does not matter.
    find::program(name).map_err(|missing| absent(missing, &named(Path::new(name))))
}

/// Judges an ELF file.
fn program_file(path: &Path, data: &[u8], elf: &Elf, warnings: &mut Vec<String>) -> Explained {
    if elf.linking == Linking::Library {
        return (Coverage::NotAProgram, "it is a shared library".into());
    }
    let refused = |obstacle, why| (Coverage::Not(obstacle), why);
    let linker = match elf.linking {
        Linking::Dynamic(interpreter) => {
            let linker = PathBuf::from(OsStr::from_bytes(interpreter.path()));
            if let Err(finding) = linking::linker(&linker, elf) {
                return finding;
            }
            Some(linker)
        }
        _ => None,
    };
    // These are decided elsewhere: the dynamic linker was found to be glibc's, whatever its name, and the sanitizers
    // are checked later.
    let passed = [Obstacle::OtherLibc, Obstacle::AddressSanitizer, Obstacle::ThreadSanitizer];
    if let Some(obstacle) = elf.obstacle().filter(|obstacle| !passed.contains(obstacle)) {
        return refused(obstacle, words::of_file(obstacle, elf));
    }
    let (file, caller) = (inode(path), caller());
    if let Some(obstacle) = privilege::secure(&file, &caller) {
        return refused(obstacle, words::of_inode(obstacle, &file, &caller));
    }
    let contents = contents::read(data, HOOKS);
    if contents.replaces_clone {
        return refused(Obstacle::ThreadSanitizer, words::THREAD_SANITIZER.into());
    }
    let needed = Dependencies::read(data).needed;
    if let Some(linker) = linker
        && let Err(finding) = linking::libraries(path, data, &linker, &needed)
    {
        return finding;
    }
    if contents.io_uring || needed.iter().any(|name| name.starts_with("liburing")) {
        warnings.push(words::IO_URING.into());
    }
    if !contents.own_hooks.is_empty() {
        warnings.push(format!("{}: {}", words::OWN_HOOKS, contents.own_hooks.join(", ")));
    }
    (Coverage::Fine, words::fine(elf, &file))
}

fn inode(path: &Path) -> ExecFile {
    let Ok(metadata) = fs::metadata(path) else { return ExecFile::default() };
    let mut attribute = [0; 64];
    let length = getxattr(path, "security.capability", &mut attribute[..]).unwrap_or(0);
    let nosuid = statvfs(path).is_ok_and(|mount| mount.f_flag.contains(StatVfsMountFlags::NOSUID));
    ExecFile {
        mode: metadata.mode(),
        uid: metadata.uid(),
        gid: metadata.gid(),
        capabilities: privilege::grants(&attribute[..length]),
        nosuid,
    }
}

fn caller() -> Caller {
    Caller {
        ruid: getuid().as_raw(),
        euid: geteuid().as_raw(),
        rgid: getgid().as_raw(),
        egid: getegid().as_raw(),
        no_new_privs: no_new_privs().unwrap_or(false),
    }
}
