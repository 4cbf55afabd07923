//! The program that a call is about to start: whether the library will be loaded into it.
//!
//! The file is examined on the program's own thread, because a relative path is relative to its current directory;
//! and before the call, because a successful exec does not return. It uses raw system calls only. The file is tested
//! with stat first, so that opening never waits for a FIFO or a device. Signals are blocked while it is open, so that
//! no handler forks with the descriptor or jumps out of here. During that time other threads can see the descriptor,
//! and a child that one of them forks keeps it.

use crate::{environment, identity, memory, sys};
use core::ffi::{CStr, c_int};
use sockshim_core::verdict::Reason;
use sockshim_elf::Source;
use sockshim_elf::file::{FileFormat, examine};
use sockshim_elf::obstacle::Obstacle;
use sockshim_elf::privilege::{self, Caller, ExecFile};
use sockshim_elf::script::{self, HEAD, NESTING};

const PATH_MAX: usize = libc::PATH_MAX as usize;
const NAME_MAX: usize = 255;
/// The directories that execvp(3) searches when PATH is not set.
const DEFAULT_PATH: &[u8] = b"/bin:/usr/bin";

/// How a call names its program.
pub enum ProgramName {
    /// By a path, relative to a descriptor, with the flags of execveat(2).
    At(c_int, i64, c_int),
    /// By a name that is searched in PATH if it has no slash.
    Searched(i64),
    /// By a descriptor.
    Open(c_int),
    /// By a path or name that file actions may change the meaning of: only an absolute path can be examined.
    Elsewhere(i64),
}

/// Why the new program will not be seen, if its file shows that.
pub fn reason(named: &ProgramName) -> Option<Reason> {
    if identity::is_sandboxed() {
        return None;
    }
    let mut path = [0; PATH_MAX];
    let obstacle = match *named {
        ProgramName::At(dir, address, flags) => judge(dir, memory::c_string(address, &mut path)?, flags),
        ProgramName::Open(fd) => judge(fd, c"", libc::AT_EMPTY_PATH),
        ProgramName::Searched(address) => search(address, &mut path),
        ProgramName::Elsewhere(address) => {
            let path = memory::c_string(address, &mut path)?;
            if path.to_bytes().first() != Some(&b'/') {
                return None;
            }
            judge(libc::AT_FDCWD, path, 0)
        }
    };
    obstacle.map(|obstacle| match obstacle {
        Obstacle::Static => Reason::ExecStatic,
        Obstacle::Go => Reason::ExecGo,
        Obstacle::SetId => Reason::ExecSetuid,
        Obstacle::Capabilities => Reason::ExecCaps,
        Obstacle::OtherLibc => Reason::ExecOtherLibc,
        Obstacle::OtherArchitecture => Reason::ExecOtherArch,
        Obstacle::AddressSanitizer => Reason::ExecAsan,
        Obstacle::ThreadSanitizer => Reason::ExecTsan,
    })
}

/// Whether there is such a program to start, as far as its name shows.
pub fn may_start(named: &ProgramName) -> bool {
    let mut path = [0; PATH_MAX];
    match *named {
        ProgramName::At(dir, address, flags) => {
            memory::c_string(address, &mut path).is_some_and(|path| sys::may_execute(dir, path, flags))
        }
        _ => true,
    }
}

/// The search of execvp(3): the first executable file in PATH.
fn search(address: i64, path: &mut [u8; PATH_MAX]) -> Option<Obstacle> {
    let name = memory::c_string(address, path)?.to_bytes();
    if name.contains(&b'/') {
        return judge(libc::AT_FDCWD, CStr::from_bytes_until_nul(path).ok()?, 0);
    }
    let length = name.len();
    if length == 0 || length > NAME_MAX {
        return None;
    }
    let mut kept = [0; NAME_MAX];
    kept[..length].copy_from_slice(name);
    // SAFETY: libc's execvp is about to read the same variable in the same way.
    let directories = unsafe {
        let path = libc::getenv(c"PATH".as_ptr());
        if path.is_null() { DEFAULT_PATH } else { CStr::from_ptr(path).to_bytes() }
    };
    for directory in directories.split(|byte| *byte == b':') {
        // An empty element means the current directory.
        let slash: &[u8] = if directory.is_empty() { b"" } else { b"/" };
        let mut end = 0;
        let fits = [directory, slash, &kept[..length], b"\0"].into_iter().all(|part| {
            let buffer = path.get_mut(end..end + part.len());
            end += part.len();
            buffer.map(|buffer| buffer.copy_from_slice(part)).is_some()
        });
        let Some(candidate) = fits.then(|| CStr::from_bytes_until_nul(path).ok()).flatten() else { continue };
        if is_executable(libc::AT_FDCWD, candidate, 0) {
            return judge(libc::AT_FDCWD, candidate, 0);
        }
    }
    None
}

/// Whether exec would accept it: a regular file with permission. Anything else fails, and opening a FIFO would hang.
fn is_executable(dir: c_int, path: &CStr, flags: c_int) -> bool {
    sys::stat_at(dir, path, flags).is_ok_and(is_regular) && sys::may_execute(dir, path, flags)
}

fn is_regular(stat: sys::Stat) -> bool {
    stat.mode & libc::S_IFMT == libc::S_IFREG
}

