//! The library's own variables: what they were when the program started, and what a new program would get of them.
//!
//! # Safety
//! An environment is the program's memory: a vector of C strings that any pointer may claim to be. [`survey`] has the
//! kernel copy all that is looked at, so that a bad pointer is an answer and no fault. What it has seen is read directly
//! afterwards, as libc would read it.
//!
//! Everything here may run in a vfork child: it writes to the stack only.

use crate::{memory, sys};
use core::ffi::{CStr, c_char, c_void};
use core::ptr;
use core::sync::atomic::{AtomicPtr, Ordering};
use libc::iovec;
use sockshim_core::config::NAMES;
use sockshim_elf::sanitizer::Sanitizer;

const PRELOAD: &[u8] = b"LD_PRELOAD=";
const PREFIX: &[u8] = b"SOCKSHIM_";
const LOG: &[u8] = b"SOCKSHIM_LOG=";
/// How many variables there are.
const MOST: usize = NAMES.len();
/// How much of a line is looked at to find its name. A longer name is none of ours.
const HEAD: usize = 32;
/// How many lines one system call copies.
const BATCH: usize = 16;
const PAGE: usize = 4096;

/// The variables as they were at the start.
pub struct Own {
    /// What to put into `LD_PRELOAD`; empty where the library came by another way.
    pub entry: &'static [u8],
    /// Every line of a variable of [`NAMES`]; the first one of each, which is the one that counts.
    lines: [Option<&'static CStr>; MOST],
    file: Option<sys::Stat>,
}

static OWN: AtomicPtr<Own> = AtomicPtr::new(ptr::null_mut());

/// The variables that [`remember`] has kept.
pub fn own() -> Option<&'static Own> {
    // SAFETY: the pointer is null or a leaked box.
    unsafe { OWN.load(Ordering::Acquire).as_ref() }
}

/// Remembers the variables. Called once, by the constructor.
pub fn remember(lines: impl Iterator<Item = &'static CStr>) {
    let mut own = Own { entry: &[], lines: [None; MOST], file: None };
    for line in lines {
        let bytes = line.to_bytes();
        if let Some(list) = bytes.strip_prefix(PRELOAD) {
            // The dynamic linker reads the last one.
            own.entry = entry_in(list);
        } else if let Some(index) = NAMES.iter().position(|name| is_named(bytes, name))
            && own.lines[index].is_none()
        {
            // Copied, because the program may write over its environment (setproctitle does).
            own.lines[index] = Some(Box::leak(Box::<CStr>::from(line)));
        }
    }
    own.file = with_terminator(own.entry, |path| sys::stat_at(libc::AT_FDCWD, path, 0)).and_then(Result::ok);
    OWN.store(Box::leak(Box::new(own)), Ordering::Release);
}

/// Gives the variable another value in the program's environment, for whatever the program starts; the value as it stands
/// there now.
///
/// # Safety
/// `environment` must be the one that the program was started with, while nobody else looks at it.
pub unsafe fn replace(environment: *const *const c_char, name: &str, value: &[u8]) -> Option<&'static [u8]> {
    let line = [name.as_bytes(), b"=", value, b"\0"].concat();
    let line = CStr::from_bytes_with_nul(Box::leak(line.into_boxed_slice())).ok()?;
    let mut place = environment.cast_mut();
    loop {
        // SAFETY: the caller's promise; the vector ends with a null.
        let old = unsafe { *place };
        if old.is_null() {
            return None;
        }
        // SAFETY: an environment's lines are C strings.
        if is_named(unsafe { CStr::from_ptr(old) }.to_bytes(), name) {
            // SAFETY: the kernel has put the vector on the stack, where it can be written.
            unsafe { *place = line.as_ptr() };
            return line.to_bytes().get(name.len() + 1..);
        }
        // SAFETY: the end has not been reached.
        place = unsafe { place.add(1) };
    }
}

/// The entry of `LD_PRELOAD` that is this library, as one that works in every directory and environment.
fn entry_in(list: &[u8]) -> &'static [u8] {
    let loaded = sys::elf::own_path().to_bytes();
    fn name(path: &[u8]) -> Option<&[u8]> {
        path.rsplit(|byte| *byte == b'/').next()
    }
    let ours = |entry: &&[u8]| !entry.is_empty() && (*entry == loaded || name(entry) == name(loaded));
    let Some(entry) = list.split(is_separator).find(ours) else { return &[] };
    match entry {
        // `$LIB` and the like are the dynamic linker's to expand.
        [b'/' | b'$', ..] => Box::leak(Box::from(entry)),
        // Found through LD_LIBRARY_PATH, which the new program may not have.
        _ if !entry.contains(&b'/') => Box::leak(Box::from(loaded)),
        _ => {
            let mut directory = [0; PAGE];
            let length = sys::current_directory(&mut directory).unwrap_or(0);
            if length <= 1 {
                return &[];
            }
            let entry = entry.strip_prefix(b"./").unwrap_or(entry);
            let absolute = [&directory[..length - 1], entry].join(&b'/');
            Box::leak(absolute.into_boxed_slice())
        }
    }
}

