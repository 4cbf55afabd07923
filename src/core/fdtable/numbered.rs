//! The tables that sockets have, by numbers that fit into an identity.

use crate::net::ops::ProtoOps;
use crate::net::sock::Proto;
use core::ptr;
use core::sync::atomic::{AtomicU64, Ordering};
use libc::c_int;
use once_cell::race::OnceRef;

/// Tables that sockets have, by a number that fits a byte: those of all sockets so far. What comes when all numbers are
/// given out has none, and only the host knows it then.
pub(super) struct Numbered<T: 'static>([OnceRef<'static, T>; NO_NUMBER as usize]);

/// The ops.
pub(super) static OPS: Numbered<ProtoOps> = Numbered::new();
/// The prots.
pub(super) static PROTS: Numbered<Proto> = Numbered::new();

const NO_NUMBER: u8 = 127;

impl<T> Numbered<T> {
    const fn new() -> Numbered<T> {
        Numbered([const { OnceRef::new() }; NO_NUMBER as usize])
    }

    /// The table with this number.
    #[inline(always)]
    pub(super) fn of(&self, number: u8) -> Option<&'static T> {
        self.0.get(usize::from(number))?.get()
    }

    /// The number of a table.
    #[inline]
    pub(super) fn number(&self, item: Option<&'static T>) -> u8 {
        let Some(item) = item else { return NO_NUMBER };
        let mut number = 0;
        while number < NO_NUMBER {
            let cell = &self.0[usize::from(number)];
            let known = match cell.get() {
                Some(known) => known,
                None if cell.set(item).is_ok() => item,
                // Another thread was faster, maybe with the same.
                None => continue,
            };
            if ptr::eq(known, item) {
                return number;
            }
            number += 1;
        }
        NO_NUMBER
    }
}

/// Set beside the number of a prot where [`CONCERNED`] is to be set in handles.
pub(super) const CONCERNED_PROT: u8 = 1 << 7;

/// The families whose sockets rules about data calls may concern, a bit each.
static CONCERNED_FAMILIES: AtomicU64 = AtomicU64::new(0);

/// From now on, the sockets of these families that are stored are marked as concerned by rules about data calls: a bit for
/// each family below 64.
pub fn concern_families(families: u64) {
    CONCERNED_FAMILIES.store(families, Ordering::Release);
}

/// [`CONCERNED_PROT`] for a socket of such a family.
pub(super) fn concerned_prot(family: c_int) -> u8 {
    let concerned = CONCERNED_FAMILIES.load(Ordering::Relaxed) >> (family as u32 % 64) & 1 != 0;
    if concerned { CONCERNED_PROT } else { 0 }
}
