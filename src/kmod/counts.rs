//! How many sockets of each family there are in this process: a module stays loaded while it has one (`kernel/module/main.c`).

use core::ffi::c_int;
use core::sync::atomic::{AtomicU32, Ordering};

/// As many families as any kernel has.
pub const NPROTO: usize = 64;

static SOCKETS: [AtomicU32; NPROTO] = [const { AtomicU32::new(0) }; NPROTO];

/// `try_module_get` for a new socket of the family.
pub fn get(family: c_int) {
    if let Some(count) = SOCKETS.get(family as usize) {
        count.fetch_add(1, Ordering::SeqCst);
    }
}

/// Whether the family has sockets, or one is being made.
pub fn is_used(family: c_int) -> bool {
    SOCKETS.get(family as usize).is_some_and(|count| count.load(Ordering::SeqCst) != 0)
}

/// `module_put`.
pub fn put(family: c_int) {
    if let Some(count) = SOCKETS.get(family as usize) {
        count.fetch_sub(1, Ordering::SeqCst);
    }
}