fn is_separator(byte: &u8) -> bool {
    *byte == b':' || *byte == b' '
}

/// What an environment has of ours.
pub struct Survey {
    /// How many lines there are.
    pub count: usize,
    /// The place and the value of the `LD_PRELOAD` that counts.
    pub preload: Option<(usize, *const c_char, usize)>,
    /// Whether that names the library.
    pub names_us: bool,
    /// Whether the first that it names is the runtime of AddressSanitizer.
    pub asan_is_first: bool,
    /// Which of [`Own`]'s lines are there, one bit each.
    present: u32,
    /// Whether there is a `SOCKSHIM_LOG`.
    pub has_log: bool,
}

impl Survey {
    /// The lines that are missing.
    pub fn missing<'a>(&'a self, own: &'a Own) -> impl Iterator<Item = &'static CStr> + 'a {
        let lines = own.lines.iter().enumerate();
        lines.filter(|(index, _)| self.present & (1 << index) == 0).filter_map(|(_, line)| *line)
    }
}

/// Looks through an environment. `None` where it cannot be read, or nothing was remembered.
pub fn survey(environment: *const *const c_char) -> Option<Survey> {
    let own = own()?;
    let pid = sys::getpid();
    let mut survey =
        Survey { count: 0, preload: None, names_us: false, asan_is_first: false, present: 0, has_log: false };
    let mut at = environment as usize;
    while at != 0 {
        let mut lines = [0_usize; BATCH];
        // Up to the end of a page: behind it there may be nothing.
        let wanted = BATCH.min((PAGE - at % PAGE) / size_of::<usize>()).max(1);
        memory::copy(pid, at, memory::bytes_of(&mut lines[..wanted]))?;
        let count = lines[..wanted].iter().position(|line| *line == 0).unwrap_or(wanted);
        survey.look_at(pid, &lines[..count])?;
        if count < wanted {
            break;
        }
        at += wanted * size_of::<usize>();
    }
    if let Some((_, value, length)) = &mut survey.preload {
        (survey.names_us, survey.asan_is_first, *length) = list(own, pid, *value as usize)?;
    }
    Some(survey)
}

impl Survey {
    fn look_at(&mut self, pid: i32, lines: &[usize]) -> Option<()> {
        let mut heads = [[0; HEAD]; BATCH];
        copy_heads(pid, lines, &mut heads)?;
        for (line, head) in lines.iter().zip(&heads) {
            if head.starts_with(PRELOAD) {
                self.preload = Some((self.count, (line + PRELOAD.len()) as *const c_char, 0));
            } else if head.starts_with(PREFIX) {
                self.has_log |= head.starts_with(LOG);
                for (index, name) in NAMES.iter().enumerate() {
                    self.present |= u32::from(is_named(head, name)) << index;
                }
            }
            self.count += 1;
        }
        Some(())
    }
}

/// Whether a line sets the variable.
fn is_named(line: &[u8], name: &str) -> bool {
    line.strip_prefix(name.as_bytes()).is_some_and(|rest| rest.starts_with(b"="))
}

/// Copies the first bytes of each string, in one system call unless one of them crosses a page's end.
fn copy_heads(pid: i32, lines: &[usize], heads: &mut [[u8; HEAD]; BATCH]) -> Option<()> {
    const NONE: iovec = iovec { iov_base: ptr::null_mut(), iov_len: 0 };
    let (mut local, mut remote) = ([NONE; BATCH], [NONE; BATCH]);
    let mut total = 0;
    for (index, line) in lines.iter().enumerate() {
        let length = HEAD.min(PAGE - line % PAGE);
        local[index] = iovec { iov_base: heads[index].as_mut_ptr().cast(), iov_len: length };
        remote[index] = iovec { iov_base: *line as *mut c_void, iov_len: length };
        total += length;
    }
    // SAFETY: each local piece is one of `heads`, as far as that is long.
    let copied = unsafe { sys::copy_memory(pid, &local[..lines.len()], &remote[..lines.len()]) };
    if copied != Ok(total) {
        return None;
    }
    for (index, line) in lines.iter().enumerate() {
        let length = remote[index].iov_len;
        if length < HEAD && !heads[index][..length].contains(&0) {
            memory::copy(pid, line + length, &mut heads[index][length..])?;
        }
    }
    Some(())
}

