//! System V shared memory, for counters. Unlike a file it cannot be cut short, which would end whoever looks at it with SIGBUS;
//! it needs no path, so a chroot or another mount namespace changes nothing; and the kernel takes it away with the last process
//! that has it, however that ends.
//!
//! # Safety
//! The memory is attached as long as a [`Segment`] lives, page by page, so it is aligned. It is looked at as atomics only, for
//! which any bytes are valid: other processes may write anything to it.

use crate::{Result, done, result, syscall};
use core::ffi::c_int;
use core::mem::{ManuallyDrop, size_of};
use core::sync::atomic::AtomicU64;

/// A segment that is attached to this process.
pub struct Segment {
    id: c_int,
    start: *const AtomicU64,
    len: usize,
}

// SAFETY: the memory belongs to no thread, and is looked at as atomics.
unsafe impl Send for Segment {}
// SAFETY: the same.
unsafe impl Sync for Segment {}

impl Segment {
    /// A new segment of so many words, which are zeros, with the permissions `mode`. It is marked for removal at once: who knows
    /// the number can attach it as long as anybody has it.
    ///
    /// # Errors
    /// That of shmget(2) or shmat(2), such as ENOSPC where the limits are reached, and ENOSYS on a kernel without it.
    pub fn new(words: usize, mode: u32) -> Result<Segment> {
        let (bytes, flags) = ((words * size_of::<AtomicU64>()) as i64, libc::IPC_CREAT | mode as c_int);
        // SAFETY: takes numbers.
        let id =
            unsafe { syscall(libc::SYS_shmget, [libc::IPC_PRIVATE.into(), bytes, flags.into(), 0, 0, 0]) };
        let id = result(id)? as c_int;
        let attached = Segment::at(id, words);
        // SAFETY: the command takes no buffer.
        unsafe { syscall(libc::SYS_shmctl, [id.into(), libc::IPC_RMID.into(), 0, 0, 0, 0]) };
        attached
    }

    /// Attaches the segment with this number.
    ///
    /// # Errors
    /// That of shmctl(2) or shmat(2): EINVAL or EIDRM where there is no such segment, as in another IPC namespace, and EACCES.
    pub fn attach(id: c_int) -> Result<Segment> {
        // SAFETY: all zeros are a valid value of numbers.
        let mut about: libc::shmid_ds = unsafe { core::mem::zeroed() };
        let args = [id.into(), libc::IPC_STAT.into(), &raw mut about as i64, 0, 0, 0];
        // SAFETY: the kernel writes the structure.
        done(unsafe { syscall(libc::SYS_shmctl, args) })?;
        Segment::at(id, about.shm_segsz / size_of::<AtomicU64>())
    }

    fn at(id: c_int, len: usize) -> Result<Segment> {
        // SAFETY: the kernel chooses a free place.
        let start = result(unsafe { syscall(libc::SYS_shmat, [id.into(), 0, 0, 0, 0, 0]) })?;
        Ok(Segment { id, start: start as *const AtomicU64, len })
    }

    /// The number by which other processes attach it.
    pub fn id(&self) -> c_int {
        self.id
    }

    /// The memory.
    pub fn words(&self) -> &[AtomicU64] {
        // SAFETY: see the module.
        unsafe { core::slice::from_raw_parts(self.start, self.len) }
    }

    /// The memory, attached for ever.
    pub fn leak(self) -> &'static [AtomicU64] {
        let segment = ManuallyDrop::new(self);
        // SAFETY: see the module. Nobody detaches it any more.
        unsafe { core::slice::from_raw_parts(segment.start, segment.len) }
    }
}

impl Drop for Segment {
    fn drop(&mut self) {
        // SAFETY: whoever has borrowed the words is gone.
        unsafe { syscall(libc::SYS_shmdt, [self.start as i64, 0, 0, 0, 0, 0]) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::sync::atomic::Ordering;

    #[test]
    fn who_knows_the_number_attaches_it_until_nobody_has_it() {
        let made = Segment::new(1000, 0o600).expect("a segment");
        let id = made.id();
        let other = Segment::attach(id).expect("it is there");
        assert_eq!(other.words().len(), 1000);
        made.words()[999].store(7, Ordering::Relaxed);
        drop(made);
        assert_eq!(other.words()[999].load(Ordering::Relaxed), 7);
        drop(other);
        assert!(Segment::attach(id).is_err());
    }
}
