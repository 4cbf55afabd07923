//! Which NAMEs have which addresses on an interface, for sockets that come later.
//!
//! The kernel keeps that with the interface, as long as a socket of J1939 is bound there. Here it stands behind what the file of the
//! bus has for all, and a lock on a byte of the file says whether there is such a socket: it ends with the process that holds it.
//!
//! # Safety
//! A lock is a structure of ours.

use std::fs::{File, OpenOptions};
use std::os::fd::AsRawFd;
use std::os::unix::fs::FileExt;
use std::path::Path;

use sockshim_can_bus::shared::{FIRST_INDEX, SIZE};
use sockshim_can_proto::j1939::Claim;

/// A NAME, an address, and seven bytes that are not used.
const ENTRY: usize = 16;
/// What an interface has: as many entries as there are addresses.
const TABLE: usize = 256 * ENTRY;

/// The claims of an interface.
pub struct Claims {
    file: File,
    /// The interface.
    pub ifindex: i32,
    /// What the file has, as far as this engine knows.
    written: Vec<Claim>,
}

impl Claims {
    /// Those of an interface of the bus in this directory. `None` where they cannot be kept.
    pub fn of(directory: &Path, ifindex: i32) -> Option<Claims> {
        if ifindex < FIRST_INDEX {
            return None;
        }
        let file = OpenOptions::new().read(true).write(true).open(directory.join("bus")).ok()?;
        let mut claims = Claims { file, ifindex, written: Vec::new() };
        if claims.lock(libc::F_WRLCK) {
            // Nobody else is there: what was known is forgotten.
            claims.file.write_all_at(&[0; TABLE], claims.start()).ok()?;
        } else {
            claims.written = claims.read();
        }
        claims.lock(libc::F_RDLCK);
        Some(claims)
    }

    /// What was known when this engine came.
    pub fn known(&self) -> &[Claim] {
        &self.written
    }

    /// Writes what is known now, if it is something else.
    pub fn keep(&mut self, now: impl Iterator<Item = Claim>) {
        let now: Vec<Claim> = now.collect();
        if now == self.written {
            return;
        }
        let mut table = [0; TABLE];
        for (entry, claim) in table.chunks_exact_mut(ENTRY).zip(&now) {
            entry[..8].copy_from_slice(&claim.name.to_ne_bytes());
            entry[8] = claim.addr;
        }
        // On a full disk those that come later do not know; they learn it from the next claims.
        if self.file.write_all_at(&table, self.start()).is_ok() {
            self.written = now;
        }
    }

    fn read(&self) -> Vec<Claim> {
        let mut table = [0; TABLE];
        if self.file.read_exact_at(&mut table, self.start()).is_err() {
            return Vec::new();
        }
        let claim = |entry: &[u8]| {
            let name = u64::from_ne_bytes(entry[..8].try_into().unwrap_or_default());
            (name != 0).then_some(Claim { name, addr: entry[8] })
        };
        table.chunks_exact(ENTRY).map_while(claim).collect()
    }

    /// Which interface of the bus it is.
    fn place(&self) -> u64 {
        (self.ifindex - FIRST_INDEX).unsigned_abs().into()
    }

    fn start(&self) -> u64 {
        SIZE as u64 + self.place() * TABLE as u64
    }

    /// Locks the interface's byte, which is beyond what the file has; whether it could be.
    #[allow(
        clippy::disallowed_methods,
        reason = "nothing stands in for libc in a process of the engine's own"
    )]
    fn lock(&self, kind: i32) -> bool {
        // SAFETY: all zeros are a lock.
        let mut lock: libc::flock = unsafe { std::mem::zeroed() };
        lock.l_type = kind as i16;
        lock.l_whence = libc::SEEK_SET as i16;
        lock.l_start = i64::MAX / 2 + self.place() as i64;
        lock.l_len = 1;
        // SAFETY: our own file, and a lock of ours.
        unsafe { libc::fcntl(self.file.as_raw_fd(), libc::F_OFD_SETLK, &raw const lock) == 0 }
    }
}
