//! `libsockshim_rulefile.so`: makes of a rule file the text that `SOCKSHIM_RULES` holds.
//!
//! A reader of TOML would be a third of `libsockshim.so`, which every process of a tree loads. So it stands beside it, and is
//! loaded for a moment by the first process of a tree, if `SOCKSHIM_CONFIG` names a file. The processes that this one starts
//! get the text.
//!
//! # Safety
//! One function is exported, for `src/preload/rules/compile.rs`, and both sides are of one build.

mod panic;
#[cfg(wrapped)]
#[path = "../preload/redirect.rs"]
mod redirect;
#[path = "../preload/unwind.rs"]
mod unwind;

use core::ffi::c_void;
use core::slice;
use sockshim_core::errno::Errno;
use sockshim_core::rules::{Rules, file, handed_on};
use sockshim_sys as sys;
use std::ffi::CString;

/// Receives the answer: the rules as a text, or, if `good` is false, what is wrong in one line. The bytes are valid during the
/// call only.
pub type Take = unsafe extern "C" fn(context: *mut c_void, good: bool, bytes: *const u8, len: usize);

/// The longest rule file.
const LONGEST: usize = 1 << 20;

/// Reads the rules of the file at this path, and calls `take` once with the answer.
///
/// # Safety
/// The path must be readable, and `take` be callable with `context`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sockshim_rulefile_compile(
    path: *const u8,
    path_len: usize,
    take: Take,
    context: *mut c_void,
) {
    // SAFETY: the caller's promise.
    let path = unsafe { slice::from_raw_parts(path, path_len) };
    let (good, answer) = match panic::attempt(|| compile(path)) {
        Some(Ok(rules)) => (true, rules),
        Some(Err(wrong)) => (false, wrong),
        None => (false, "a panic in the reader of the rule file, which is a mistake in sockshim".to_owned()),
    };
    // SAFETY: the caller's promise.
    unsafe { take(context, good, answer.as_ptr(), answer.len()) };
}

fn compile(path: &[u8]) -> Result<String, String> {
    let name = String::from_utf8_lossy(path);
    let text = contents(path).map_err(|errno| {
        let reason = Errno(errno).name().unwrap_or("it cannot be read");
        format!("{name}: {reason}")
    })?;
    let contents = file::parse(&text, &name).map_err(|error| error.one_line().to_string())?;
    let directory = directory(&name);
    let modules: Vec<String> = contents.modules.iter().map(|module| module.entry(&directory)).collect();
    let rules = Rules::new(contents.rules).encode();
    rules
        .map(|rules| handed_on::join(rules, &modules))
        .filter(|text| text.len() <= Rules::LONGEST)
        .ok_or_else(|| format!("{name}: more rules than an environment variable can hold"))
}

/// The directory of a file, as an absolute path: the program may go to another one.
fn directory(path: &str) -> String {
    let own = path.rsplit_once('/').map_or("", |(directory, _)| directory);
    if path.starts_with('/') {
        return own.to_owned();
    }
    let mut buffer = vec![0; libc::PATH_MAX as usize];
    let len = sys::current_directory(&mut buffer).map_or(0, |len| len.saturating_sub(1));
    format!("{}/{own}", String::from_utf8_lossy(&buffer[..len]))
}

/// What the file says, by system calls: libc's functions may be hooked. It must not make the program wait: a pipe is no such
/// file, and a terminal has nothing to read yet.
fn contents(path: &[u8]) -> sys::Result<Vec<u8>> {
    let name = CString::new(path).map_err(|_| libc::EINVAL)?;
    let fd = sys::open(&name, libc::O_RDONLY | libc::O_CLOEXEC | libc::O_NONBLOCK, 0)?;
    let mut text = Vec::new();
    let read = loop {
        if sys::fstat(fd).is_ok_and(|file| file.is_pipe) {
            break Err(libc::ESPIPE);
        }
        let mut piece = [0; 4096];
        match sys::read(fd, &mut piece) {
            Ok(0) => break Ok(()),
            Ok(count) => text.extend_from_slice(&piece[..count]),
            Err(errno) => break Err(errno),
        }
        if text.len() > LONGEST {
            break Err(libc::EFBIG);
        }
    };
    sys::close(fd);
    read.map(|()| text)
}
