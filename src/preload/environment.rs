//! The library's own variables: their values at the program's start, and which of them an environment for a new
//! program contains.
//!
//! # Safety
//! An environment is the program's memory, and any pointer may be passed as one. [`survey`] has the kernel copy
//! everything that it looks at, so a bad pointer does not fault. What it has seen may be read directly afterwards, as
//! libc would read it.
//!
//! Everything here may run in a vfork child, so it writes only to the stack.

use crate::{memory, sys};
use core::ffi::{CStr, c_char, c_void};
use core::ptr;
use core::sync::atomic::{AtomicPtr, Ordering};
use libc::iovec;
use sockshim_core::config::{NAMES, PREFIX, variable};
use sockshim_elf::sanitizer::Sanitizer;

const PRELOAD: &[u8] = b"LD_PRELOAD=";
const LOG: &[u8] = b"SOCKSHIM_LOG=";
/// The number of variables.
const MOST: usize = NAMES.len();
/// How many bytes of a line are read to find its name. No name of ours is longer.
const HEAD: usize = 32;
/// How many lines are copied by one system call.
const BATCH: usize = 16;
const PAGE: usize = 4096;

/// A vector of C strings that ends with a null: an environment, or the arguments of exec.
pub type Strings = *const *const c_char;

/// The variables as they were at the start.
pub struct Own {
    /// The entry for `LD_PRELOAD`; empty if the library was not loaded through it.
    pub entry: &'static [u8],
    /// The line of each variable of [`NAMES`]; of several lines with one name the first, which is the one that
    /// counts.
    lines: [Option<&'static CStr>; MOST],
    file: Option<sys::Stat>,
}

static OWN: AtomicPtr<Own> = AtomicPtr::new(ptr::null_mut());

/// The variables that [`remember`] has stored.
pub fn own() -> Option<&'static Own> {
    // SAFETY: the pointer is null or a leaked box.
    unsafe { OWN.load(Ordering::Acquire).as_ref() }
}

/// Stores the variables. The constructor calls it once.
pub fn remember(lines: impl Iterator<Item = &'static CStr>) {
    let mut own = Own { entry: &[], lines: [None; MOST], file: None };
    for line in lines {
        let bytes = line.to_bytes();
        if let Some(list) = bytes.strip_prefix(PRELOAD) {
            // The dynamic linker uses the last `LD_PRELOAD`.
            own.entry = entry_in(list);
        } else if let Some((index, _)) = variable(bytes)
            && own.lines[index].is_none()
        {
            // Copied, because the program may overwrite its environment (setproctitle does).
            own.lines[index] = Some(Box::leak(Box::<CStr>::from(line)));
        }
    }
    own.file = with_terminator(own.entry, |path| sys::stat_at(libc::AT_FDCWD, path, 0)).and_then(Result::ok);
    OWN.store(Box::leak(Box::new(own)), Ordering::Release);
}

/// Puts another variable in the place of one in the program's environment, for whatever the program starts; the value as it
/// stands there now.
///
/// # Safety
/// `environment` must be the one that the program was started with, while nobody else looks at it.
pub unsafe fn replace(
    environment: *const *const c_char,
    name: &str,
    new: &str,
    value: &[u8],
) -> Option<&'static [u8]> {
    let line = [new.as_bytes(), b"=", value, b"\0"].concat();
    let line = CStr::from_bytes_with_nul(Box::leak(line.into_boxed_slice())).ok()?;
    let mut index = environment.cast_mut();
    loop {
        // SAFETY: the caller's promise; the vector ends with a null.
        let old = unsafe { *index };
        if old.is_null() {
            return None;
        }
        // SAFETY: an environment's lines are C strings.
        let old = unsafe { CStr::from_ptr(old) }.to_bytes();
        if variable(old).is_some_and(|(index, _)| NAMES[index] == name) {
            // SAFETY: the kernel has put the vector on the stack, where it can be written.
            unsafe { *index = line.as_ptr() };
            return line.to_bytes().get(new.len() + 1..);
        }
        // SAFETY: the end has not been reached.
        index = unsafe { index.add(1) };
    }
}

