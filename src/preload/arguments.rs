//! Other arguments for libc than the program's: another address, a shorter length, another protocol.
//!
//! The program's memory is never changed. What the new arguments point to stands in a [`Replacement`] in the frame that calls
//! libc; what the kernel gives back there is handed on afterwards ([`give_back`]).
//!
//! A shorter length counts over all parts of a message, and a call about many messages handles the first one only: either
//! is an answer that such a call may always give.
//!
//! # Safety
//! A replacement is read only where [`prepare`] has written it.

use crate::call::Ticket;
use crate::memory;
use crate::stack::Page;
use core::mem::{MaybeUninit, offset_of};
use libc::{iovec, mmsghdr, msghdr};
use sockshim_core::hook::Hook;
use sockshim_core::hook::MAX_ARGS;
use sockshim_core::meaning::Meaning;
use sockshim_core::net::address::SockAddr;
use sockshim_core::verdict::{Action, Argument};

/// How many parts of a shortened message are passed on. The program sends the rest with its next call.
const PARTS: usize = 8;

/// Memory for what the new arguments point to.
pub struct Replacement {
    words: [i64; MAX_ARGS],
    /// A copy of the program's header, which recvmsg(2) and its relatives write to.
    header: mmsghdr,
    parts: [iovec; PARTS],
    /// The address of the program's header; 0 when there is no copy.
    original: i64,
    /// Whether the header is an `mmsghdr`, which also has its message's length.
    counts: bool,
}

/// Fills the replacement with the arguments that the verdict asks for: the program's own where it asks for none, or where they
/// cannot be changed. Whether there are others.
pub fn prepare(ticket: &Ticket, replacement: &mut Replacement) -> bool {
    let hook = ticket.event.hook;
    replacement.words = ticket.event.args;
    let changed = match &ticket.instead.argument {
        Argument::Own | Argument::OwnThenLook => None,
        Argument::Messages(count) => replacement.messages(hook, *count),
        Argument::Address(address) => replacement.address(hook, address),
        Argument::Length(length) => replacement.length(hook, *length),
        Argument::Protocol { family, ty, protocol } => {
            replacement.words[..3].copy_from_slice(&[
                i64::from(*family),
                i64::from(*ty),
                i64::from(*protocol),
            ]);
            Some(())
        }
    };
    if changed.is_none() {
        replacement.words = ticket.event.args;
        replacement.original = 0;
    }
    if ticket.event.via_syscall {
        // During the preparation, syscall(2)'s number is behind the arguments.
        replacement.words.rotate_right(1);
    }
    changed.is_some()
}

impl Replacement {
    /// The arguments for libc.
    pub fn words(&self) -> &[i64; MAX_ARGS] {
        &self.words
    }

    fn address(&mut self, hook: &Hook, address: &SockAddr) -> Option<()> {
        if let Some(index) = hook.index_of(Meaning::Addr) {
            self.words[index] = address.bytes().as_ptr() as i64;
            self.words[index + 1] = address.len() as i64;
            return Some(());
        }
        self.copy_header(hook)?;
        self.header.msg_hdr.msg_name = address.bytes().as_ptr().cast_mut().cast();
        self.header.msg_hdr.msg_namelen = address.len() as u32;
        Some(())
    }

    fn messages(&mut self, hook: &Hook, count: u32) -> Option<()> {
        let index = hook.index_of(Meaning::MsgVec)? + 1;
        self.words[index] = self.words[index].min(i64::from(count));
        Some(())
    }

    fn length(&mut self, hook: &Hook, length: u64) -> Option<()> {
        if let Some(index) = hook.index_of(Meaning::Iov) {
            let count = self.cut(self.words[index], self.words[index + 1] as u64, length)?;
            self.words[index] = self.parts.as_ptr() as i64;
            self.words[index + 1] = count as i64;
            return Some(());
        }
        if hook.index_of(Meaning::Msg).or(hook.index_of(Meaning::MsgVec)).is_some() {
            self.copy_header(hook)?;
            let header = self.header.msg_hdr;
            let count = self.cut(header.msg_iov as i64, header.msg_iovlen as u64, length)?;
            self.header.msg_hdr.msg_iov = self.parts.as_mut_ptr();
            self.header.msg_hdr.msg_iovlen = count;
            return Some(());
        }
        let index = hook.index_of(Meaning::Uint64)?;
        self.words[index] = (self.words[index] as u64).min(length) as i64;
        Some(())
    }

    /// Makes the call use a copy of its header, or of the first of several headers.
    fn copy_header(&mut self, hook: &Hook) -> Option<()> {
        let one = hook.index_of(Meaning::Msg);
        let index = one.or(hook.index_of(Meaning::MsgVec))?;
        self.original = self.words[index];
        self.counts = one.is_none();
        self.header.msg_hdr = memory::value::<msghdr>(Page::NONE, self.original)?;
        self.words[index] = &raw mut self.header as i64;
        if self.counts {
            // A count of 0 stays 0.
            self.words[index + 1] = self.words[index + 1].min(1);
        }
        Some(())
    }

    /// Copies the parts that hold the first `length` bytes, and returns their number. Parts without bytes are left out. `None` if
    /// the kernel refuses such parts, or nothing has to be cut.
    fn cut(&mut self, parts: i64, count: u64, length: u64) -> Option<usize> {
        if count > libc::UIO_MAXIOV as u64 {
            return None;
        }
        let mut left = usize::try_from(length).unwrap_or(usize::MAX);
        let mut kept = 0;
        for index in 0..count as usize {
            if kept == PARTS || left == 0 {
                break;
            }
            let mut part = memory::value::<iovec>(Page::NONE, parts + (index * size_of::<iovec>()) as i64)?;
            if part.iov_len > isize::MAX as usize {
                return None;
            }
            part.iov_len = part.iov_len.min(left);
            left -= part.iov_len;
            if part.iov_len > 0 {
                self.parts[kept] = part;
                kept += 1;
            }
        }
        (kept > 0).then_some(kept)
    }
}

/// Copies what the kernel has written into the header's copy to the program's header.
///
/// # Safety
/// `replacement` must have been written if libc was given other arguments, and the call must be over, with the result `ret`.
pub unsafe fn give_back(ticket: &Ticket, replacement: &MaybeUninit<Replacement>, ret: i64) {
    if !matches!(ticket.event.action, Action::HostInstead) || ret < 0 {
        return;
    }
    // SAFETY: the caller's promise.
    let replacement = unsafe { replacement.assume_init_ref() };
    if replacement.original == 0 {
        return;
    }
    let header = replacement.header.msg_hdr;
    if ticket.event.hook.does == sockshim_core::hook::Does::Receives {
        for (offset, value) in [
            (offset_of!(msghdr, msg_namelen), i64::from(header.msg_namelen)),
            (offset_of!(msghdr, msg_flags), i64::from(header.msg_flags)),
        ] {
            memory::store(replacement.original + offset as i64, &(value as u32).to_ne_bytes());
        }
        let control = replacement.original + offset_of!(msghdr, msg_controllen) as i64;
        memory::store(control, &(header.msg_controllen as u64).to_ne_bytes());
    }
    if replacement.counts && ret > 0 {
        let sent = replacement.original + offset_of!(mmsghdr, msg_len) as i64;
        memory::store(sent, &replacement.header.msg_len.to_ne_bytes());
    }
}
