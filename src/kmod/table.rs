//! Which descriptors are sockets of modules.
//!
//! An entry is a number: unknown, no socket of a module's, or a [slot](crate::slot). Whatever an entry says of a slot is
//! confirmed by the socket's cookie before it is used, so descriptors that were closed or replaced unseen do no harm. The
//! opposite, "no socket of a module's", stays true, because such sockets come into a process in ways that are all seen here:
//! they are made, duplicated, received, or were there when the process began.

use crate::{guest, modules, saved, slot};
use core::ptr;
use core::sync::atomic::{AtomicPtr, AtomicU32, Ordering};
use libc::c_int;
use sockshim_module::Socket;
use sockshim_sys as sys;

/// Entries of a page: what fills 4096 bytes.
const ENTRIES: usize = 1024;
/// Pages: as many as the kernel's highest limit of descriptors (`fs.nr_open`) needs.
const PAGES: usize = 1024;

type Page = [AtomicU32; ENTRIES];

static FDS: [AtomicPtr<Page>; PAGES] = [const { AtomicPtr::new(ptr::null_mut()) }; PAGES];

/// Nothing is known of the descriptor.
const UNKNOWN: u32 = 0;
/// It is no socket of a module's.
const OTHER: u32 = 1;
/// The first number that stands for a slot.
const SLOTS: u32 = 2;

/// The entry of a descriptor; `None` for a number that no descriptor has, or while nothing is known of its page.
#[inline(always)]
fn entry(fd: c_int) -> Option<&'static AtomicU32> {
    let fd = usize::try_from(fd).ok()?;
    let page = FDS.get(fd / ENTRIES)?.load(Ordering::Acquire);
    // SAFETY: pages are never unmapped.
    unsafe { page.as_ref() }.map(|page| &page[fd % ENTRIES])
}

/// The same, of a page that is there from now on.
#[cold]
fn entry_of_new_page(fd: c_int) -> Option<&'static AtomicU32> {
    let slot = FDS.get(usize::try_from(fd).ok()? / ENTRIES)?;
    if slot.load(Ordering::Acquire).is_null() {
        let page = sys::mmap(size_of::<Page>()).ok()?;
        if slot.compare_exchange(ptr::null_mut(), page.cast(), Ordering::AcqRel, Ordering::Acquire).is_err() {
            // SAFETY: it was made here, and nobody else knows it.
            unsafe { sys::munmap(page, size_of::<Page>()) };
        }
    }
    entry(fd)
}

/// Whether the descriptor is known to be no socket of a module's.
#[inline(always)]
pub fn is_other(fd: c_int) -> bool {
    entry(fd).is_some_and(|entry| entry.load(Ordering::Relaxed) == OTHER)
}

/// The socket of a module's behind the descriptor, for one call.
#[inline]
pub fn find(fd: c_int) -> Option<Socket> {
    if is_other(fd) {
        return None;
    }
    find_slot(fd).map(|index| slot::socket(index, fd))
}

/// The slot of that socket.
#[inline(never)]
fn find_slot(fd: c_int) -> Option<u32> {
    let entry = entry(fd).or_else(|| entry_of_new_page(fd))?;
    let seen = entry.load(Ordering::Acquire);
    let cookie = match sys::getsockopt_cookie(fd) {
        Ok(cookie) => cookie,
        Err(errno) => {
            if errno == libc::ENOTSOCK {
                forget(fd);
                let _ = entry.compare_exchange(UNKNOWN, OTHER, Ordering::AcqRel, Ordering::Relaxed);
            }
            return None;
        }
    };
    if seen >= SLOTS {
        if slot::has_cookie(seen - SLOTS, cookie) {
            return Some(seen - SLOTS);
        }
        forget(fd);
    }
    adopt(fd, cookie, entry)
}

/// A socket that was made or received elsewhere, or duplicated unseen.
#[cold]
fn adopt(fd: c_int, cookie: u64, entry: &AtomicU32) -> Option<u32> {
    if let Some(index) = slot::find(cookie) {
        slot::get(index);
        install(fd, index);
        return Some(index);
    }
    let found = saved::identity(fd).and_then(|identity| modules::restore(fd, cookie, &identity));
    let Some(index) = found else {
        let _ = entry.compare_exchange(UNKNOWN, OTHER, Ordering::AcqRel, Ordering::Relaxed);
        return None;
    };
    install(fd, index);
    Some(index)
}

/// The descriptor refers to the socket in the slot, and has the caller's reference from now on.
pub fn install(fd: c_int, index: u32) {
    if let Some(entry) = entry(fd).or_else(|| entry_of_new_page(fd)) {
        let before = entry.swap(index + SLOTS, Ordering::AcqRel);
        if before >= SLOTS {
            slot::put(before - SLOTS);
        }
    }
}

/// The descriptor means something new, of which nothing is known.
pub fn forget(fd: c_int) {
    let Some(entry) = entry(fd) else { return };
    // A child that has other descriptors leaves what this process knows as it is.
    if entry.load(Ordering::Relaxed) == UNKNOWN || guest::is_one() {
        return;
    }
    let before = entry.swap(UNKNOWN, Ordering::AcqRel);
    if before >= SLOTS {
        slot::put(before - SLOTS);
    }
}

/// [`forget`] for all from `first` to `last`.
pub fn forget_range(first: u32, last: u32) {
    let highest = (PAGES * ENTRIES - 1) as u32;
    let mut fd = first;
    while fd <= last.min(highest) {
        if FDS[fd as usize / ENTRIES].load(Ordering::Acquire).is_null() {
            // To the next page.
            fd = (fd / ENTRIES as u32 + 1) * ENTRIES as u32;
            continue;
        }
        forget(fd as c_int);
        fd += 1;
    }
}

/// `to` is another descriptor for what `from` refers to.
pub fn copy(from: c_int, to: c_int) {
    match find_slot_of(from) {
        Some(index) if from != to && !guest::is_one() => {
            slot::get(index);
            install(to, index);
        }
        Some(_) => {}
        None if from != to => forget(to),
        None => {}
    }
}

fn find_slot_of(fd: c_int) -> Option<u32> {
    let seen = entry(fd)?.load(Ordering::Acquire);
    (seen >= SLOTS).then(|| seen - SLOTS)
}
