//! The cell itself. It takes its atomics from the parent module, so that `src/model` can test it on loom's, which try
//! every memory order.

use super::sync::{AtomicUsize, OnceBox, Ordering};

/// The bound on updates was reached, or the update was refused.
#[derive(Debug, PartialEq, Eq)]
pub enum PublishError<E> {
    /// All `N` versions are used up.
    Exhausted,
    /// The closure refused, with its reason.
    Refused(E),
}

/// A replaceable value with lock-free readers; the module's documentation explains it.
pub struct Published<T, const N: usize> {
    /// 0 means "never set"; otherwise the index of the current version, plus one.
    pub(super) current: AtomicUsize,
    pub(super) versions: [OnceBox<T>; N],
}

impl<T, const N: usize> Published<T, N> {
    /// The value that was published last.
    pub fn get(&self) -> Option<&T> {
        match self.current.load(Ordering::Acquire) {
            0 => None,
            version => self.versions[version - 1].get(),
        }
    }

    /// Publishes the value that `next` makes of the current one. `next` runs again when another thread publishes
    /// first.
    ///
    /// # Errors
    /// [`PublishError::Refused`] with the error of `next`; [`PublishError::Exhausted`] after `N` updates.
    pub fn update<E>(&self, mut next: impl FnMut(Option<&T>) -> Result<T, E>) -> Result<(), PublishError<E>> {
        loop {
            // A write although it changes nothing. A zero page that is first read and then written faults twice, and
            // the tables publish their first versions at every program start.
            let seen = self.current.fetch_add(0, Ordering::AcqRel);
            let old = if seen == 0 { None } else { self.versions[seen - 1].get() };
            let mut value = Box::new(next(old).map_err(PublishError::Refused)?);
            // Claim the first free version. Slots are claimed in order, and only the claimer publishes its slot.
            let mut free = seen;
            while let Some(slot) = self.versions.get(free) {
                match slot.set(value) {
                    Ok(()) => break,
                    Err(refused) => value = refused,
                }
                free += 1;
            }
            if free >= N {
                return Err(PublishError::Exhausted);
            }
            let published =
                self.current.compare_exchange(seen, free + 1, Ordering::AcqRel, Ordering::Acquire).is_ok();
            if published {
                return Ok(());
            }
        }
    }
}
