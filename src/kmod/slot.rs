//! The sockets of modules that this process has descriptors for, with the private memory of each.
//!
//! The memory is shared with forked children, which have descriptors for the same sockets: an option that one process sets is
//! one for all of them. A slot is given up by the process that made it, with its last descriptor. A child that still uses it
//! finds another socket's cookie there, and makes a slot of its own from what is saved with the descriptor.
//!
//! # Safety
//! Chunks are never unmapped, and a slot's private memory is read and written by modules only, which know that others do the
//! same at the same time.

use crate::counts;
use core::ptr;
use core::sync::atomic::{AtomicI32, AtomicPtr, AtomicU32, AtomicU64, Ordering};
use libc::c_int;
use sockshim_module::{ProtoOps, SK_SIZE, Socket};
use sockshim_sys as sys;

/// What is shared of a socket.
#[repr(C, align(64))]
struct Shared {
    cookie: AtomicU64,
    family: AtomicI32,
    ty: AtomicI32,
    protocol: AtomicI32,
    flags: AtomicU32,
    /// At the same address in every process that shares it: they are forked from one.
    ops: AtomicPtr<ProtoOps>,
    /// `sk_bound_dev_if`.
    bound_device: AtomicI32,
    sk: [AtomicU64; SK_SIZE / 8],
}

/// Slots of a chunk.
const SLOTS: usize = 64;
/// Chunks: for 65,536 sockets.
const CHUNKS: usize = 1024;

struct Chunk {
    slots: AtomicPtr<[Shared; SLOTS]>,
    /// The process that uses free slots.
    owner: AtomicI32,
    /// How many descriptors of this process refer to each slot. A free slot has none.
    refs: [AtomicU32; SLOTS],
}

static CHUNKS_: [Chunk; CHUNKS] = [const {
    Chunk {
        slots: AtomicPtr::new(ptr::null_mut()),
        owner: AtomicI32::new(0),
        refs: [const { AtomicU32::new(0) }; SLOTS],
    }
}; CHUNKS];

fn chunk(index: u32) -> &'static Chunk {
    &CHUNKS_[index as usize / SLOTS]
}

fn shared(index: u32) -> &'static Shared {
    // SAFETY: an index is given out after its chunk was mapped.
    unsafe { &(*chunk(index).slots.load(Ordering::Acquire))[index as usize % SLOTS] }
}

fn refs(index: u32) -> &'static AtomicU32 {
    &chunk(index).refs[index as usize % SLOTS]
}

/// A new slot for a socket, with one reference and zeroed private memory. `None` without memory.
pub fn alloc(socket: &Socket) -> Option<u32> {
    let pid = sys::getpid();
    for (number, chunk) in CHUNKS_.iter().enumerate() {
        if chunk.slots.load(Ordering::Acquire).is_null() {
            let memory = sys::mmap_shared(size_of::<[Shared; SLOTS]>()).ok()?;
            let claimed = chunk.owner.compare_exchange(0, pid, Ordering::AcqRel, Ordering::Relaxed).is_ok();
            if claimed {
                chunk.slots.store(memory.cast(), Ordering::Release);
            } else {
                // SAFETY: it was made here, and nobody else knows it.
                unsafe { sys::munmap(memory, size_of::<[Shared; SLOTS]>()) };
            }
        }
        if chunk.owner.load(Ordering::Acquire) != pid || chunk.slots.load(Ordering::Acquire).is_null() {
            continue;
        }
        let is_taken =
            |refs: &AtomicU32| refs.compare_exchange(0, 1, Ordering::AcqRel, Ordering::Relaxed).is_ok();
        if let Some(place) = chunk.refs.iter().position(is_taken) {
            let index = (number * SLOTS + place) as u32;
            fill(shared(index), socket);
            return Some(index);
        }
    }
    None
}

