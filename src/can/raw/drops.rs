//! SO_RXQ_OVFL: how many frames had no room.
//!
//! The kernel counts what the descriptor's filter has rejected, too: for it, both are datagrams of UDP that were not queued. Frames
//! can only be lost while the queue is full, and only a reader makes room in it. So at each reading it is seen whether the queue is
//! full, or was before the last reading: if not, whatever was counted since then was rejected.
//!
//! # Safety
//! Control messages are read and changed where the kernel has just written them.

use super::raw_sk;
use core::sync::atomic::{AtomicU32, Ordering};
use libc::{c_long, msghdr};
use sockshim_module::Socket;
use sockshim_sys as sys;

/// What one reading takes from a full queue, beside what UDP has left there of earlier ones: up to a quarter of its limit
/// (`udp_rmem_release`).
const MARGIN: u32 = 8192;

/// What is known of a socket's counter. Readers at the same time may disturb each other's, by what was counted meanwhile.
pub struct Drops {
    /// Whether the program has asked for it.
    wanted: AtomicU32,
    /// Up to where the counter was seen.
    seen: AtomicU32,
    /// The last part of it that was lost, not rejected: from here ...
    from: AtomicU32,
    /// ... to here.
    to: AtomicU32,
    /// How many were lost before that.
    before: AtomicU32,
}

impl Drops {
    /// The program asks for it, or no longer does.
    pub fn want(&self, wanted: bool) {
        self.wanted.store(wanted.into(), Ordering::Relaxed);
    }

    /// Whether it does.
    #[inline]
    pub fn is_wanted(&self) -> bool {
        self.wanted.load(Ordering::Relaxed) != 0
    }

    /// What the counter says now.
    fn see(&self, count: u32, is_full: bool) {
        let seen = self.seen.swap(count, Ordering::Relaxed);
        if count == seen || !is_full {
            return;
        }
        let to = self.to.swap(count, Ordering::Relaxed);
        if to != seen {
            let from = self.from.swap(seen, Ordering::Relaxed);
            self.before.fetch_add(to.wrapping_sub(from), Ordering::Relaxed);
        }
    }

    /// How many were lost when the counter said this.
    fn lost(&self, count: u32) -> u32 {
        let [from, to, before] =
            [&self.from, &self.to, &self.before].map(|number| number.load(Ordering::Relaxed));
        before + count.clamp(from, to) - from
    }
}

/// Asks the descriptor whether the program wants it: another program has made the socket.
pub fn restore(sock: &Socket) {
    let (mut wanted, mut len) = (0i32, size_of::<i32>() as u32);
    let _ = get(sock, libc::SO_RXQ_OVFL, &raw mut wanted as c_long, &mut len);
    raw_sk(sock).drops.want(wanted != 0);
}

fn get(sock: &Socket, name: i32, to: c_long, len: &mut u32) -> Option<()> {
    let args = [sock.fd.into(), libc::SOL_SOCKET.into(), name.into(), to, &raw mut *len as c_long, 0];
    // SAFETY: the callers' buffers have room for as many bytes.
    (unsafe { sys::syscall(libc::SYS_getsockopt, args) } == 0).then_some(())
}

/// Before a frame is read.
pub fn look(sock: &Socket) {
    // `SK_MEMINFO_RMEM_ALLOC`, `SK_MEMINFO_RCVBUF`, `SK_MEMINFO_DROPS`.
    const SO_MEMINFO: i32 = 55;
    const ALLOC: usize = 0;
    const RCVBUF: usize = 1;
    const DROPS: usize = 8;
    let mut info = [0u32; 9];
    let mut len = size_of_val(&info) as u32;
    if get(sock, SO_MEMINFO, info.as_mut_ptr() as c_long, &mut len).is_some() {
        let taken = (info[RCVBUF] / 4).saturating_add(MARGIN);
        raw_sk(sock).drops.see(info[DROPS], info[ALLOC].saturating_add(taken) > info[RCVBUF]);
    }
}

/// After one was read: what the kernel has told is corrected, and taken away if nothing was lost, as the kernel does then.
///
/// # Safety
/// The message must be as the kernel has just filled it in.
pub unsafe fn correct(sock: &Socket, msg: &mut msghdr) {
    // SAFETY: the caller's promise.
    unsafe {
        let mut message = libc::CMSG_FIRSTHDR(msg);
        while let Some(header) = message.as_ref() {
            let next = libc::CMSG_NXTHDR(msg, message);
            if header.cmsg_level == libc::SOL_SOCKET && header.cmsg_type == libc::SO_RXQ_OVFL {
                let count = libc::CMSG_DATA(message).cast::<u32>();
                let lost = raw_sk(sock).drops.lost(count.read_unaligned());
                count.write_unaligned(lost);
                if lost == 0 && next.is_null() {
                    msg.msg_controllen = message as usize - msg.msg_control as usize;
                }
                return;
            }
            message = next;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn none() -> Drops {
        let zero = || AtomicU32::new(0);
        Drops { wanted: zero(), seen: zero(), from: zero(), to: zero(), before: zero() }
    }

    #[test]
    fn what_was_rejected_is_not_lost() {
        let drops = none();
        drops.see(5, false);
        assert_eq!([0, 3, 5].map(|count| drops.lost(count)), [0; 3]);
        // 10 are lost in two parts.
        drops.see(9, true);
        drops.see(15, true);
        drops.see(20, false);
        assert_eq!([5, 6, 15, 20].map(|count| drops.lost(count)), [0, 1, 10, 10]);
        // 2 more.
        drops.see(22, true);
        drops.see(30, false);
        assert_eq!([20, 21, 22, 30].map(|count| drops.lost(count)), [10, 11, 12, 12]);
    }
}
