//! What the writer sees of the program from outside: whether it is there, its name, its namespaces.
//!
//! `/proc` may be that of another pid namespace, where the program's number is somebody else's. So nothing is asked there
//! before it has been seen to be the right one.

use super::control;
use crate::log::message::Text;
use crate::log::refine;
use crate::{identity, sys};
use core::ffi::CStr;
use core::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
use libc::c_int;
use std::io::Write;

/// The signal that tells of the program's end. Where it is not expected, it is ignored.
const END: c_int = libc::SIGURG;
/// How old the program's name may be, in nanoseconds.
const NAME_AGE: u64 = 10_000_000;
/// After so many rounds the writer looks whether the program has become another one by an exec that no hook saw.
const ROUNDS: u32 = 64;

/// A word that only this program has here.
static MARK: AtomicU64 = AtomicU64::new(0);
/// Set when the program is in other namespaces.
static MOVED: AtomicBool = AtomicBool::new(false);

/// The main thread's name when the writer was made; all zero where another thread made it.
static FIRST: [AtomicU8; 16] = [const { AtomicU8::new(0) }; 16];

/// Before the writer is made: the name of the events that are there before it looks for one.
pub fn note_first_name() {
    let mut name = [0; 16];
    if identity::tid() == identity::pid() {
        sys::name(&mut name);
    }
    FIRST.iter().zip(name).for_each(|(to, from)| to.store(from, Ordering::Relaxed));
}

/// The program has moved to other namespaces.
pub fn moved() {
    MOVED.store(true, Ordering::Release);
}

/// The program, as its writer sees it.
pub struct Program {
    pid: i32,
    /// Whether it is the writer's parent; else the writer is one of its threads.
    is_parent: bool,
    /// `/proc/PID/comm`, if it can be read.
    comm: Option<c_int>,
    /// When the name was read.
    read_at: u64,
    rounds: u32,
}

impl Program {
    /// The program with the id `pid`, whose threads the writer does not belong to if it `is_parent`.
    pub fn new(pid: i32, is_parent: bool) -> Program {
        MARK.store(sys::monotonic() ^ (u64::from(pid as u32) << 32), Ordering::Relaxed);
        Program { pid, is_parent, comm: open_comm(pid), read_at: 0, rounds: 0 }
    }

    /// Has the kernel interrupt the writer's sleep when the program ends. To be done again after a change of user.
    pub fn watch(&self) {
        if self.is_parent {
            sys::interrupt_sleep_at(END, control::interrupted);
            sys::signal_parents_end(END);
        }
    }

    /// Whether it has ended, or has become another program.
    pub fn is_gone(&mut self) -> bool {
        if !self.is_parent {
            return false;
        }
        self.rounds = self.rounds.wrapping_add(1);
        sys::getppid() != self.pid || (self.rounds.is_multiple_of(ROUNDS) && self.is_another())
    }

    /// After an exec the memory at the same address is not there, or has something else in it. What cannot be asked counts
    /// for nothing.
    fn is_another(&self) -> bool {
        let mut seen = 0_u64;
        let piece = |base: *mut u64| [libc::iovec { iov_base: base.cast(), iov_len: size_of::<u64>() }];
        // SAFETY: the local piece is a local variable.
        match unsafe { sys::copy_memory(self.pid, &piece(&raw mut seen), &piece(MARK.as_ptr())) } {
            Ok(_) => seen != MARK.load(Ordering::Relaxed),
            Err(errno) => errno == libc::EFAULT,
        }
    }

    /// Its name when the writer was made; where that is not known, what `/proc` says, or what the kernel has called it after
    /// its file.
    pub fn first_name<'a>(&mut self, buffer: &'a mut [u8; 17]) -> &'a [u8] {
        buffer.iter_mut().zip(&FIRST).for_each(|(to, from)| *to = from.load(Ordering::Relaxed));
        if buffer[0] != 0 {
            return buffer.split(|byte| *byte == 0).next().unwrap_or_default();
        }
        let len = self.read_name(buffer).unwrap_or_else(|| {
            let mut name = [0; 16];
            let name = identity::name(&mut name);
            buffer[..name.len()].copy_from_slice(name);
            name.len()
        });
        &buffer[..len]
    }

    /// Its name, if that was not looked at for some time: the main thread's, without the line feed behind it.
    pub fn name<'a>(&mut self, buffer: &'a mut [u8; 17]) -> Option<&'a [u8]> {
        let old = sys::monotonic().saturating_sub(self.read_at) >= NAME_AGE;
        let len = if old { self.read_name(buffer)? } else { return None };
        Some(&buffer[..len])
    }

    fn read_name(&mut self, buffer: &mut [u8; 17]) -> Option<usize> {
        self.read_at = sys::monotonic();
        let len = sys::pread(self.comm?, buffer, 0).ok()?;
        // The last line feed is the file's; one before it belongs to the name.
        buffer[..len].ends_with(b"\n").then(|| len - 1)
    }

    /// One namespace after the other: for a network namespace of its own making the program may need its user namespace.
    fn followed(&self) -> bool {
        let Ok(program) = sys::pidfd_open(self.pid) else { return false };
        // To enter the user namespace that one is in is an error.
        let user = matches!(sys::setns(program, libc::CLONE_NEWUSER), Ok(()) | Err(libc::EINVAL));
        let network = sys::setns(program, libc::CLONE_NEWNET).is_ok();
        sys::close(program);
        user && network
    }

    /// Follows it into other namespaces, so that the running kernel gives the same answers to both.
    pub fn follow(&self) {
        if !MOVED.swap(false, Ordering::AcqRel) || !self.is_parent {
            return;
        }
        if !self.followed() {
            refine::lose();
        }
        refine::forget();
    }
}

fn open_comm(pid: i32) -> Option<c_int> {
    open_file(pid, "comm", libc::O_RDONLY).ok()
}

/// The program's stderr, which the writer's own table does not have.
pub fn open_stderr(flags: c_int) -> sys::Result<c_int> {
    open_file(identity::pid(), "fd/2", flags)
}

/// A file of `/proc/PID`.
fn open_file(pid: i32, name: &str, flags: c_int) -> sys::Result<c_int> {
    if !proc_is_ours() {
        return Err(libc::ENOENT);
    }
    let mut path = Text::new();
    // A `Text` takes everything.
    let _ = write!(path, "/proc/{pid}/{name}\0");
    let path = CStr::from_bytes_with_nul(path.bytes()).map_err(|_| libc::ENAMETOOLONG)?;
    sys::open(path, flags | libc::O_CLOEXEC, 0)
}

/// Whether `/proc` has the numbers of this pid namespace.
fn proc_is_ours() -> bool {
    let (mut own, mut target) = (Text::new(), [0; 16]);
    // A `Text` takes everything.
    let _ = write!(own, "{}", sys::getpid());
    sys::read_link(c"/proc/self", &mut target).is_ok_and(|len| target[..len] == *own.bytes())
}
