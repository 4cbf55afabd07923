//! What the library knows of a descriptor, for the tests that compare it with the kernel. Only a library that is built
//! for them exports it.
//!
//! # Safety
//! The caller passes a [`View`] of its own to be filled.

use core::ffi::{c_char, c_int};
use sockshim_core::fdtable::{Entry, FDS};

/// One descriptor, as `c-tests/fd/view.h` declares it.
#[repr(C)]
pub struct View {
    /// 0: unknown, 1: no socket, 2: a socket, which the rest is about.
    kind: c_int,
    family: c_int,
    ty: c_int,
    protocol: c_int,
    /// `sock->state` and `sk->sk_state` by the kernel's numbers, and what is known of the local address.
    state: c_int,
    sk_state: c_int,
    bound: c_int,
    shutdown: c_int,
    /// How many descriptors of the table refer to it.
    refs: c_int,
    /// Whether the description's slot may be followed. A stale handle is the same as an unknown descriptor.
    stale: c_int,
    cookie: u64,
    ops: [c_char; 32],
    prot: [c_char; 32],
}

/// Fills the view of a descriptor. Nothing is asked, and nothing changes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sockshim_fd_view(fd: c_int, view: *mut View) {
    // SAFETY: zeros are a view: numbers only.
    let mut found: View = unsafe { core::mem::zeroed() };
    match FDS.get(fd) {
        Entry::Unknown | Entry::Doubtful => {}
        Entry::NotSocket => found.kind = 1,
        Entry::Socket(handle) => match FDS.read(handle) {
            None => found.stale = 1,
            Some((socket, cookie)) => {
                found.kind = 2;
                (found.family, found.ty) = (socket.sk.family, socket.ty);
                found.protocol = socket.sk.protocol.into();
                (found.state, found.sk_state) = (socket.state as c_int, socket.sk.state as c_int);
                (found.bound, found.shutdown) = (socket.sk.bound as c_int, socket.shutdown.into());
                found.refs = FDS.refs(handle) as c_int;
                found.cookie = cookie;
                name(&mut found.ops, socket.ops.map_or("", |ops| ops.name));
                name(&mut found.prot, socket.sk.prot.map_or("", |prot| prot.symbol));
            }
        },
    }
    // SAFETY: the caller's promise.
    unsafe { view.write(found) };
}

fn name(to: &mut [c_char; 32], name: &str) {
    // The last byte stays zero.
    for (to, byte) in to[..31].iter_mut().zip(name.bytes()) {
        *to = byte as c_char;
    }
}
