//! A model of `sockshim_core::published`: families and protocols are added and removed while other threads look them
//! up.
//!
//! The cell is compiled from the socket layer's own file, on loom's atomics. loom runs each test once for every order
//! of steps and every reordering that the memory model allows; a test on real threads sees few of these. shuttle
//! would not do: it tries random orders of a sequentially consistent machine, and the errors to find here are a wrong
//! Acquire or Release. The cell is small enough that all orders take only seconds.
//!
//! This crate contains only tests.
#![cfg(test)]

#[path = "../core/published/cell.rs"]
mod cell;
mod copy;
mod queue;

/// What the cell imports from its parent module, on loom's atomics.
mod sync {
    use loom::cell::UnsafeCell;
    use loom::sync::atomic::AtomicPtr;
    pub use loom::sync::atomic::{AtomicUsize, Ordering};
    use std::ptr;

    /// `once_cell::race::OnceBox` with its memory orders: what is written before `set` is visible after `get`. The
    /// value is in a cell of loom's, which reports an access that is not ordered after the write.
    pub struct OnceBox<T>(AtomicPtr<UnsafeCell<T>>);

    impl<T> OnceBox<T> {
        pub fn new() -> Self {
            OnceBox(AtomicPtr::new(ptr::null_mut()))
        }

        pub fn get(&self) -> Option<&T> {
            // SAFETY: a pointer that is set stays valid until the box is dropped, which takes `&mut`.
            let value = unsafe { self.0.load(Ordering::Acquire).as_ref() }?;
            // SAFETY: a value that is set is never written again.
            Some(value.with(|value| unsafe { &*value }))
        }

        #[allow(clippy::boxed_local, reason = "the signature is once_cell's")]
        pub fn set(&self, value: Box<T>) -> Result<(), Box<T>> {
            let new = Box::into_raw(Box::new(UnsafeCell::new(*value)));
            let old = ptr::null_mut();
            match self.0.compare_exchange(old, new, Ordering::Release, Ordering::Acquire) {
                Ok(_) => Ok(()),
                // SAFETY: the pointer was not published, so only this thread has it.
                Err(_) => Err(Box::new(unsafe { Box::from_raw(new) }.into_inner())),
            }
        }
    }

    impl<T> Drop for OnceBox<T> {
        fn drop(&mut self) {
            let value = self.0.load(Ordering::Relaxed);
            if !value.is_null() {
                // SAFETY: `&mut self` is exclusive.
                drop(unsafe { Box::from_raw(value) });
            }
        }
    }
}

use cell::{PublishError, Published};
use loom::sync::Arc;
use loom::thread;
use sync::{AtomicUsize, OnceBox};

impl<T, const N: usize> Published<T, N> {
    fn new() -> Self {
        Published { current: AtomicUsize::new(0), versions: std::array::from_fn(|_| OnceBox::new()) }
    }
}

/// One list of `inetsw`, with numbers for entries.
type List = Vec<u32>;

fn register<const N: usize>(cell: &Published<List, N>, protocol: u32) -> Result<(), PublishError<()>> {
    cell.update(|old| {
        let mut list = old.cloned().unwrap_or_default();
        list.insert(0, protocol);
        Ok(list)
    })
}

fn unregister<const N: usize>(cell: &Published<List, N>, protocol: u32) -> Result<(), PublishError<()>> {
    cell.update(|old| {
        let mut list = old.cloned().unwrap_or_default();
        list.retain(|other| *other != protocol);
        Ok(list)
    })
}

#[test]
fn a_reader_sees_the_list_before_or_after_and_never_in_between() {
    loom::model(|| {
        let cell = Arc::new(Published::<List, 3>::new());
        register(&cell, 17).expect("room");
        let reader = {
            let cell = Arc::clone(&cell);
            thread::spawn(move || {
                let first = cell.get().expect("it was there before").clone();
                let second = cell.get().expect("it was there before").clone();
                (first, second)
            })
        };
        register(&cell, 115).expect("room");
        unregister(&cell, 115).expect("room");
        let (first, second) = reader.join().expect("no panic");
        for seen in [&first, &second] {
            assert!(*seen == [17] || *seen == [115, 17], "{seen:?}");
        }
        assert_eq!(cell.get(), Some(&vec![17]));
    });
}

#[test]
fn a_reader_does_not_go_back_in_time() {
    loom::model(|| {
        let cell = Arc::new(Published::<List, 2>::new());
        let reader = {
            let cell = Arc::clone(&cell);
            thread::spawn(move || (cell.get().map_or(0, Vec::len), cell.get().map_or(0, Vec::len)))
        };
        register(&cell, 6).expect("room");
        register(&cell, 132).expect("room");
        let (first, second) = reader.join().expect("no panic");
        assert!(first <= second, "{first} entries, then {second}");
    });
}

#[test]
fn no_registration_is_lost() {
    loom::model(|| {
        let cell = Arc::new(Published::<List, 4>::new());
        let other = {
            let cell = Arc::clone(&cell);
            thread::spawn(move || register(&cell, 1))
        };
        let mine = register(&cell, 2);
        let other = other.join().expect("no panic");
        // An update that loses the race uses one version more, and there are enough.
        assert_eq!((mine, other), (Ok(()), Ok(())));
        let mut list = cell.get().expect("two were registered").clone();
        list.sort_unstable();
        assert_eq!(list, [1, 2]);
    });
}

#[test]
fn registering_and_unregistering_at_once_leave_the_other_protocol_alone() {
    loom::model(|| {
        let cell = Arc::new(Published::<List, 5>::new());
        register(&cell, 17).expect("room");
        let other = {
            let cell = Arc::clone(&cell);
            thread::spawn(move || unregister(&cell, 17))
        };
        register(&cell, 1).expect("room");
        other.join().expect("no panic").expect("room");
        assert_eq!(cell.get(), Some(&vec![1]));
    });
}

/// The control: with the two steps of an update swapped, there is an order in which a reader finds nothing.
#[test]
#[should_panic(expected = "published before it was there")]
fn the_model_finds_a_version_that_is_published_too_early() {
    loom::model(|| {
        let cell = Arc::new(Published::<List, 1>::new());
        let reader = {
            let cell = Arc::clone(&cell);
            thread::spawn(move || {
                let published = cell.current.load(sync::Ordering::Acquire) != 0;
                assert!(!published || cell.get().is_some(), "published before it was there");
            })
        };
        cell.current.store(1, sync::Ordering::Release);
        cell.versions[0].set(Box::new(vec![6])).expect("the only writer");
        reader.join().expect("no panic");
    });
}
