//! What the library knows of a descriptor, for tests that compare it with the kernel. Only the library that tests
//! build exports it.
//!
//! # Safety
//! The caller passes a pointer to a [`View`] that may be overwritten.

use core::ffi::{c_char, c_int};
use sockshim_core::fdtable::{Entry, FDS};

/// One descriptor, as `c-tests/stress/fd_check.h` declares it.
#[repr(C)]
pub struct View {
    /// 0: unknown, 1: not a socket, 2: a socket, which the other members describe.
    kind: c_int,
    family: c_int,
    ty: c_int,
    protocol: c_int,
    /// `sock->state` and `sk->sk_state` as the kernel's numbers, and what is known of the local address.
    state: c_int,
    sk_state: c_int,
    bound: c_int,
    shutdown: c_int,
    /// How many descriptors of the table refer to the socket.
    refs: c_int,
    /// Whether the entry's handle is stale: then the descriptor counts as unknown.
    stale: c_int,
    cookie: u64,
    ops: [c_char; 32],
    prot: [c_char; 32],
}

/// Fills the view of a descriptor. It asks nothing and changes nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sockshim_fd_view(fd: c_int, view: *mut View) {
    // SAFETY: all zeros are a valid view: it has only numbers.
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
