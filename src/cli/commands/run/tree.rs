//! The memory that all processes of the tree count in, as the command has it.

use rustix::process::geteuid;
use sockshim_core::rules::shared::Shared;
use sockshim_sys::segment::Segment;
use std::io;

/// Who may count: the user whose program it is. What root starts may become any user, and goes on counting.
const OWN: u32 = 0o600;
const ANYBODY: u32 = 0o666;

/// The counters.
pub struct Tree {
    segment: Segment,
    rules: usize,
}

impl Tree {
    /// Makes counters for so many rules.
    ///
    /// # Errors
    /// There is no memory that processes can share, or its limits are reached.
    pub fn new(rules: usize) -> io::Result<Tree> {
        let mode = if geteuid().is_root() { ANYBODY } else { OWN };
        let segment = Segment::new(Shared::words(rules), mode).map_err(cannot)?;
        Shared::init(segment.words(), rules);
        Ok(Tree { segment, rules })
    }

    /// By what the program's processes find it.
    pub fn number(&self) -> String {
        format!("{}.{}", self.segment.id(), std::process::id())
    }

    /// The counters as they are now; `None` if a process has overwritten them. Processes that still run count on.
    pub fn shared(&self) -> Option<Shared<'_>> {
        Shared::open(self.segment.words(), self.rules)
    }
}

/// The limits of System V shared memory are sysctls.
fn cannot(errno: i32) -> io::Error {
    let error = io::Error::from_raw_os_error(errno);
    io::Error::other(format!("no System V shared memory: {error}; see kernel.shmmax, shmmni and shmall"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::Ordering;

    #[test]
    fn what_others_count_is_read_and_nothing_stays() {
        let tree = Tree::new(3).expect("memory");
        let number =
            tree.number().split('.').next().and_then(|number| number.parse().ok()).expect("a number");
        let other = Segment::attach(number).expect("it is there");
        Shared::open(other.words(), 3).expect("counters of three rules").io_uring();
        assert_eq!(tree.shared().expect("counters").io_urings(), 1);
        drop((tree, other));
        assert!(Segment::attach(number).is_err());
    }

    #[test]
    fn what_is_overwritten_is_refused() {
        let tree = Tree::new(1).expect("memory");
        tree.segment.words()[0].store(1, Ordering::Relaxed);
        assert!(tree.shared().is_none());
    }
}
