//! What may answer in the socket layer's place: seccomp filters and Landlock.
//!
//! The library sees when the program enters a Landlock domain (`landlock_restrict_self`, for which libc has no
//! function, so it comes through syscall(2)). A domain from before exec cannot be detected.
//!
//! A seccomp filter that was there before the program started is read from the process's status: a service manager, a
//! container runtime or a wrapper has installed it, and exec has kept it. Under such a filter predictions are open,
//! but the library goes on making system calls on the program's threads. It may, because the filter is made for a
//! whole program: the dynamic linker and the writer have started under it. To stop logging would hide every
//! service that has a filter, and most have one. A filter that the program installs itself is different: it allows
//! only what the program still has to do, and may kill the process for anything else.
//!
//! The writer reads the status before it writes the first event, so that it delays no program's start. It uses
//! the same system calls that have read the clock's source at the start, so a filter that kills for them would have
//! done so then. prctl(2) would be one call instead of three, but some filters check its arguments.

use core::sync::atomic::{AtomicBool, Ordering};

/// Whether the program has entered a Landlock domain.
static LANDLOCK: AtomicBool = AtomicBool::new(false);

/// Records that the program has entered a Landlock domain, which cannot be left.
pub fn enter_landlock() {
    LANDLOCK.store(true, Ordering::Relaxed);
}

/// Whether the program is known to be in a Landlock domain.
pub fn by_landlock() -> bool {
    LANDLOCK.load(Ordering::Relaxed)
}

/// Whether a seccomp filter was in force on the calling thread when the program started.
pub fn by_filter() -> bool {
    sockshim_host::seccomp::is_filtered()
}
