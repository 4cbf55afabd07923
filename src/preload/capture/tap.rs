//! Puts what calls move into the memory that whoever captures packets reads ([`sockshim_core::tap`]).
//!
//! Every packet says which socket it is of and what its addresses are, as the kernel tells at that moment. So nobody has to
//! remember anything about sockets, however they came here.
//!
//! # Safety
//! The memory is attached for ever. Bytes get there by system calls only, which take any address.

use super::message::{Data, Message};
use crate::stack::Page;
use crate::{identity, memory, mode, sys};
use core::ptr;
use core::sync::atomic::{AtomicPtr, AtomicU32, AtomicU64, AtomicUsize, Ordering};
use libc::c_int;
use sockshim_core::fdtable::Packed;
use sockshim_core::hook::Does;
use sockshim_core::meaning::Meaning;
pub use sockshim_core::tap::UNREACHABLE;
use sockshim_core::tap::packet::{Head, Kind};
use sockshim_core::tap::{Chunk, Place, Tap};
use sockshim_core::trace::event::{Event, Extra};
use sys::segment::Segment;

/// The memory.
static START: AtomicPtr<AtomicU64> = AtomicPtr::new(ptr::null_mut());
static LEN: AtomicUsize = AtomicUsize::new(0);
/// The chunk of this process.
static CHUNK: AtomicU64 = AtomicU64::new(Chunk::NONE.0);
/// How often this process has given descriptors to another one.
static SHARES: AtomicU32 = AtomicU32::new(0);

/// Attaches the memory with this number, from which on packets are put there. Whether it could be reached.
#[cold]
#[inline(never)]
pub fn start(number: i32) -> bool {
    let Ok(segment) = Segment::attach(number) else { return false };
    if Tap::open(segment.words()).is_none() {
        return false;
    }
    let words = segment.leak();
    LEN.store(words.len(), Ordering::Relaxed);
    START.store(words.as_ptr().cast_mut(), Ordering::Release);
    mode::tap();
    true
}

fn tap() -> Option<Tap<'static>> {
    let start = START.load(Ordering::Acquire);
    if start.is_null() {
        return None;
    }
    // SAFETY: the memory is attached for ever, page by page, so it is aligned, and is looked at as atomics only.
    Tap::open(unsafe { core::slice::from_raw_parts(start, LEN.load(Ordering::Relaxed)) })
}

fn own() -> Chunk {
    Chunk(CHUNK.load(Ordering::Relaxed))
}

/// A forked child takes a chunk of its own.
pub fn start_in_child() {
    CHUNK.store(Chunk::NONE.0, Ordering::Relaxed);
    SHARES.store(0, Ordering::Relaxed);
}

/// The process has given its descriptors, or some of them, to another one.
pub fn shared() {
    SHARES.fetch_add(1, Ordering::Relaxed);
}

/// The reader may free this process's chunk. If the process `is_over`, what it has begun will never be completed.
pub fn close(is_over: bool) {
    if let Some(tap) = tap() {
        tap.close(own(), is_over);
    }
}

/// Before close(2) of the socket, of which the process has so many descriptors.
#[cold]
#[inline(never)]
pub fn closing(event: &Event, refs: u32) {
    if !identity::is_sandboxed() {
        put(event, event.fd, Kind::Closed, refs as i32, &Moved::NOTHING);
    }
}

/// After a call. In a sandbox of the program's own no system call is made.
pub fn call(event: &Event) {
    let hook = event.hook;
    match hook.does {
        _ if identity::is_sandboxed() => missed_blindly(event),
        Does::Connects => put(event, event.fd, Kind::Connected, event.errno.unwrap_or(0), &Moved::NOTHING),
        _ if event.errno.is_some() => {}
        Does::Accepts => accepted(event, event.ret as c_int),
        Does::Pairs => paired(event),
        Does::ShutsDown => put(event, event.fd, Kind::ShutDown, event.args[1] as i32, &Moved::NOTHING),
        Does::Receives => moved(event, Kind::Received),
        // A splice is from a socket if the first descriptor is one.
        Does::Splices if event.fd == Some(event.args[0] as c_int) => moved(event, Kind::Received),
        Does::Sends | Does::SendsTo | Does::Splices => moved(event, Kind::Sent),
        _ => {}
    }
}

/// Counts a call whose bytes cannot be looked at.
fn missed_blindly(event: &Event) {
    let moves = matches!(event.hook.does, Does::Sends | Does::SendsTo | Does::Receives | Does::Splices)
        && event.ret > 0;
    if moves && let Some(tap) = tap() {
        tap.miss(true);
    }
}

fn accepted(event: &Event, fd: c_int) {
    let is_unix = event.before.is_some_and(|socket| socket.unpack().sk.family == libc::AF_UNIX);
    let client = if is_unix { sys::peer_pid(fd).unwrap_or(0) } else { 0 };
    put(event, Some(fd), Kind::Accepted, client, &Moved::NOTHING);
}

