//! The file that all processes of the tree count in, as the command has it.
//!
//! It is made under a name that nobody can guess, and then everybody who knows the name may write it: a server that becomes
//! another user goes on counting.

use sockshim_core::rules::shared::Shared;
use std::fs::{File, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{FileExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::{env, iter};
use tempfile::{Builder, TempDir};

/// The directory's mode.
const DIRECTORY: u32 = 0o700;
/// The file's mode: whoever may write to it could cut it short, and end every process of the tree with SIGBUS.
const FILE: u32 = 0o600;
/// Memory, which costs no disk.
const MEMORY: &str = "/dev/shm";

/// The file and its directory, which end together.
pub struct Tree {
    directory: TempDir,
    path: PathBuf,
    file: File,
    rules: usize,
}

impl Tree {
    /// Makes the file for so many rules. The file gets all its blocks now: one that is missing later would end a program that
    /// counts with SIGBUS.
    ///
    /// # Errors
    /// None of the directories for such files takes it.
    pub fn new(rules: usize) -> io::Result<Tree> {
        let runtime = env::var_os("XDG_RUNTIME_DIR").filter(|path| !path.is_empty()).map(PathBuf::from);
        let places = [PathBuf::from(MEMORY), env::temp_dir()].into_iter().chain(runtime);
        let mut failed = io::Error::from(io::ErrorKind::NotFound);
        for place in places.filter(|place| place.is_absolute()) {
            match Tree::within(&place, rules) {
                Ok(tree) => return Ok(tree),
                Err(error) => failed = error,
            }
        }
        Err(failed)
    }

    fn within(place: &Path, rules: usize) -> io::Result<Tree> {
        let directory = Builder::new().prefix("sockshim-").tempdir_in(place)?;
        // After it was made, because a umask may take bits away.
        std::fs::set_permissions(directory.path(), Permissions::from_mode(DIRECTORY))?;
        let path = directory.path().join("counters");
        let mut file = OpenOptions::new().read(true).write(true).create_new(true).mode(FILE).open(&path)?;
        file.set_permissions(Permissions::from_mode(FILE))?;
        let words: Vec<AtomicU64> =
            iter::repeat_with(|| AtomicU64::new(0)).take(Shared::words(rules)).collect();
        Shared::init(&words, rules);
        let bytes = words.iter().flat_map(|word| word.load(Ordering::Relaxed).to_ne_bytes());
        file.write_all(&bytes.collect::<Vec<u8>>())?;
        Ok(Tree { directory, path, file, rules })
    }

    /// The file's path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Removes the file, and gives the counters as they are now. Processes that still run count on in what they have mapped.
    ///
    /// # Errors
    /// It cannot be read, or a process of the tree has written something else to it.
    pub fn end(self) -> io::Result<Counters> {
        let mut bytes = vec![0; 8 * Shared::words(self.rules)];
        let read = self.file.read_exact_at(&mut bytes, 0);
        let _ = self.directory.close();
        read?;
        let words = bytes.chunks_exact(8).map(|word| u64::from_ne_bytes(word.try_into().unwrap_or_default()));
        let counters = Counters { words: words.map(AtomicU64::new).collect(), rules: self.rules };
        match counters.shared() {
            Some(_) => Ok(counters),
            None => Err(io::Error::new(io::ErrorKind::InvalidData, "a process has overwritten them")),
        }
    }
}

/// The counters at the end.
pub struct Counters {
    words: Vec<AtomicU64>,
    rules: usize,
}

impl Counters {
    /// What they are read with.
    pub fn shared(&self) -> Option<Shared<'_>> {
        Shared::open(&self.words, self.rules)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn what_others_count_is_read_and_nothing_stays() {
        let tree = Tree::new(3).expect("a place");
        let path = tree.path().to_path_buf();
        let directory = path.parent().expect("a directory").to_path_buf();
        assert_eq!(fs::metadata(&path).expect("the file").permissions().mode() & 0o777, FILE);
        assert_eq!(fs::metadata(&directory).expect("it").permissions().mode() & 0o777, DIRECTORY);
        let bytes = fs::read(&path).expect("it can be read");
        let words: Vec<AtomicU64> = bytes
            .chunks_exact(8)
            .map(|word| AtomicU64::new(u64::from_ne_bytes(word.try_into().expect("eight"))))
            .collect();
        Shared::open(&words, 3).expect("counters of three rules").io_uring();
        let bytes: Vec<u8> =
            words.iter().flat_map(|word| word.load(Ordering::Relaxed).to_ne_bytes()).collect();
        fs::write(&path, bytes).expect("it can be written");
        let counters = tree.end().expect("counters");
        assert_eq!(counters.shared().expect("counters").io_urings(), 1);
        assert!(!directory.exists());
    }

    #[test]
    fn what_is_overwritten_is_refused() {
        let tree = Tree::new(1).expect("a place");
        let directory = tree.path().parent().expect("a directory").to_path_buf();
        fs::write(tree.path(), b"x").expect("it can be written");
        assert!(tree.end().is_err());
        assert!(!directory.exists());
        let tree = Tree::new(1).expect("a place");
        fs::write(tree.path(), vec![1; 8 * Shared::words(1)]).expect("it can be written");
        assert!(tree.end().is_err());
    }
}
