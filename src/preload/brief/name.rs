//! bind(2), listen(2), connect(2), getsockname(2), getpeername(2), shutdown(2).

use super::{Address, Brief, Kept, Success, Unusual, Words, commit, unchanged};
use crate::dispatch::name::{BIND, CONNECT, GETPEERNAME, GETSOCKNAME, LISTEN, SHUTDOWN};
use crate::stack::Page;
use crate::track::Known;
use crate::{memory, sys};
use sockshim_core::fdtable::Packed;
use sockshim_core::net::state::{self, Sort};
use sockshim_core::trace::event::Course;

/// Whether a success says all of the socket, and the event has room for the program's address: the second and third argument
/// of the call.
#[inline(always)]
fn is_simple(words: &Words, known: &Known) -> bool {
    let Sort { family, ty, protocol } = known.socket().sort();
    let simple = match family {
        libc::AF_INET | libc::AF_INET6 => matches!(
            (ty, i32::from(protocol)),
            (libc::SOCK_STREAM, libc::IPPROTO_TCP) | (libc::SOCK_DGRAM, libc::IPPROTO_UDP)
        ),
        _ => family == libc::AF_UNIX,
    };
    simple && (2..=Address::LONGEST).contains(&(words[2] as u32 as usize))
}

/// A bind(2) of a TCP, UDP or AF_UNIX socket without an address, which succeeds.
pub struct Bind;

impl Brief for Bind {
    const COURSE: Option<&'static Course> = Some(&BIND);
    type Kept = ();

    #[inline(always)]
    fn start(words: &Words, known: &mut Known, _: Page) -> Result<(), Unusual> {
        let socket = known.socket();
        let is_new = socket.is_closed() && !socket.is_bound();
        if is_new && is_simple(words, known) { Ok(()) } else { Err(Unusual) }
    }

    #[inline(always)]
    fn succeeded(words: &Words, known: &mut Known, (): &(), _: i64) -> Result<Success, Unusual> {
        // SAFETY: the kernel has just read the address, which is short enough.
        let address = unsafe { Address::new(words[1], words[2] as usize, false) };
        commit(known, |old, sort| state::bound(old, sort.family != libc::AF_UNIX && address.port() == 0))?;
        Ok(Success::with(address))
    }
}

/// A copy of an address that is on the stack: connect may wait for long, and the program's may be gone by then.
#[derive(Clone, Copy)]
pub struct Copied {
    bytes: [u8; Address::LONGEST],
    len: usize,
}

impl Kept for Copied {}

impl Copied {
    /// The program's address, if it can be read without asking and has a family that says that a socket gets a peer.
    #[inline(always)]
    fn of(words: &Words, page: Page) -> Result<Copied, Unusual> {
        let mut copied = Copied { bytes: [0; Address::LONGEST], len: words[2] as u32 as usize };
        let is_near = page.peek(words[1], copied.bytes.get_mut(..copied.len).ok_or(Unusual)?);
        let family = u16::from_ne_bytes([copied.bytes[0], copied.bytes[1]]);
        if is_near && i32::from(family) != libc::AF_UNSPEC { Ok(copied) } else { Err(Unusual) }
    }

    /// The address, as long as the copy is there.
    #[inline(always)]
    fn address(&self) -> Address {
        // SAFETY: the bytes are there until the caller returns, who has put the event by then.
        unsafe { Address::new(self.bytes.as_ptr() as i64, self.len, false) }
    }
}

/// A connect(2) of a TCP, UDP or AF_UNIX socket that has no peer, which succeeds or goes on.
pub struct Connect;

impl Brief for Connect {
    const COURSE: Option<&'static Course> = Some(&CONNECT);
    type Kept = Copied;

    #[inline(always)]
    fn start(words: &Words, known: &mut Known, page: Page) -> Result<Copied, Unusual> {
        if !known.socket().is_closed() || !is_simple(words, known) {
            return Err(Unusual);
        }
        let copied = Copied::of(words, page)?;
        // While libc waits for the peer, signal handlers must see a socket that is connecting.
        commit(known, state::connecting).map(|_| copied)
    }