fn paired(event: &Event) {
    if let Extra::Pair([one, other]) = event.extra
        && let Ok(cookie) = sys::getsockopt_cookie(other)
    {
        put(event, Some(one), Kind::Paired, 0, &Moved { count: cookie as usize, ..Moved::NOTHING });
    }
}

/// Where the bytes of a message are, and the address in it.
struct Moved {
    count: usize,
    from: Option<From>,
    name: (i64, i64),
}

enum From {
    Memory(Data),
    /// A file that sendfile(2) has read, and where.
    File(c_int, i64),
}

impl Moved {
    const NOTHING: Moved = Moved { count: 0, from: None, name: (0, 0) };
}

fn moved(event: &Event, kind: Kind) {
    const NOT_MOVED: c_int = libc::MSG_PEEK | libc::MSG_OOB | libc::MSG_ERRQUEUE;
    let hook = event.hook;
    let flags = hook.index_of(Meaning::MsgFlags).map_or(0, |index| event.args[index] as c_int);
    if flags & NOT_MOVED != 0 {
        return;
    }
    let count = if hook.index_of(Meaning::MsgVec).is_some() { event.ret } else { 1 };
    for index in 0..count.max(0) as usize {
        let moved = match Message::of(event, index) {
            // Who asks for nothing gets nothing, which says nothing of the peer.
            Some(Message { data: Data::Buffer(_, 0), .. }) if kind == Kind::Received => return,
            Some(message) => {
                if message.has_control && kind == Kind::Sent {
                    shared();
                }
                Moved { count: message.moved, from: Some(From::Memory(message.data)), name: message.name }
            }
            None => Moved { count: event.ret as usize, from: file(event), name: (0, 0) },
        };
        put(event, event.fd, kind, flags, &moved);
    }
}

/// Where sendfile(2) has read; not even that is known of what a splice(2) has moved.
fn file(event: &Event) -> Option<From> {
    if event.hook.key(1) != b"in_fd" {
        return None;
    }
    let (file, offset) = (event.args[1] as c_int, event.args[2]);
    let end = if offset == 0 { sys::position(file).ok()? } else { memory::value(Page::NONE, offset)? };
    Some(From::File(file, end - event.ret))
}

fn put(event: &Event, fd: Option<c_int>, kind: Kind, number: i32, moved: &Moved) {
    let socket = event.before.map(Packed::unpack).or(event.socket);
    let (Some(fd), Some(tap), Some(socket)) = (fd, tap(), socket) else { return };
    if !matches!(socket.sk.family, libc::AF_INET | libc::AF_INET6 | libc::AF_UNIX) {
        return;
    }
    if tap.is_full(own()) {
        return tap.miss(false);
    }
    let Ok(cookie) = sys::getsockopt_cookie(fd) else { return };
    let (mut local, mut peer) = ([0; 128], [0; 128]);
    let len = sys::address(fd, false, &mut local).unwrap_or(0);
    let local = &local[..len];
    let len = match moved.name {
        (address, len @ 1..=128) if address != 0 => Data::Buffer(address, len).copy(&mut peer),
        _ => sys::address(fd, true, &mut peer).unwrap_or_else(|_| copied(event, &mut peer)),
    };
    let peer = &peer[..len];
    let most = if moved.from.is_some() { moved.count.min(tap.limit()) } else { 0 };
    let Some(place) = place(tap, [local.len(), peer.len(), most]) else { return tap.miss(false) };
    let mut head = Head {
        kind,
        time: sys::realtime(),
        cookie,
        pid: identity::pid(),
        name: [0; 16],
        fd,
        family: socket.sk.family as u8,
        ty: socket.ty as u8,
        protocol: socket.sk.protocol,
        moved: moved.count as u64,
        number,
        shares: SHARES.load(Ordering::Relaxed),
        local: local.len() as u8,
        peer: peer.len() as u8,
        data: 0,
    };
    identity::name(&mut head.name);
    let to = place.data().as_ptr().cast_mut().cast::<u8>();
    // SAFETY: the place is this call's alone, and has room for so many bytes.
    head.data = unsafe {
        match &moved.from {
            Some(From::Memory(data)) => data.copy_to(to, most),
            Some(From::File(file, offset)) => sys::pread_to(*file, to, most, *offset).unwrap_or(0),
            None => 0,
        }
    } as u32;
    place.complete(&head, local, peer);
}

/// The address that the call was given, where the kernel knows of no peer.
fn copied(event: &Event, peer: &mut [u8; 128]) -> usize {
    let name = if event.extra == Extra::Address { event.addr.bytes() } else { &[] };
    peer.iter_mut().zip(name).for_each(|(to, from)| *to = *from);
    name.len()
}

/// A place in this process's chunk, or in a new one.
fn place(tap: Tap<'static>, lengths: [usize; 3]) -> Option<Place<'static>> {
    loop {
        let chunk = own();
        if let Some(place) = tap.place(chunk, lengths) {
            return Some(place);
        }
        let taken = tap.take()?;
        // Another thread may have taken one as well.
        if CHUNK.compare_exchange(chunk.0, taken.0, Ordering::Relaxed, Ordering::Relaxed).is_err() {
            tap.close(taken, true);
        }
    }
}
