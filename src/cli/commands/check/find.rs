//! The file that a name refers to, found as execvp(3) finds it.

use rustix::fs::{Access, AtFlags, CWD, accessat};
use std::ffi::OsStr;
use std::io::ErrorKind;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::{env, fs};

/// The directories that glibc searches when PATH is not set.
const DEFAULT_PATH: &str = "/bin:/usr/bin";

/// Why no file can be executed.
#[derive(Debug, PartialEq, Eq)]
pub enum Missing {
    /// There is no such file.
    NotFound,
    /// There is a file, but the kernel refuses to execute it for this reason.
    NotExecutable(PathBuf, &'static str),
}

/// The file that executing `name` would execute.
pub fn program(name: &OsStr) -> Result<PathBuf, Missing> {
    if name.as_bytes().contains(&b'/') {
        let path = Path::new(name);
        return executable(path).map(|()| path.to_path_buf());
    }
    if name.is_empty() {
        return Err(Missing::NotFound);
    }
    let path = env::var_os("PATH").unwrap_or_else(|| DEFAULT_PATH.into());
    let mut refused = None;
    for directory in env::split_paths(&path) {
        // An empty element is the current directory.
        let candidate = Path::new(".").join(directory).join(name);
        let candidate = candidate.strip_prefix("./").map(Path::to_path_buf).unwrap_or(candidate);
        match executable(&candidate) {
            Ok(()) => return Ok(candidate),
            Err(Missing::NotFound) => {}
            Err(error) => refused = refused.or(Some(error)),
        }
    }
    Err(refused.unwrap_or(Missing::NotFound))
}

/// Whether the kernel would execute the file, judged by its type and permissions.
pub fn executable(path: &Path) -> Result<(), Missing> {
    let refused = |why| Err(Missing::NotExecutable(path.to_path_buf(), why));
    match fs::metadata(path) {
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            Err(Missing::NotFound)
        }
        Err(_) => refused("it cannot be looked at"),
        Ok(metadata) if metadata.is_dir() => refused("it is a directory"),
        Ok(metadata) if !metadata.is_file() => refused("it is no regular file"),
        // For the effective ids, as exec checks.
        Ok(_) => match accessat(CWD, path, Access::EXEC_OK, AtFlags::EACCESS) {
            Ok(()) => Ok(()),
            Err(_) => refused("it may not be executed: no execute permission, or a noexec mount"),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_looked_for_and_paths_are_not() {
        let found = program(OsStr::new("sh")).expect("there is a shell");
        assert!(found.is_absolute() && found.ends_with("sh"), "{found:?}");
        assert_eq!(program(OsStr::new("no-such-program-anywhere")), Err(Missing::NotFound));
        assert_eq!(program(OsStr::new("")), Err(Missing::NotFound));
        assert_eq!(program(OsStr::new("/bin/sh/x")), Err(Missing::NotFound));
        assert_eq!(program(OsStr::new("./sh")), Err(Missing::NotFound));
    }

    #[test]
    fn what_is_no_regular_file_is_refused() {
        for path in ["/", "/dev/null", "/etc/passwd"] {
            assert!(matches!(program(OsStr::new(path)), Err(Missing::NotExecutable(..))), "{path}");
        }
    }
}
