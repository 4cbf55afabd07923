//! Descriptors that arrive in messages (SCM_RIGHTS): what they stand for is asked when they are used.
//!
//! # Safety
//! The header and its control messages are those that the kernel has just written.

use crate::table;
use core::ffi::c_int;
use libc::msghdr;

/// After a recvmsg(2) that libc has performed.
///
/// # Safety
/// The kernel must have just read and written the header.
pub unsafe fn received(msg: *const msghdr) {
    // SAFETY: the caller's promise.
    unsafe {
        if (*msg).msg_controllen < size_of::<libc::cmsghdr>() {
            return;
        }
        let mut message = libc::CMSG_FIRSTHDR(msg);
        while let Some(header) = message.as_ref() {
            if header.cmsg_level == libc::SOL_SOCKET && header.cmsg_type == libc::SCM_RIGHTS {
                let bytes = header.cmsg_len - libc::CMSG_LEN(0) as usize;
                let fds = libc::CMSG_DATA(message).cast::<c_int>();
                (0..bytes / size_of::<c_int>())
                    .for_each(|index| table::forget(fds.add(index).read_unaligned()));
            }
            message = libc::CMSG_NXTHDR(msg, message);
        }
    }
}
