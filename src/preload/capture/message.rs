//! Where the data of a call is, and the address in its message.
//!
//! The program's memory is copied by the kernel, which refuses what cannot be read: another thread may have unmapped it since the
//! call.
//!
//! # Safety
//! See the one function that has it.

use crate::memory;
use crate::stack::Page;
use libc::{c_int, mmsghdr, msghdr};
use sockshim_core::hook::Does;
use sockshim_core::meaning::Meaning;
use sockshim_core::trace::event::Event;

/// Where data is.
#[derive(Clone, Copy)]
pub enum Data {
    /// At an address, with a length.
    Buffer(i64, i64),
    /// In the parts of a `struct iovec[]`: its address and its length.
    Vector(i64, i64),
}

impl Data {
    /// Copies as much as can be read and fits; how much that is.
    pub fn copy(self, to: &mut [u8]) -> usize {
        // SAFETY: the slice is of this length.
        unsafe { self.copy_to(to.as_mut_ptr(), to.len()) }
    }

    /// The same to memory that others look at, of `len` bytes.
    ///
    /// # Safety
    /// The memory must be writable, and nobody else may write to it.
    pub unsafe fn copy_to(self, to: *mut u8, len: usize) -> usize {
        // SAFETY: the caller's promise.
        unsafe {
            match self {
                Data::Buffer(address, length) => memory::gather(&[address, length], 1, to, len),
                Data::Vector(address, count) => memory::gather(address as *const [i64; 2], count, to, len),
            }
        }
    }
}

/// One message of a call.
pub struct Message {
    /// Where its data is.
    pub data: Data,
    /// Where the address in it is, and its length.
    pub name: (i64, i64),
    /// How many bytes were moved.
    pub moved: usize,
    /// Whether it has control messages, which may hand on descriptors.
    pub has_control: bool,
}

impl Message {
    /// The message at `index` of a call that has succeeded.
    pub fn of(event: &Event, index: usize) -> Option<Message> {
        let hook = event.hook;
        if let Some(at) = hook.index_of(Meaning::MsgVec) {
            let address = event.args[at] + (index * size_of::<mmsghdr>()) as i64;
            let one: mmsghdr = memory::value(Page::NONE, address)?;
            return Some(of_header(&one.msg_hdr, one.msg_len as usize));
        }
        let moved = event.ret as usize;
        if let Some(at) = hook.index_of(Meaning::Msg) {
            return Some(of_header(&memory::value(Page::NONE, event.args[at])?, moved));
        }
        let mut name = (0, 0);
        // recvfrom(2) has stored the address that sendto(2) was given.
        if let Some(at) = hook.index_of(Meaning::Addr) {
            let (address, length) = (event.args[at], event.args[at + 1]);
            name = match hook.does {
                Does::Receives if address != 0 => {
                    (address, memory::value::<c_int>(Page::NONE, length).unwrap_or(0).into())
                }
                Does::Receives => name,
                _ => (address, length as c_int as i64),
            };
        }
        let data = match hook.index_of(Meaning::Iov) {
            Some(at) => Data::Vector(event.args[at], event.args[at + 1] as c_int as i64),
            // All others than sendfile(2) and splice(2) have a buffer there.
            None if hook.key(1) == b"buf" => Data::Buffer(event.args[1], event.args[2]),
            None => return None,
        };
        Some(Message { data, name, moved, has_control: false })
    }
}

fn of_header(header: &msghdr, moved: usize) -> Message {
    Message {
        data: Data::Vector(header.msg_iov as i64, header.msg_iovlen as i64),
        name: (header.msg_name as i64, header.msg_namelen as c_int as i64),
        moved,
        has_control: header.msg_controllen > 0,
    }
}