/// What keeps the library out of a file or, if it is a script, out of its interpreter.
fn judge(dir: c_int, path: &CStr, flags: c_int) -> Option<Obstacle> {
    let mut interpreter = [0; HEAD + 1];
    let mut step = look(dir, path, flags, &mut interpreter)?;
    for _ in 0..NESTING {
        let Examined::Script = step else { break };
        let mut next = [0; HEAD + 1];
        step = look(libc::AT_FDCWD, CStr::from_bytes_until_nul(&interpreter).ok()?, 0, &mut next)?;
        interpreter = next;
    }
    match step {
        Examined::Obstacle(obstacle) => obstacle,
        Examined::Script => None,
    }
}

enum Examined {
    Obstacle(Option<Obstacle>),
    /// A script, whose interpreter was copied.
    Script,
}

/// Examines one file. `None` if exec will fail, or if the file cannot be read.
fn look(dir: c_int, path: &CStr, flags: c_int, interpreter: &mut [u8; HEAD + 1]) -> Option<Examined> {
    if !is_executable(dir, path, flags) {
        return None;
    }
    let mask = sys::block_signals();
    let step = open(dir, path, flags).and_then(|fd| {
        let step = look_into(&Fd(fd), interpreter);
        sys::close(fd);
        step
    });
    sys::restore_signals(mask);
    step
}

fn open(dir: c_int, path: &CStr, flags: c_int) -> Option<c_int> {
    let how = libc::O_RDONLY | libc::O_CLOEXEC | libc::O_NONBLOCK | libc::O_NOCTTY;
    if !path.is_empty() {
        let follow = if flags & libc::AT_SYMLINK_NOFOLLOW != 0 { libc::O_NOFOLLOW } else { 0 };
        return sys::open_at(dir, path, how | follow).ok();
    }
    // The descriptor may not be readable (O_PATH, O_WRONLY), or its offset may be shared, so the file is opened
    // again.
    let mut name = *b"/proc/self/fd/\0\0\0\0\0\0\0\0\0\0\0\0";
    let (mut digits, mut left, mut at) = ([0_u8; 10], dir.unsigned_abs(), 0);
    loop {
        digits[at] = b'0' + (left % 10) as u8;
        (left, at) = (left / 10, at + 1);
        if left == 0 {
            break;
        }
    }
    const PREFIX: usize = b"/proc/self/fd/".len();
    for (slot, digit) in name[PREFIX..].iter_mut().zip(digits[..at].iter().rev()) {
        *slot = *digit;
    }
    sys::open_at(libc::AT_FDCWD, CStr::from_bytes_until_nul(&name).ok()?, how).ok()
}

struct Fd(c_int);

impl Source for Fd {
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> usize {
        let Ok(offset) = i64::try_from(offset) else { return 0 };
        let mut count = 0;
        while count < buffer.len() {
            match sys::pread(self.0, &mut buffer[count..], offset.saturating_add(count as i64)) {
                Ok(read @ 1..) => count += read,
                _ => break,
            }
        }
        count
    }
}

fn look_into(fd: &Fd, interpreter: &mut [u8; HEAD + 1]) -> Option<Examined> {
    let stat = sys::stat_at(fd.0, c"", libc::AT_EMPTY_PATH).ok().filter(|stat| is_regular(*stat))?;
    match examine(fd) {
        FileFormat::Script => {
            let mut head = [0; HEAD];
            let count = fd.read_at(0, &mut head);
            let script = script::parse(&head[..count])?;
            interpreter.get_mut(..script.interpreter.len())?.copy_from_slice(script.interpreter);
            Some(Examined::Script)
        }
        FileFormat::Elf(elf) => Some(Examined::Obstacle(elf.obstacle().or_else(|| secure(fd, stat)))),
        FileFormat::Empty | FileFormat::Broken(_) | FileFormat::Unknown => None,
    }
}

/// Whether the program starts in secure mode.
fn secure(fd: &Fd, stat: sys::Stat) -> Option<Obstacle> {
    let ([ruid, euid, _], [rgid, egid, _]) = (sys::resuid(), sys::resgid());
    let mut value = [0; 64];
    let length = sys::attribute(fd.0, c"security.capability", &mut value).unwrap_or(0);
    let capabilities = privilege::grants(&value[..length.min(value.len())]);
    let asks = capabilities || privilege::has_set_id(stat.mode);
    let nosuid = asks && sys::is_nosuid(fd.0);
    let no_new_privs = asks && sys::no_new_privs();
    let file = ExecFile { mode: stat.mode, uid: stat.uid, gid: stat.gid, capabilities, nosuid };
    privilege::secure(&file, &Caller { ruid, euid, rgid, egid, no_new_privs })
}

/// Whether an environment loads the library before AddressSanitizer's runtime, which then ends the program.
pub fn comes_before_asan(environment: i64) -> bool {
    environment::survey(environment as *const _).is_none_or(|survey| match survey.names_us {
        true => !survey.asan_is_first,
        // The entry that propagation adds comes first.
        false => crate::mode::propagates(),
    })
}

/// Whether the environment that is passed on contains what a new program needs to be logged.
pub fn gets_environment(environment: i64) -> bool {
    crate::mode::propagates() || identity::is_sandboxed() || environment::is_complete(environment as *const _)
}