/// The entry of `LD_PRELOAD` that is this library, as one that works in every directory and environment.
#[inline(never)]
fn entry_in(list: &[u8]) -> &'static [u8] {
    let loaded = sys::elf::own_path().to_bytes();
    fn name(path: &[u8]) -> Option<&[u8]> {
        path.rsplit(|byte| *byte == b'/').next()
    }
    let ours = |entry: &&[u8]| !entry.is_empty() && (*entry == loaded || name(entry) == name(loaded));
    let Some(entry) = list.split(is_separator).find(ours) else { return &[] };
    match entry {
        // The dynamic linker expands `$LIB` and the like.
        [b'/' | b'$', ..] => Box::leak(Box::from(entry)),
        // It was found through LD_LIBRARY_PATH, which the new program may not have.
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

/// What an environment contains of the library's variables.
pub struct Survey {
    /// The number of lines.
    pub count: usize,
    /// The index and the value of the `LD_PRELOAD` that counts.
    pub preload: Option<(usize, *const c_char, usize)>,
    /// Whether that value names the library.
    pub names_us: bool,
    /// Whether the first entry of that value is AddressSanitizer's runtime.
    pub asan_is_first: bool,
    /// Which of [`Own`]'s lines it contains, one bit each.
    present: u32,
    /// Whether it contains a `SOCKSHIM_LOG`.
    pub has_log: bool,
}

impl Survey {
    /// The lines of [`Own`] that it does not contain.
    pub fn missing<'a>(&'a self, own: &'a Own) -> impl Iterator<Item = &'static CStr> + 'a {
        let lines = own.lines.iter().enumerate();
        lines.filter(|(index, _)| self.present & (1 << index) == 0).filter_map(|(_, line)| *line)
    }
}

/// Searches an environment. `None` if it cannot be read, or if nothing was stored.
pub fn survey(environment: Strings) -> Option<Survey> {
    let own = own()?;
    let pid = sys::getpid();
    let mut survey =
        Survey { count: 0, preload: None, names_us: false, asan_is_first: false, present: 0, has_log: false };
    let mut at = environment as usize;
    while at != 0 {
        let mut lines = [0_usize; BATCH];
        // Only up to the end of a page: the next page may not be mapped.
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
                if let Some((index, _)) = variable(head) {
                    self.present |= 1 << index;
                }
            }
            self.count += 1;
        }
        Some(())
    }
}

/// Copies the first bytes of each string, with one system call unless a string crosses a page boundary.
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
    // SAFETY: each local buffer is one of `heads`, within its length.
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

/// Parses a value of `LD_PRELOAD`: whether it names the library, whether its first entry is AddressSanitizer's
/// runtime, and its length.
fn list(own: &Own, pid: i32, value: usize) -> Option<(bool, bool, usize)> {
    let mut entry = [0_u8; 512];
    let (mut length, mut names_us) = (0, false);
    // The entry's length, even if it exceeds the buffer: then the entry is longer than ours, so a different one.
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
    /// Whether an entry of `LD_PRELOAD` is this library, by its text or by the file that it names.
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

/// Whether a new program of this process can load the library: it stands where `LD_PRELOAD` says, for this user and below this
/// root.
pub fn is_in_reach() -> bool {
    // What the dynamic linker expands is not known here.
    let entry = own().map(|own| own.entry).filter(|entry| entry.starts_with(b"/"));
    entry.and_then(|entry| with_terminator(entry, sys::may_read)).unwrap_or(true)
}

/// Bytes as a C string, if they fit into the buffer.
fn with_terminator<R>(bytes: &[u8], then: impl FnOnce(&CStr) -> R) -> Option<R> {
    let mut path = [0; 513];
    path.get_mut(..bytes.len())?.copy_from_slice(bytes);
    let path = CStr::from_bytes_until_nul(&path).ok()?;
    (path.to_bytes().len() == bytes.len()).then(|| then(path))
}

unsafe extern "C" {
    /// The program's environment, which getenv(3) searches.
    static environ: *const *const c_char;
}

/// The value of `environ`.
pub fn of_program() -> Strings {
    // SAFETY: libc defines it. The program may change it with setenv(3) meanwhile, as it may during execv(3).
    unsafe { ptr::read_volatile(&raw const environ) }
}

/// Whether a new program with this environment would be logged. `true` if that is not known.
pub fn is_complete(environment: Strings) -> bool {
    let Some(own) = own().filter(|own| !own.entry.is_empty()) else { return true };
    let logs = own.lines.iter().flatten().any(|line| line.to_bytes().starts_with(LOG));
    survey(environment).is_none_or(|survey| survey.names_us && (survey.has_log || !logs))
}

/// Writes the new `LD_PRELOAD` line, with its NUL, into `buffer`, for an environment that does not name the library.
pub fn preload_line(own: &Own, survey: &Survey, buffer: &mut [u8]) -> Option<()> {
    let old = match survey.preload {
        // SAFETY: the survey has read these bytes.
        Some((_, value, length)) => unsafe { core::slice::from_raw_parts(value.cast::<u8>(), length) },
        None => &[],
    };
    let separator: &[u8] = if old.is_empty() { b"" } else { b":" };
    let mut at = 0;
    for part in [PRELOAD, own.entry, separator, old, b"\0"] {
        buffer.get_mut(at..at + part.len())?.copy_from_slice(part);
        at += part.len();
    }
    Some(())
}

/// How many bytes [`preload_line`] needs.
pub fn preload_size(own: &Own, survey: &Survey) -> usize {
    PRELOAD.len() + own.entry.len() + survey.preload.map_or(0, |(_, _, length)| length) + 2
}
