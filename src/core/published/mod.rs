//! A cell whose value is replaced rarely and read often, by any thread and also in signal handlers.
//!
//! The kernel protects `net_families[]` and `inetsw` with RCU: readers never wait, and a writer publishes a new
//! version. Here versions are never freed: each update takes the next of `N` slots, and readers follow one index. So
//! a read is one load and one dereference. It needs no lock, no counter and no grace period, and is safe in a signal
//! handler and across `fork`. The price is a limit on the number of updates, far above what registering protocols
//! needs.

mod cell;

pub use cell::{PublishError, Published};

mod sync {
    pub use once_cell::race::OnceBox;
    pub use std::sync::atomic::{AtomicUsize, Ordering};
}

use sync::{AtomicUsize, OnceBox};

impl<T, const N: usize> Default for Published<T, N> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T, const N: usize> Published<T, N> {
    /// An empty cell.
    pub const fn new() -> Self {
        Self { current: AtomicUsize::new(0), versions: [const { OnceBox::new() }; N] }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn updates_are_seen_and_bounded() {
        let cell: Published<u32, 3> = Published::new();
        assert_eq!(cell.get(), None);
        for expected in 1..=3 {
            assert_eq!(cell.update::<()>(|old| Ok(old.copied().unwrap_or(0) + 1)), Ok(()));
            assert_eq!(cell.get(), Some(&expected));
        }
        assert_eq!(cell.update::<()>(|_| Ok(9)), Err(PublishError::Exhausted));
        assert_eq!(cell.get(), Some(&3));
    }

    #[test]
    fn a_refusal_changes_nothing() {
        let cell: Published<u32, 2> = Published::new();
        assert_eq!(cell.update(|_| Err("no")), Err(PublishError::Refused("no")));
        assert_eq!(cell.get(), None);
    }

    #[test]
    fn no_update_of_several_threads_is_lost() {
        static CELL: Published<u32, 512> = Published::new();
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..20 {
                        let _ = CELL.update::<()>(|old| Ok(old.copied().unwrap_or(0) + 1));
                    }
                });
            }
        });
        assert_eq!(CELL.get(), Some(&80));
    }
}
