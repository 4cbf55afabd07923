//! The libraries that the command carries in itself, if `cargo install` has built it.
//!
//! `cargo install` installs programs and no libraries. The dynamic linker loads files, so the libraries are written into the
//! user's cache before they are needed first, and stay there for the programs that outlive the command.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{self, Error, ErrorKind};
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::{env, fs};

/// A file's name and its content.
type File = (&'static str, &'static [u8]);

/// The libraries, which build.rs has built.
#[cfg(self_contained)]
macro_rules! files {
    ($($name:literal)*) => {
        &[$(($name, include_bytes!(concat!(env!("OUT_DIR"), "/libraries/release/", $name)))),*]
    };
}
#[cfg(self_contained)]
const FILES: &[File] = files![
    "libsockshim.so"
    "libsockshim_rulefile.so"
    "libsockshim_kmod.so"
    "libsockshim_can.so"
    "sockshim-can-engine"
];
#[cfg(not(self_contained))]
const FILES: &[File] = &[];

/// The directory that the carried libraries are in; none if the command carries none.
pub fn directory() -> Option<io::Result<PathBuf>> {
    (!FILES.is_empty()).then(|| {
        let cache = cache().ok_or_else(|| Error::other("neither XDG_CACHE_HOME nor HOME is set"))?;
        let directory = cache.join("sockshim").join(name(FILES));
        let named = |error: Error| Error::new(error.kind(), format!("{}: {error}", directory.display()));
        unpack(FILES, &directory).map_err(named)?;
        Ok(directory)
    })
}

fn cache() -> Option<PathBuf> {
    let absolute =
        |name: &str| env::var_os(name).map(PathBuf::from).filter(|directory| directory.is_absolute());
    absolute("XDG_CACHE_HOME").or_else(|| Some(absolute("HOME")?.join(".cache")))
}

/// Libraries are loaded, what is none is executed.
fn mode(name: &str) -> u32 {
    if name.ends_with(".so") { 0o644 } else { 0o755 }
}

/// Another build has another directory: programs may still be running with the library of this one.
fn name(files: &[File]) -> String {
    let mut hasher = DefaultHasher::new();
    files.hash(&mut hasher);
    format!("{}-{:016x}", env!("CARGO_PKG_VERSION"), hasher.finish())
}

/// Writes the files that are not there, or differ.
fn unpack(files: &[File], directory: &Path) -> io::Result<()> {
    fs::DirBuilder::new().recursive(true).mode(0o755).create(directory)?;
    let metadata = fs::metadata(directory)?;
    // As with `sudo` in a user's environment: who can write there decides what root's programs load.
    if metadata.uid() != rustix::process::geteuid().as_raw() {
        return Err(Error::new(ErrorKind::PermissionDenied, "it belongs to another user"));
    }
    for (name, content) in files {
        let path = directory.join(name);
        if fs::read(&path).is_ok_and(|present| present == *content) {
            continue;
        }
        // Under its name it is whole at once: another `sockshim run` may be doing the same.
        let unfinished = tempfile::NamedTempFile::new_in(directory)?;
        fs::write(unfinished.path(), content)?;
        fs::set_permissions(unfinished.path(), std::os::unix::fs::PermissionsExt::from_mode(mode(name)))?;
        unfinished.persist(&path)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const TWO: &[File] = &[("a.so", b"one"), ("b.so", b"two")];

    #[test]
    fn what_is_missing_or_different_is_written() {
        let scratch = tempfile::tempdir().expect("a directory");
        let directory = scratch.path().join("x/y");
        let read = |name: &str| fs::read(directory.join(name)).expect("a file");
        for _ in 0..2 {
            unpack(TWO, &directory).expect("unpacked");
            assert_eq!((read("a.so"), read("b.so")), (b"one".to_vec(), b"two".to_vec()));
            assert_eq!(fs::read_dir(&directory).expect("a directory").count(), 2);
            fs::write(directory.join("a.so"), "damaged").expect("written");
            fs::remove_file(directory.join("b.so")).expect("removed");
        }
    }

    #[test]
    fn what_is_there_is_not_written_again() {
        let scratch = tempfile::tempdir().expect("a directory");
        let inode = || fs::metadata(scratch.path().join("a.so")).expect("a file").ino();
        unpack(TWO, scratch.path()).expect("unpacked");
        let first = inode();
        unpack(TWO, scratch.path()).expect("unpacked");
        assert_eq!(inode(), first);
    }

    #[test]
    fn another_users_directory_is_refused() {
        let scratch = tempfile::tempdir().expect("a directory");
        if std::os::unix::fs::chown(scratch.path(), Some(12345), None).is_ok() {
            let error = unpack(TWO, scratch.path()).expect_err("another user's");
            assert_eq!(error.kind(), ErrorKind::PermissionDenied);
        }
    }

    #[test]
    fn other_content_has_another_name() {
        assert_eq!(name(TWO), name(TWO));
        assert_ne!(name(TWO), name(&TWO[..1]));
    }
}
