//! bind(2), listen(2), connect(2), getsockname(2), getpeername(2), shutdown(2).

use super::{Address, Brief, Success, Unusual, Words, commit, unchanged};
use crate::dispatch::name::{BIND, CONNECT, GETPEERNAME, GETSOCKNAME, LISTEN, SHUTDOWN};
use crate::stack::Page;
use crate::track::Known;
use crate::{memory, sys};
use sockshim_core::fdtable::Packed;
use sockshim_core::net::ops::SocketState;
use sockshim_core::net::sock::TcpState;
use sockshim_core::net::state::{self, Sort};
use sockshim_core::trace::event::{Course, Extra};

/// A bind(2) of a TCP, UDP or AF_UNIX socket that succeeds.
pub struct Bind;

impl Brief for Bind {
    const COURSE: Option<&'static Course> = Some(&BIND);

    #[inline(always)]
    fn before(words: &Words, known: &mut Known, _: Page) -> Result<Option<i32>, Unusual> {
        if is_simple(words, known) { Ok(None) } else { Err(Unusual) }
    }

    #[inline(always)]
    fn after(words: &Words, known: &mut Known, _: Option<i32>, _: i64) -> Result<Success, Unusual> {
        // SAFETY: the call has succeeded.
        let address = unsafe { given(words) };
        commit(known, |old, sort| state::bound(old, sort.family != libc::AF_UNIX && address.port() == 0))?;
        Ok(with(address))
    }
}

/// A connect(2) of a TCP, UDP or AF_UNIX socket that has no peer, and that succeeds or goes on.
pub struct Connect;

impl Brief for Connect {
    const COURSE: Option<&'static Course> = Some(&CONNECT);

    #[inline(always)]
    fn before(words: &Words, known: &mut Known, _: Page) -> Result<Option<i32>, Unusual> {
        let old = known.socket().states();
        if !is_simple(words, known) || (old.socket, old.sk) != (SocketState::Unconnected, TcpState::Close) {
            return Err(Unusual);
        }
        // While libc waits for the peer, signal handlers must see a socket that is connecting.
        commit(known, state::connecting).map(|_| None)
    }

    #[inline(always)]
    fn after(words: &Words, known: &mut Known, _: Option<i32>, _: i64) -> Result<Success, Unusual> {
        // SAFETY: the call has succeeded.
        let address = unsafe { given(words) };
        match i32::from(address.family()) == libc::AF_UNSPEC {
            true => commit(known, state::disconnect)?,
            false => commit(known, state::connected)?,
        };
        Ok(with(address))
    }

    #[inline(always)]
    fn failed(words: &Words, known: &mut Known) -> Result<Success, Unusual> {
        if sys::errno() != libc::EINPROGRESS {
            return Err(Unusual);
        }
        commit(known, |old, _| state::waiting(old))?;
        // SAFETY: the kernel has read the address, to which a connection is under way.
        Ok(with(unsafe { given(words) }))
    }

    #[inline(always)]
    fn take_back(known: &mut Known, before: Packed) {
        // If something else has changed the socket meanwhile, that stays.
        known.change(before.states());
    }
}

/// What a call with an address leaves.
#[inline(always)]
fn with(address: Address) -> Success {
    Success { extra: Extra::Address, address: Some(address) }
}

/// Whether the program's address, the second and third argument of a call, is one whose event has room for it, and the socket
/// one of which a success says all.
#[inline(always)]
fn is_simple(words: &Words, known: &Known) -> bool {
    let Sort { family, protocol, .. } = known.socket().sort();
    let simple = match family {
        libc::AF_INET | libc::AF_INET6 => {
            matches!(i32::from(protocol), libc::IPPROTO_TCP | libc::IPPROTO_UDP)
        }
        _ => family == libc::AF_UNIX,
    };
    simple && (2..=Address::LONGEST).contains(&(words[2] as u32 as usize))
}

/// That address.
///
/// # Safety
/// It must be [simple](is_simple), and the call just have read it.
#[inline(always)]
unsafe fn given(words: &Words) -> Address {
    // SAFETY: the caller's promise.
    unsafe { Address::new(words[1], words[2] as usize, false) }
}

/// A listen(2) that succeeds.
pub struct Listen;

impl Brief for Listen {
    const COURSE: Option<&'static Course> = Some(&LISTEN);

    #[inline(always)]
    fn after(_: &Words, known: &mut Known, _: Option<i32>, _: i64) -> Result<Success, Unusual> {
        commit(known, state::listening)
    }
}

/// A shutdown(2) that succeeds.
pub struct Shutdown;

impl Brief for Shutdown {
    const COURSE: Option<&'static Course> = Some(&SHUTDOWN);

    #[inline(always)]
    fn after(words: &Words, known: &mut Known, _: Option<i32>, _: i64) -> Result<Success, Unusual> {
        commit(known, |old, sort| state::shutdown(old, sort, words[1] as i32, None))
    }
}

/// A getsockname(2) that succeeds.
pub struct SockName;

impl Brief for SockName {
    const COURSE: Option<&'static Course> = Some(&GETSOCKNAME);
    const CHANGES: bool = false;

    #[inline(always)]
    fn before(words: &Words, _: &mut Known, page: Page) -> Result<Option<i32>, Unusual> {
        memory::near(page, words[2]).ok_or(Unusual).map(Some)
    }

    #[inline(always)]
    fn after(words: &Words, known: &mut Known, input: Option<i32>, _: i64) -> Result<Success, Unusual> {
        unchanged(known)?;
        // SAFETY: the call has succeeded.
        unsafe { returned(words, input) }
    }
}

/// A getpeername(2) that succeeds, as it should.
pub struct PeerName;

impl Brief for PeerName {
    const COURSE: Option<&'static Course> = Some(&GETPEERNAME);
    const CHANGES: bool = false;

    #[inline(always)]
    fn before(words: &Words, known: &mut Known, page: Page) -> Result<Option<i32>, Unusual> {
        // Else the kernel is asked after the call whether the connection is another process's work.
        if !known.socket().is_established() {
            return Err(Unusual);
        }
        SockName::before(words, known, page)
    }

    #[inline(always)]
    fn after(words: &Words, known: &mut Known, input: Option<i32>, ret: i64) -> Result<Success, Unusual> {
        SockName::after(words, known, input, ret)
    }
}

/// The address that a call has just returned where its second and third argument say; `input` is the length of the buffer.
///
/// # Safety
/// The call must just have succeeded.
#[inline(always)]
pub unsafe fn returned(words: &Words, input: Option<i32>) -> Result<Success, Unusual> {
    // SAFETY: the caller's promise.
    unsafe {
        let Some((len, truncated)) = memory::sockaddr_len(words[1], words[2], input.unwrap_or(0)) else {
            return Ok(Success::PLAIN);
        };
        if len > Address::LONGEST {
            return Err(Unusual);
        }
        Ok(with(Address::new(words[1], len, truncated)))
    }
}
