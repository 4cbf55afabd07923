//! Other arguments for libc than the program's: another address, a shorter length, another protocol.
//!
//! The program's memory is never changed. What the new arguments point to stands in a [`Room`] in the frame that calls
//! libc; what the kernel gives back there is handed on afterwards ([`give_back`]).
//!
//! A shorter length counts over all parts of a message, and a call about many messages handles the first one only: either
//! is an answer that such a call may always give.
//!
//! # Safety
//! A room is read only where [`prepare`] has written it.

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

/// How many parts of a message are kept when it is shortened: the rest comes with the program's next call.
const PARTS: usize = 8;

/// Memory for what the new arguments point to.
pub struct Room {
    words: [i64; MAX_ARGS],
    /// A copy of the program's header, which recvmsg(2) and its relatives write to.
    header: mmsghdr,
    parts: [iovec; PARTS],
    /// Where the program's header is; 0 when there is no copy.
    original: i64,
    /// Whether the header is one of many, with the length of its message.
    counts: bool,
}

/// Fills the room with the arguments that the verdict asks for: the program's own where it asks for none, or where they
/// cannot be changed. Whether there are others.
pub fn prepare(ticket: &Ticket, room: &mut Room) -> bool {
    let hook = ticket.event.hook;
    room.words = ticket.event.args;
    let changed = match &ticket.instead.argument {
        Argument::Own => None,
        Argument::Address(address) => room.address(hook, address),
        Argument::Length(length) => room.length(hook, *length),
        Argument::Protocol { family, ty, protocol } => {
            room.words[..3].copy_from_slice(&[i64::from(*family), i64::from(*ty), i64::from(*protocol)]);
            Some(())
        }
    };
    if changed.is_none() {
        room.words = ticket.event.args;
        room.original = 0;
    }
    if ticket.event.via_syscall {
        // The number stands behind the arguments while the call is looked at.
        room.words.rotate_right(1);
    }
    changed.is_some()
}

impl Room {
    /// The arguments as libc gets them.
    pub fn words(&self) -> &[i64; MAX_ARGS] {
        &self.words
    }

    fn address(&mut self, hook: &Hook, address: &SockAddr) -> Option<()> {
        if let Some(place) = hook.place_of(Meaning::Addr) {
            self.words[place] = address.bytes().as_ptr() as i64;
            self.words[place + 1] = address.len() as i64;
            return Some(());
        }
        self.copy_header(hook)?;
        self.header.msg_hdr.msg_name = address.bytes().as_ptr().cast_mut().cast();
        self.header.msg_hdr.msg_namelen = address.len() as u32;
        Some(())
    }

    fn length(&mut self, hook: &Hook, length: u64) -> Option<()> {
        if let Some(place) = hook.place_of(Meaning::Iov) {
            let count = self.cut(self.words[place], self.words[place + 1] as u64, length)?;
            self.words[place] = self.parts.as_ptr() as i64;
            self.words[place + 1] = count as i64;
            return Some(());
        }
        if hook.place_of(Meaning::Msg).or(hook.place_of(Meaning::MsgVec)).is_some() {
            self.copy_header(hook)?;
            let header = self.header.msg_hdr;
            let count = self.cut(header.msg_iov as i64, header.msg_iovlen as u64, length)?;
            self.header.msg_hdr.msg_iov = self.parts.as_mut_ptr();
            self.header.msg_hdr.msg_iovlen = count;
            return Some(());
        }
        let place = hook.place_of(Meaning::Uint64)?;
        self.words[place] = (self.words[place] as u64).min(length) as i64;
        Some(())
    }

    /// Points the call to a copy of its header, or of the first one of many.
    fn copy_header(&mut self, hook: &Hook) -> Option<()> {
        let one = hook.place_of(Meaning::Msg);
        let place = one.or(hook.place_of(Meaning::MsgVec))?;
        self.original = self.words[place];
        self.counts = one.is_none();
        self.header.msg_hdr = memory::value::<msghdr>(Page::NONE, self.original)?;
        self.words[place] = &raw mut self.header as i64;
        if self.counts {
            // None stays none.
            self.words[place + 1] = self.words[place + 1].min(1);
        }
        Some(())
    }

    /// Copies the parts up to `length` bytes together, and says how many those are.
    fn cut(&mut self, parts: i64, count: u64, length: u64) -> Option<usize> {
        let mut left = length;
        let mut kept = 0;
        while kept < PARTS && (kept as u64) < count && (left > 0 || kept == 0) {
            let mut part = memory::value::<iovec>(Page::NONE, parts + (kept * size_of::<iovec>()) as i64)?;
            part.iov_len = part.iov_len.min(usize::try_from(left).unwrap_or(usize::MAX));
            left -= part.iov_len as u64;
            self.parts[kept] = part;
            kept += 1;
        }
        Some(kept)
    }
}

/// Hands on what the kernel has written into a header's copy.
///
/// # Safety
/// `room` must have been written if libc was given other arguments, and the call must be over, with the result `ret`.
pub unsafe fn give_back(ticket: &Ticket, room: &MaybeUninit<Room>, ret: i64) {
    if !matches!(ticket.event.action, Action::HostInstead) || ret < 0 {
        return;
    }
    // SAFETY: the caller's promise.
    let room = unsafe { room.assume_init_ref() };
    if room.original == 0 {
        return;
    }
    let header = room.header.msg_hdr;
    if ticket.event.hook.does == sockshim_core::hook::Does::Receives {
        for (offset, value) in [
            (offset_of!(msghdr, msg_namelen), i64::from(header.msg_namelen)),
            (offset_of!(msghdr, msg_flags), i64::from(header.msg_flags)),
        ] {
            memory::store(room.original + offset as i64, &(value as u32).to_ne_bytes());
        }
        let control = room.original + offset_of!(msghdr, msg_controllen) as i64;
        memory::store(control, &(header.msg_controllen as u64).to_ne_bytes());
    }
    if room.counts && ret > 0 {
        let sent = room.original + offset_of!(mmsghdr, msg_len) as i64;
        memory::store(sent, &room.header.msg_len.to_ne_bytes());
    }
}
