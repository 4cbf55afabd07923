//! Where the library is, and how a program is made to load it.

use super::carried;
use super::refusal::Refusal;
use crate::commands::check::dependencies::is_loadable;
use sockshim_elf::sanitizer::Sanitizer;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use std::{env, fs};

/// The variable that names the library.
pub const LIB: &str = "SOCKSHIM_LIB";
/// The variable that names preloaded libraries.
pub const PRELOAD: &str = "LD_PRELOAD";
/// The library's file name.
const NAME: &str = "libsockshim.so";
/// Where it is, from the command's own directory: beside it, as after a build, and in the `lib` of its prefix. `make install` and
/// the Debian package give it a folder of its own there, because nothing is linked with it.
const PLACES: [&str; 5] =
    ["", "../lib/sockshim", "../lib", "../lib/x86_64-linux-gnu/sockshim", "../lib/x86_64-linux-gnu"];

/// The library's path.
///
/// # Errors
/// It is not there, or no library for this machine.
pub fn find() -> Result<PathBuf, Refusal> {
    if let Some(named) = env::var_os(LIB).filter(|named| !named.is_empty()) {
        return usable(Path::new(&named)).map_err(|why| Refusal::own(format!("{LIB}: {why}")));
    }
    let own = env::current_exe().map_err(|error| Refusal::own(format!("cannot find {NAME}: {error}")))?;
    let directory = own.parent().unwrap_or(Path::new("/"));
    let places = PLACES.map(|place| directory.join(place).join(NAME));
    if let Some(path) = places.iter().find(|path| path.exists()) {
        return usable(path).map_err(Refusal::own);
    }
    match carried::directory() {
        Some(Ok(directory)) => usable(&directory.join(NAME)).map_err(Refusal::own),
        Some(Err(error)) => Err(Refusal::own(format!("cannot write {NAME}: {error}; {LIB} can name one"))),
        None => {
            let places = places.map(|path| path.display().to_string()).join(", ");
            Err(Refusal::own(format!(
                "cannot find {NAME}. It is not in {places}; {LIB} can name it. 'make install' installs it with the \
                 command, and 'cargo install --path src/cli' puts it into the command'"
            )))
        }
    }
}

fn usable(path: &Path) -> Result<PathBuf, String> {
    let named = |why: &str| format!("{}: {why}", path.display());
    let path = fs::canonicalize(path).map_err(|error| named(&error.to_string()))?;
    let data = fs::read(&path).map_err(|error| named(&error.to_string()))?;
    if !is_loadable(&data) {
        return Err(named("it is no shared library for this machine"));
    }
    if path.as_os_str().as_bytes().iter().any(is_separator) {
        return Err(named("LD_PRELOAD cannot name a path with a blank or a colon"));
    }
    Ok(path)
}

/// The value of `LD_PRELOAD` with which the library comes first, before what is there. Another copy of it is left out, because
/// two of them would both stand in for libc.
pub fn preload(library: &Path, present: &OsStr) -> OsString {
    let mut entries: Vec<&[u8]> = entries(present).filter(|entry| !is_ours(entry)).collect();
    // AddressSanitizer's runtime ends the program unless it comes first.
    let first = usize::from(has_asan(present));
    entries.insert(first, library.as_os_str().as_bytes());
    OsString::from_vec(entries.join(&b':'))
}

/// Whether a value of `LD_PRELOAD` names the library, whatever copy of it.
pub fn is_preloaded(present: &OsStr) -> bool {
    entries(present).any(is_ours)
}

/// Whether a value of `LD_PRELOAD` begins with AddressSanitizer's runtime.
pub fn has_asan(present: &OsStr) -> bool {
    let first = entries(present).find(|entry| !is_ours(entry));
    first.and_then(|entry| Sanitizer::of_library(file_name(entry))) == Some(Sanitizer::Address)
}

fn entries(list: &OsStr) -> impl Iterator<Item = &[u8]> {
    list.as_bytes().split(is_separator).filter(|entry| !entry.is_empty())
}

fn is_ours(entry: impl AsRef<[u8]>) -> bool {
    file_name(entry.as_ref()) == NAME.as_bytes()
}

fn file_name(path: &[u8]) -> &[u8] {
    path.rsplit(|byte| *byte == b'/').next().unwrap_or(path)
}

fn is_separator(byte: &u8) -> bool {
    *byte == b':' || byte.is_ascii_whitespace()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_preloaded_stays() {
        let preload = |present: &str| preload(Path::new("/l/libsockshim.so"), OsStr::new(present));
        assert_eq!(preload(""), "/l/libsockshim.so");
        assert_eq!(preload("/a.so b.so"), "/l/libsockshim.so:/a.so:b.so");
        assert_eq!(preload(":/a.so:/l/libsockshim.so:"), "/l/libsockshim.so:/a.so");
        assert_eq!(preload("/old/libsockshim.so"), "/l/libsockshim.so");
        assert_eq!(preload("/usr/lib/libasan.so.8:/a.so"), "/usr/lib/libasan.so.8:/l/libsockshim.so:/a.so");
        assert_eq!(preload("libsockshim.so libasan.so.8"), "libasan.so.8:/l/libsockshim.so");
        assert_eq!(preload("/a.so:libasan.so.8"), "/l/libsockshim.so:/a.so:libasan.so.8");
    }

    #[test]
    fn any_copy_counts() {
        for (list, expected) in [("", false), ("/a/libsockshim.so.1", false), ("x /a/libsockshim.so", true)] {
            assert_eq!(is_preloaded(OsStr::new(list)), expected, "{list}");
        }
    }

    #[test]
    fn what_is_no_library_is_refused() {
        for path in ["/", "/etc/passwd", "/no/such/file"] {
            assert!(usable(Path::new(path)).is_err(), "{path}");
        }
        assert!(usable(Path::new("/lib/x86_64-linux-gnu/libc.so.6")).is_ok());
    }
}
