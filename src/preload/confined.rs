//! What stands between the program and the socket layer, and may answer in its place.
//!
//! A Landlock domain that the program enters is seen when it does (`landlock_restrict_self`, which libc has no function
//! for, so it comes through syscall(2)). One from before exec cannot be known.
//!
//! A seccomp filter that was there before the program started is read from its status: a service manager, a container
//! runtime or a wrapper has installed it, and exec has kept it. Under such a filter predictions are open, but unlike
//! under one that the program installs itself the library goes on to make system calls on the program's threads. It is
//! a filter for a whole program: the dynamic linker has started under it, and so has the log's thread. To be silent would
//! hide every service with a filter, and most have one. A filter that a program puts on itself is cut to what is left for
//! it to do, and may kill for anything else.
//!
//! The status is read on the log's thread, before the first event is written, so that no start of a program takes longer.
//! It is read with the calls that have read the clock's source at the start: a filter that kills for them has killed by
//! then. prctl(2) would be one call instead of three, but filters look at its arguments.

use core::sync::atomic::{AtomicBool, Ordering};

/// Whether the program has entered a Landlock domain.
static LANDLOCK: AtomicBool = AtomicBool::new(false);

/// The program has entered a Landlock domain, for good.
pub fn enter_landlock() {
    LANDLOCK.store(true, Ordering::Relaxed);
}

/// Whether a Landlock domain is known to be there.
pub fn by_landlock() -> bool {
    LANDLOCK.load(Ordering::Relaxed)
}

/// Whether a seccomp filter is in force on the calling thread, which has those of the program's start.
pub fn by_filter() -> bool {
    sockshim_host::seccomp::is_filtered()
}
