//! socket(2), socketpair(2), accept(2).

use super::name::returned;
use super::{Brief, Makes, Success, Unusual, Words, unchanged};
use crate::dispatch::create::{ACCEPT, ACCEPT4, SOCKET, SOCKETPAIR, USUAL, USUAL_PAIRS, ints};
use crate::stack::Page;
use crate::track::{self, Known};
use crate::{memory, sys};
use sockshim_core::fdtable::Packed;
use sockshim_core::trace::event::{Course, Extra};

/// An accept(2) that succeeds, or finds nobody waiting.
pub struct Accept;

impl Brief for Accept {
    const COURSE: Option<&'static Course> = Some(&ACCEPT);

    #[inline(always)]
    fn before(words: &Words, known: &mut Known, page: Page) -> Result<Option<i32>, Unusual> {
        if i32::from(known.socket().protocol()) == libc::IPPROTO_MPTCP {
            return Err(Unusual);
        }
        if words[1] == 0 {
            return Ok(None);
        }
        memory::near(page, words[2]).ok_or(Unusual).map(Some)
    }

    #[inline(always)]
    fn after(words: &Words, known: &mut Known, input: Option<i32>, ret: i64) -> Result<Success, Unusual> {
        unchanged(known)?;
        // SAFETY: the call has succeeded.
        let success = unsafe { returned(words, input) }?;
        if track::made(ret as i32, known.socket().accepted()) { Ok(success) } else { Err(Unusual) }
    }

    #[inline(always)]
    fn failed(_: &Words, known: &mut Known) -> Result<Success, Unusual> {
        let is_patient = matches!(sys::errno(), libc::EAGAIN | libc::EINTR);
        if is_patient && known.socket().is_listening() {
            unchanged(known)?;
            return Ok(Success::PLAIN);
        }
        Err(Unusual)
    }
}

/// An accept4(2), likewise.
pub struct Accept4;

impl Brief for Accept4 {
    const COURSE: Option<&'static Course> = Some(&ACCEPT4);

    #[inline(always)]
    fn before(words: &Words, known: &mut Known, page: Page) -> Result<Option<i32>, Unusual> {
        Accept::before(words, known, page)
    }

    #[inline(always)]
    fn after(words: &Words, known: &mut Known, input: Option<i32>, ret: i64) -> Result<Success, Unusual> {
        Accept::after(words, known, input, ret)
    }

    #[inline(always)]
    fn failed(words: &Words, known: &mut Known) -> Result<Success, Unusual> {
        Accept::failed(words, known)
    }
}

/// A socket(2) that succeeds, with arguments that have made a socket before.
pub struct Make;

impl Makes for Make {
    const COURSE: &'static Course = &SOCKET;

    #[inline(always)]
    fn before(words: &Words) -> Option<Packed> {
        USUAL.of(ints(words))
    }

    #[inline(always)]
    fn after(_: &Words, made: Packed, ret: i64) -> Result<(Option<i32>, Extra), Unusual> {
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
    fn before(words: &Words) -> Option<Packed> {
        USUAL_PAIRS.of(ints(words))
    }

    #[inline(always)]
    fn after(words: &Words, made: Packed, _: i64) -> Result<(Option<i32>, Extra), Unusual> {
        // SAFETY: the successful call has written both descriptors.
        let pair: [i32; 2] = unsafe { memory::read_used(words[3]) };
        match track::made(pair[0], made) && track::made(pair[1], made) {
            true => Ok((None, Extra::Pair(pair))),
            false => Err(Unusual),
        }
    }
}