fn fill(shared: &Shared, socket: &Socket) {
    shared.sk.iter().for_each(|word| word.store(0, Ordering::Relaxed));
    shared.bound_device.store(0, Ordering::Relaxed);
    shared.family.store(socket.family, Ordering::Relaxed);
    shared.ty.store(socket.ty, Ordering::Relaxed);
    shared.protocol.store(socket.protocol, Ordering::Relaxed);
    shared.flags.store(socket.flags, Ordering::Relaxed);
    shared.ops.store(socket.ops.cast_mut(), Ordering::Relaxed);
    shared.cookie.store(socket.cookie, Ordering::Release);
}

/// After a create function: what the socket has become.
pub fn update(index: u32, socket: &Socket) {
    let shared = shared(index);
    shared.ty.store(socket.ty, Ordering::Relaxed);
    shared.protocol.store(socket.protocol, Ordering::Relaxed);
    shared.flags.store(socket.flags, Ordering::Relaxed);
    shared.ops.store(socket.ops.cast_mut(), Ordering::Relaxed);
    shared.cookie.store(socket.cookie, Ordering::Release);
}

/// The socket in a slot, for a call that came by `fd`.
pub fn socket(index: u32, fd: c_int) -> Socket {
    let shared = shared(index);
    Socket {
        fd,
        family: shared.family.load(Ordering::Relaxed),
        ty: shared.ty.load(Ordering::Relaxed),
        protocol: shared.protocol.load(Ordering::Relaxed),
        flags: shared.flags.load(Ordering::Relaxed),
        ops: shared.ops.load(Ordering::Relaxed),
        sk: shared.sk.as_ptr().cast_mut().cast(),
        cookie: shared.cookie.load(Ordering::Acquire),
    }
}

/// Whether the slot is that of the socket with this cookie.
pub fn has_cookie(index: u32, cookie: u64) -> bool {
    shared(index).cookie.load(Ordering::Acquire) == cookie
}

/// The slot of the socket with this cookie, if there is one.
pub fn find(cookie: u64) -> Option<u32> {
    let chunks = CHUNKS_.iter().enumerate();
    let used = chunks.take_while(|(_, chunk)| !chunk.slots.load(Ordering::Acquire).is_null());
    let mut slots = used.flat_map(|(number, chunk)| {
        let taken = (0..SLOTS).filter(|place| chunk.refs[*place].load(Ordering::Acquire) != 0);
        taken.map(move |place| (number * SLOTS + place) as u32)
    });
    slots.find(|index| has_cookie(*index, cookie))
}

/// The interface that the socket is bound to by SO_BINDTODEVICE; 0 if it is to none.
pub fn bound_device(socket: &Socket) -> c_int {
    find(socket.cookie).map_or(0, |index| shared(index).bound_device.load(Ordering::Relaxed))
}

/// Binds it.
pub fn bind_device(socket: &Socket, ifindex: c_int) {
    if let Some(index) = find(socket.cookie) {
        shared(index).bound_device.store(ifindex, Ordering::Relaxed);
    }
}

/// One more descriptor refers to the slot.
pub fn get(index: u32) {
    refs(index).fetch_add(1, Ordering::AcqRel);
}

/// One less does. With the last one the socket is released.
pub fn put(index: u32) {
    let refs = refs(index);
    let mut count = refs.load(Ordering::Acquire);
    while count > 1 {
        match refs.compare_exchange(count, count - 1, Ordering::AcqRel, Ordering::Acquire) {
            Ok(_) => return,
            Err(now) => count = now,
        }
    }
    // Nobody else has a descriptor for it any more. The slot is free after that only.
    release(index);
    refs.fetch_sub(1, Ordering::AcqRel);
}

fn release(index: u32) {
    let mut socket = socket(index, -1);
    // SAFETY: ops are those of a loaded module.
    if let Some(release) = unsafe { socket.ops.as_ref() }.and_then(|ops| ops.release) {
        let errno = sys::errno();
        // SAFETY: the socket is as the header describes it.
        unsafe { release(&mut socket) };
        sys::set_errno(errno);
    }
    counts::put(socket.family);
    // A forked child that closes its copies leaves the parent's socket as it is.
    if chunk(index).owner.load(Ordering::Acquire) == sys::getpid() {
        shared(index).cookie.store(0, Ordering::Release);
    }
}