/// Reads a value of `LD_PRELOAD`: whether it names the library, whether it begins with the runtime of AddressSanitizer,
/// and its length.
fn list(own: &Own, pid: i32, value: usize) -> Option<(bool, bool, usize)> {
    let mut entry = [0_u8; 512];
    let (mut length, mut names_us) = (0, false);
    // The length of the entry, also where it does not fit: then it is longer than ours, and so another one.
    let mut taken = 0;
    let mut asan_is_first = None;
    loop {
        let mut piece = [0; 64];
        let at = value + length;
        let wanted = piece.len().min(PAGE - at % PAGE);
        memory::copy(pid, at, &mut piece[..wanted])?;
        for byte in &piece[..wanted] {
            if *byte != 0 && !is_separator(byte) {
                if let Some(slot) = entry.get_mut(taken) {
                    *slot = *byte;
                }
                taken += 1;
            } else {
                if taken > 0 && asan_is_first.is_none() {
                    asan_is_first = Some(entry.get(..taken).is_some_and(is_asan));
                }
                names_us = names_us || entry.get(..taken).is_some_and(|entry| own.is(entry));
                taken = 0;
            }
            if *byte == 0 {
                return Some((names_us, asan_is_first == Some(true), length));
            }
            length += 1;
        }
    }
}

/// Whether an entry of `LD_PRELOAD` is the runtime of AddressSanitizer.
fn is_asan(entry: &[u8]) -> bool {
    let name = entry.rsplit(|byte| *byte == b'/').next().unwrap_or_default();
    Sanitizer::of_library(name) == Some(Sanitizer::Address)
}

impl Own {
    /// Whether an entry of `LD_PRELOAD` is this library: by its text, or by the file that it names.
    fn is(&self, entry: &[u8]) -> bool {
        if entry.is_empty() || self.entry.is_empty() {
            return false;
        }
        let same_file = || {
            let file =
                with_terminator(entry, |path| sys::stat_at(libc::AT_FDCWD, path, 0)).and_then(Result::ok);
            file.is_some_and(|file| Some(file) == self.file)
        };
        entry == self.entry || (entry.contains(&b'/') && same_file())
    }
}

/// Bytes as a C string, if they are not too many.
fn with_terminator<R>(bytes: &[u8], then: impl FnOnce(&CStr) -> R) -> Option<R> {
    let mut path = [0; 513];
    path.get_mut(..bytes.len())?.copy_from_slice(bytes);
    let path = CStr::from_bytes_until_nul(&path).ok()?;
    (path.to_bytes().len() == bytes.len()).then(|| then(path))
}

unsafe extern "C" {
    /// The program's environment, as getenv(3) sees it.
    static environ: *const *const c_char;
}

/// `environ`.
pub fn of_program() -> *const *const c_char {
    // SAFETY: libc defines it; reading it races with setenv(3) in the program as much as execv(3) itself does.
    unsafe { ptr::read_volatile(&raw const environ) }
}

/// Whether a new program with this environment would be logged. `true` where that cannot be said.
pub fn is_complete(environment: *const *const c_char) -> bool {
    let Some(own) = own().filter(|own| !own.entry.is_empty()) else { return true };
    let logs = own.lines.iter().flatten().any(|line| line.to_bytes().starts_with(LOG));
    survey(environment).is_none_or(|survey| survey.names_us && (survey.has_log || !logs))
}

/// The new `LD_PRELOAD` line for an environment that does not name the library, written to `room` with its end.
pub fn preload_line(own: &Own, survey: &Survey, room: &mut [u8]) -> Option<()> {
    let old = match survey.preload {
        // SAFETY: the survey has read these bytes.
        Some((_, value, length)) => unsafe { core::slice::from_raw_parts(value.cast::<u8>(), length) },
        None => &[],
    };
    let separator: &[u8] = if old.is_empty() { b"" } else { b":" };
    let mut at = 0;
    for part in [PRELOAD, own.entry, separator, old, b"\0"] {
        room.get_mut(at..at + part.len())?.copy_from_slice(part);
        at += part.len();
    }
    Some(())
}

/// How many bytes [`preload_line`] needs.
pub fn preload_size(own: &Own, survey: &Survey) -> usize {
    PRELOAD.len() + own.entry.len() + survey.preload.map_or(0, |(_, _, length)| length) + 2
}
