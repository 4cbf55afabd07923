//! socket(2), socketpair(2), accept(2).

use super::name::returned;
use super::{Brief, Makes, Success, Unusual, Words, unchanged};
use crate::dispatch::create::{ACCEPT, ACCEPT4, SOCKET, SOCKETPAIR, USUAL, USUAL_PAIRS, ints};
use crate::stack::Page;
use crate::track::{self, Known};
use crate::{memory, sys};
use sockshim_core::fdtable::{FDS, Packed};
use sockshim_core::trace::event::{Course, Extra};

/// An accept(2) or, with flags, accept4(2) on a listener, which succeeds or finds nobody waiting.
pub struct Accept<const FLAGS: bool>;

impl<const FLAGS: bool> Brief for Accept<FLAGS> {
    const COURSE: Option<&'static Course> = Some(if FLAGS { &ACCEPT4 } else { &ACCEPT });
    /// The length of the buffer for the peer's address, if there is one.
    type Kept = Option<i32>;

    #[inline(always)]
    fn start(words: &Words, known: &mut Known, page: Page) -> Result<Option<i32>, Unusual> {
        let socket = known.socket();
        if !socket.is_listening() || i32::from(socket.protocol()) == libc::IPPROTO_MPTCP {
            return Err(Unusual);
        }
        if words[1] == 0 {
            return Ok(None);
        }
        memory::near(page, words[2]).ok_or(Unusual).map(Some)
    }

    #[inline(always)]
    fn succeeded(words: &Words, known: &mut Known, kept: &Option<i32>, ret: i64) -> Result<Success, Unusual> {
        unchanged(known)?;
        // SAFETY: the call has succeeded.
        let success = unsafe { returned(words, *kept) }?;
        if track::made(ret as i32, known.socket().accepted()) { Ok(success) } else { Err(Unusual) }
    }

    #[inline(always)]
    fn failed(known: &mut Known, _: &Option<i32>) -> Result<Success, Unusual> {
        match sys::errno() {
            libc::EAGAIN | libc::EINTR => unchanged(known),
            _ => Err(Unusual),
        }
    }
}

/// A socket(2) that succeeds, with arguments that have made a socket before.
pub struct Make;

impl Makes for Make {
    const COURSE: &'static Course = &SOCKET;

    #[inline(always)]
    fn start(words: &Words) -> Option<Packed> {
        USUAL.of(ints(words))
    }

    #[inline(always)]
    fn succeeded(_: &Words, made: Packed, ret: i64) -> Result<(Option<i32>, Extra), Unusual> {
        match track::made(ret as i32, made) {
            true => Ok((Some(ret as i32), Extra::None)),
            false => Err(Unusual),
        }
    }
}

/// A socketpair(2) that succeeds, with arguments that have made a pair before.
pub struct MakePair;

impl Makes for MakePair {
    const COURSE: &'static Course = &SOCKETPAIR;

    #[inline(always)]
    fn start(words: &Words) -> Option<Packed> {
        USUAL_PAIRS.of(ints(words))
    }

    #[inline(always)]
    fn succeeded(words: &Words, made: Packed, _: i64) -> Result<(Option<i32>, Extra), Unusual> {
        // SAFETY: the successful call has written both descriptors.
        let [first, second]: [i32; 2] = unsafe { memory::read_used(words[3]) };
        // Both or none: the slow path stores both.
        if FDS.seen(second).is_socket() || !track::made(first, made) {
            return Err(Unusual);
        }
        if !track::made(second, made) {
            FDS.forget(first);
            return Err(Unusual);
        }
        Ok((None, Extra::Pair([first, second])))
    }
}
