//! Keeps the writer's user, groups and capabilities those of the program.
//!
//! In the kernel each thread and process has credentials of its own; that a program's threads change theirs together is
//! libc's doing, and libc does not know the writer. A server that gives up root must not leave its memory to somebody who
//! has not, so after a successful setuid(2) or relative the program's thread leaves its credentials here and waits until
//! the writer has taken them.

use crate::log::refine;
use crate::sys;
use core::sync::atomic::{AtomicU32, AtomicUsize, Ordering};

/// If there are more supplementary groups than this, the writer keeps none.
const GROUPS: usize = 256;

static USER: [AtomicU32; 3] = [const { AtomicU32::new(0) }; 3];
static GROUP: [AtomicU32; 3] = [const { AtomicU32::new(0) }; 3];
static SUPPLEMENTARY: [AtomicU32; GROUPS] = [const { AtomicU32::new(0) }; GROUPS];
static CAPABILITIES: [AtomicU32; 6] = [const { AtomicU32::new(0) }; 6];
static COUNT: AtomicUsize = AtomicUsize::new(0);
/// Set while credentials wait for the writer.
static PENDING: AtomicU32 = AtomicU32::new(0);

/// Stores the calling thread's credentials for the writer. If two threads change theirs at the same time, one wins;
/// such programs have worse problems.
pub fn publish() {
    store(&USER, &sys::resuid());
    store(&GROUP, &sys::resgid());
    let mut groups = [0; GROUPS];
    let count = sys::groups(&mut groups).unwrap_or(0).min(GROUPS);
    store(&SUPPLEMENTARY, &groups[..count]);
    COUNT.store(count, Ordering::Relaxed);
    store(&CAPABILITIES, &sys::capabilities());
    PENDING.store(1, Ordering::Release);
}

/// Whether the writer has still to adopt stored credentials.
pub fn are_pending() -> bool {
    PENDING.load(Ordering::Acquire) != 0
}

/// On the writer: takes what was left. Groups go first, because they need the privilege that the user may
/// take away, and capabilities last, because a change of user changes them.
pub fn adopt() {
    if PENDING.swap(0, Ordering::AcqRel) == 0 {
        return;
    }
    let mut groups = [0; GROUPS];
    load(&SUPPLEMENTARY, &mut groups);
    let count = COUNT.load(Ordering::Relaxed).min(GROUPS);
    sys::set_groups(&groups[..count]);
    // The program may have kept what a change of user takes away; what it has kept is known below.
    sys::keep_capabilities();
    let (mut user, mut group) = ([0; 3], [0; 3]);
    load(&GROUP, &mut group);
    load(&USER, &mut user);
    sys::set_resgid(group);
    sys::set_resuid(user);
    let mut capabilities = [0; 6];
    load(&CAPABILITIES, &mut capabilities);
    sys::set_capabilities(capabilities);
    refine::forget();
}

fn store(to: &[AtomicU32], from: &[u32]) {
    to.iter().zip(from).for_each(|(to, from)| to.store(*from, Ordering::Relaxed));
}

fn load(from: &[AtomicU32], to: &mut [u32]) {
    to.iter_mut().zip(from).for_each(|(to, from)| *to = from.load(Ordering::Relaxed));
}
