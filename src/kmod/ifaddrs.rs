//! The list of getifaddrs(3), with more interfaces than the kernel has.
//!
//! freeifaddrs(3) of glibc frees one block, at which the list begins. So a longer list is a copy of all of it in one block.
//!
//! # Safety
//! The list is as its man page describes it.

use core::ptr;
use libc::{ifaddrs, sockaddr, sockaddr_ll};
use sockshim_module::NetDevice;

/// The statistics that an entry of AF_PACKET has: `struct rtnl_link_stats`.
const STATISTICS: usize = 96;

/// A block that is filled from its beginning.
struct Block {
    start: *mut u8,
    used: usize,
}

impl Block {
    /// Room for a value of `len` bytes, copied from `from` if that is not null.
    fn put(&mut self, from: *const u8, len: usize) -> *mut u8 {
        // SAFETY: the block was measured with the same steps.
        unsafe {
            let at = self.start.add(self.used);
            if !from.is_null() {
                ptr::copy_nonoverlapping(from, at, len);
            }
            self.used += rounded(len);
            at
        }
    }
}

fn rounded(len: usize) -> usize {
    len.next_multiple_of(16)
}

/// The length of an address, by its family.
unsafe fn length(address: *const sockaddr) -> usize {
    // SAFETY: the caller's list.
    match i32::from(unsafe { (*address).sa_family }) {
        libc::AF_INET => size_of::<libc::sockaddr_in>(),
        libc::AF_INET6 => size_of::<libc::sockaddr_in6>(),
        // Longer hardware addresses are possible: glibc has room for them.
        libc::AF_PACKET => size_of::<sockaddr_ll>() + 24,
        _ => size_of::<sockaddr>(),
    }
}

/// Every entry of a list.
fn entries(first: *const ifaddrs) -> impl Iterator<Item = &'static ifaddrs> {
    // SAFETY: the caller's list, which is not freed meanwhile.
    let entry = |entry: *const ifaddrs| unsafe { entry.as_ref::<'static>() };
    core::iter::successors(entry(first), move |before| entry(before.ifa_next))
}

/// How many bytes an entry takes.
fn size(entry: &ifaddrs) -> usize {
    let address = |address: *mut sockaddr| {
        // SAFETY: the caller's list.
        if address.is_null() { 0 } else { rounded(unsafe { length(address) }) }
    };
    // SAFETY: the same.
    let name = unsafe { libc::strlen(entry.ifa_name) } + 1;
    let data = if entry.ifa_data.is_null() { 0 } else { rounded(STATISTICS) };
    rounded(size_of::<ifaddrs>())
        + rounded(name)
        + data
        + [entry.ifa_addr, entry.ifa_netmask, entry.ifa_ifu].map(address).iter().sum::<usize>()
}

/// What an interface of ours takes.
const OWN: usize = 64 + 16 + 96 + 64;
const IFF_UP: u32 = libc::IFF_UP as u32;
const IFF_LOWER_UP: u32 = 0x10000;

/// Adds the interfaces to the list that libc has just made. Without memory it stays as it is.
///
/// # Safety
/// The list must be libc's.
pub unsafe fn extend(list: *mut *mut ifaddrs, devices: impl Iterator<Item = NetDevice>) {
    let mut devices = devices.peekable();
    if devices.peek().is_none() {
        return;
    }
    const MOST: usize = 64;
    // SAFETY: the caller's promise, and blocks of the measured size.
    unsafe {
        let old = *list;
        let len = entries(old).map(size).sum::<usize>() + MOST * OWN;
        let start = libc::calloc(1, len).cast::<u8>();
        if start.is_null() {
            return;
        }
        let mut block = Block { start, used: 0 };
        let mut last: *mut *mut ifaddrs = list;
        for entry in entries(old) {
            let copy = block.put(ptr::from_ref(entry).cast(), size_of::<ifaddrs>()).cast::<ifaddrs>();
            let name = libc::strlen(entry.ifa_name) + 1;
            (*copy).ifa_name = block.put(entry.ifa_name.cast(), name).cast();
            for address in [&mut (*copy).ifa_addr, &mut (*copy).ifa_netmask, &mut (*copy).ifa_ifu] {
                if !address.is_null() {
                    *address = block.put((*address).cast(), length(*address)).cast();
                }
            }
            if !entry.ifa_data.is_null() {
                (*copy).ifa_data = block.put(entry.ifa_data.cast(), STATISTICS).cast();
            }
            *last = copy;
            last = &raw mut (*copy).ifa_next;
        }
        for device in devices.take(MOST) {
            let own = block.put(ptr::null(), size_of::<ifaddrs>()).cast::<ifaddrs>();
            (*own).ifa_name = block.put(device.name.as_ptr(), device.name.len()).cast();
            // As glibc tells of an interface that has no hardware address.
            (*own).ifa_flags = device.flags | if device.flags & IFF_UP != 0 { IFF_LOWER_UP } else { 0 };
            (*own).ifa_data = block.put(ptr::null(), STATISTICS).cast();
            *last = own;
            last = &raw mut (*own).ifa_next;
        }
        *last = ptr::null_mut();
        libc::freeifaddrs(old);
    }
}
