//! The directories in which glibc's dynamic linker searches for a library, as ld.so(8) describes.

use super::dependencies::is_loadable;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::{env, fs};

/// The directories that are compiled into the glibc of Debian and other distributions.
const DEFAULT: [&str; 6] =
    ["/lib/x86_64-linux-gnu", "/usr/lib/x86_64-linux-gnu", "/lib64", "/usr/lib64", "/lib", "/usr/lib"];
/// Below each directory, the subdirectories for newer processors.
const HWCAPS: [&str; 4] = ["glibc-hwcaps/x86-64-v4", "glibc-hwcaps/x86-64-v3", "glibc-hwcaps/x86-64-v2", ""];

/// The directories that a dynamic linker searches by default.
pub struct Places {
    cache: Vec<(String, PathBuf)>,
    directories: Vec<PathBuf>,
    /// Whether these are all directories. If not, a library that is not found may exist all the same.
    pub complete: bool,
}

impl Places {
    /// The default directories of the dynamic linker at this path.
    pub fn of(linker: &Path) -> Places {
        let real = |path: &Path| fs::canonicalize(path).ok();
        if real(linker) != real(Path::new("/lib64/ld-linux-x86-64.so.2")) {
            // A glibc that was installed beside the system's has its own directories, usually the dynamic linker's.
            let directories = linker.parent().map(Path::to_path_buf).into_iter().collect();
            return Places { cache: Vec::new(), directories, complete: false };
        }
        let cache = fs::read("/etc/ld.so.cache").ok().and_then(|bytes| read_cache(&bytes));
        let complete = cache.is_some();
        let directories = DEFAULT.iter().map(PathBuf::from).collect();
        Places { cache: cache.unwrap_or_default(), directories, complete }
    }

    /// Searches for a library, first in `before`, the directories that the program and its environment name.
    pub fn find(&self, name: &str, before: &[PathBuf], no_default: bool) -> Option<(PathBuf, Vec<u8>)> {
        if name.contains('/') {
            return load(PathBuf::from(name));
        }
        let within = |directories: &[PathBuf]| {
            directories
                .iter()
                .find_map(|directory| HWCAPS.iter().find_map(|part| load(directory.join(part).join(name))))
        };
        let cached = || {
            let entries = self.cache.iter().filter(|(known, path)| {
                let is_default = DEFAULT.iter().any(|directory| path.starts_with(directory));
                known == name && !(no_default && is_default)
            });
            entries.filter_map(|(_, path)| load(path.clone())).next()
        };
        within(before).or_else(cached).or_else(|| within(&self.directories).filter(|_| !no_default))
    }
}

fn load(path: PathBuf) -> Option<(PathBuf, Vec<u8>)> {
    // Opening a FIFO would wait for a writer.
    let data = fs::metadata(&path).ok().filter(fs::Metadata::is_file).and_then(|_| fs::read(&path).ok())?;
    is_loadable(&data).then_some((path, data))
}

/// The directories of a list in a file or in `LD_LIBRARY_PATH`; `None` if one of them is not known.
pub fn directories(list: &str, origin: &Path) -> Option<Vec<PathBuf>> {
    list.split([':', ';']).map(|directory| expand(directory, origin)).collect()
}

/// The same for `LD_LIBRARY_PATH` of this process's environment, which the program would inherit.
pub fn library_path(program: &Path) -> Option<Vec<PathBuf>> {
    let list = env::var_os("LD_LIBRARY_PATH").unwrap_or_default();
    if list.is_empty() { Some(Vec::new()) } else { directories(list.to_str()?, program) }
}

/// A directory of such a list. `$ORIGIN` stands for the directory of the file that contains the list; an empty one is
/// the current directory.
fn expand(directory: &str, file: &Path) -> Option<PathBuf> {
    if directory.is_empty() {
        return Some(PathBuf::from("."));
    }
    let file = fs::canonicalize(file).ok()?;
    let origin = file.parent()?.to_str()?;
    let expanded = directory.replace("${ORIGIN}", origin).replace("$ORIGIN", origin);
    (!expanded.contains('$')).then(|| PathBuf::from(expanded))
}

/// The names and paths in ld.so.cache(5), in the only format that glibc has read since 2.32.
fn read_cache(bytes: &[u8]) -> Option<Vec<(String, PathBuf)>> {
    const MAGIC: &[u8] = b"glibc-ld.so.cache1.1";
    const HEADER: usize = 48;
    const ENTRY: usize = 24;
    /// `FLAG_ELF_LIBC6 | FLAG_X8664_LIB64`.
    const X86_64: u32 = 0x0303;
    let word = |at: usize| Some(u32::from_le_bytes(bytes.get(at..at.checked_add(4)?)?.try_into().ok()?));
    let string = |at: u32| {
        let rest = bytes.get(usize::try_from(at).ok()?..)?;
        Some(&rest[..rest.iter().position(|byte| *byte == 0)?])
    };
    if !bytes.starts_with(MAGIC) {
        return None;
    }
    let count = usize::try_from(word(MAGIC.len())?).ok()?;
    let entries = bytes.get(HEADER..HEADER.checked_add(count.checked_mul(ENTRY)?)?)?;
    let mut found = Vec::new();
    for at in (HEADER..HEADER + entries.len()).step_by(ENTRY) {
        if word(at)? == X86_64 {
            let (name, path) = (string(word(at + 4)?)?, string(word(at + 8)?)?);
            found.push((String::from_utf8_lossy(name).into_owned(), OsStr::from_bytes(path).into()));
        }
    }
    Some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn libc_is_found() {
        let places = Places::of(Path::new("/lib64/ld-linux-x86-64.so.2"));
        let (path, _) = places.find("libc.so.6", &[], false).expect("libc");
        assert!(path.ends_with("libc.so.6"), "{path:?}");
        assert!(places.find("libc.so.5", &[], false).is_none());
        assert!(places.find("libc.so.6", &[], true).is_none(), "no default directory");
    }

    #[test]
    fn the_cache_is_read_whatever_its_bytes() {
        let Ok(mut bytes) = fs::read("/etc/ld.so.cache") else { return };
        let entries = read_cache(&bytes).expect("the format of today");
        assert!(entries.iter().any(|(name, _)| name == "libc.so.6"));
        for length in (0..bytes.len()).step_by(101) {
            read_cache(&bytes[..length]);
        }
        for index in 0..256 {
            bytes[index] = !bytes[index];
            read_cache(&bytes);
        }
    }

    #[test]
    fn origins_are_expanded() {
        let sh = fs::canonicalize("/bin/sh").expect("a shell");
        let bin = sh.parent().expect("a directory").display();
        let list = directories("$ORIGIN/../lib:/opt:${ORIGIN}:", &sh).expect("all are known");
        let expected = [format!("{bin}/../lib"), "/opt".into(), bin.to_string(), ".".into()];
        assert_eq!(list, expected.map(PathBuf::from));
        assert_eq!(directories("/opt/$LIB", &sh), None);
    }
}