    #[inline(always)]
    fn succeeded(_: &Words, known: &mut Known, kept: &Copied, _: i64) -> Result<Success, Unusual> {
        commit(known, state::connected)?;
        Ok(Success::with(kept.address()))
    }

    #[inline(always)]
    fn failed(known: &mut Known, kept: &Copied) -> Result<Success, Unusual> {
        if sys::errno() != libc::EINPROGRESS {
            return Err(Unusual);
        }
        commit(known, |old, _| state::waiting(old))?;
        Ok(Success::with(kept.address()))
    }

    #[inline(always)]
    fn undo(known: &mut Known, before: Packed) {
        // If something else has changed the socket meanwhile, that stays.
        known.change(before.states());
    }
}

/// A listen(2) of a socket without a peer, which succeeds.
pub struct Listen;

impl Brief for Listen {
    const COURSE: Option<&'static Course> = Some(&LISTEN);
    type Kept = ();

    #[inline(always)]
    fn start(_: &Words, known: &mut Known, _: Page) -> Result<(), Unusual> {
        let socket = known.socket();
        if socket.is_closed() || socket.is_listening() { Ok(()) } else { Err(Unusual) }
    }

    #[inline(always)]
    fn succeeded(_: &Words, known: &mut Known, (): &(), _: i64) -> Result<Success, Unusual> {
        commit(known, state::listening)
    }
}

/// A shutdown(2) of a socket that listens or has a peer, which succeeds.
pub struct Shutdown;

impl Brief for Shutdown {
    const COURSE: Option<&'static Course> = Some(&SHUTDOWN);
    type Kept = ();

    #[inline(always)]
    fn start(_: &Words, known: &mut Known, _: Page) -> Result<(), Unusual> {
        let socket = known.socket();
        if socket.is_established() || socket.is_listening() { Ok(()) } else { Err(Unusual) }
    }

    #[inline(always)]
    fn succeeded(words: &Words, known: &mut Known, (): &(), _: i64) -> Result<Success, Unusual> {
        commit(known, |old, sort| state::shutdown(old, sort, words[1] as i32, None))
    }
}

/// A getsockname(2) that succeeds.
pub struct SockName;

impl Brief for SockName {
    const COURSE: Option<&'static Course> = Some(&GETSOCKNAME);
    const CHANGES: bool = false;
    /// The length of the buffer.
    type Kept = Option<i32>;

    #[inline(always)]
    fn start(words: &Words, _: &mut Known, page: Page) -> Result<Option<i32>, Unusual> {
        memory::near(page, words[2]).ok_or(Unusual).map(Some)
    }

    #[inline(always)]
    fn succeeded(words: &Words, known: &mut Known, kept: &Option<i32>, _: i64) -> Result<Success, Unusual> {
        unchanged(known)?;
        // SAFETY: the call has succeeded.
        unsafe { returned(words, *kept) }
    }
}

/// A getpeername(2) of a socket that has a peer, which succeeds.
pub struct PeerName;

impl Brief for PeerName {
    const COURSE: Option<&'static Course> = Some(&GETPEERNAME);
    const CHANGES: bool = false;
    /// The length of the buffer.
    type Kept = Option<i32>;

    #[inline(always)]
    fn start(words: &Words, known: &mut Known, page: Page) -> Result<Option<i32>, Unusual> {
        if !known.socket().is_established() {
            return Err(Unusual);
        }
        SockName::start(words, known, page)
    }

    #[inline(always)]
    fn succeeded(words: &Words, known: &mut Known, kept: &Option<i32>, ret: i64) -> Result<Success, Unusual> {
        SockName::succeeded(words, known, kept, ret)
    }
}

/// The address that a call has just returned where its second and third argument say. `capacity` is the length of the
/// program's buffer.
///
/// # Safety
/// The call must just have succeeded.
#[inline(always)]
pub unsafe fn returned(words: &Words, capacity: Option<i32>) -> Result<Success, Unusual> {
    // SAFETY: the caller's promise.
    unsafe {
        let Some((len, truncated)) = memory::sockaddr_len(words[1], words[2], capacity.unwrap_or(0)) else {
            return Ok(Success::PLAIN);
        };
        if len > Address::LONGEST {
            return Err(Unusual);
        }
        Ok(Success::with(Address::new(words[1], len, truncated)))
    }
}
