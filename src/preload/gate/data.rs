//! The gates of data calls and of calls that wait.

use super::{Call, Gate, Interest, Perform};
use crate::dispatch::{data, ready};
use crate::late::{Performed, late};
use crate::log::clock;
use crate::log::queue::{self, Begin, Shape};
use crate::mode::{self, CONNECTS};
use crate::word::{Word, padded};

/// Data calls that always take the slow path: at level io.
pub struct Data;

impl Gate for Data {
    const HAS_FAST_PATH: bool = false;
    const INTEREST: Interest = Interest::Data;
}

/// Data calls that work on sockets only: at level io. On anything else their error is logged.
pub struct Message;

impl Gate for Message {
    const INTEREST: Interest = Interest::Data;

    #[inline(always)]
    fn observe<const N: usize, R: Word>(call: Call<N, impl Perform<R>, impl Perform<R>>) -> R {
        recorded(queue::message(call.fd()), call)
    }
}

/// Data calls on any descriptor: at level io, logged if it is a socket.
pub struct Bytes;

impl Gate for Bytes {
    const INTEREST: Interest = Interest::Data;

    #[inline(always)]
    fn observe<const N: usize, R: Word>(call: Call<N, impl Perform<R>, impl Perform<R>>) -> R {
        recorded(queue::bytes(call.fd()), call)
    }
}

/// sendto: like [`Message`], but on the slow path if there is an address, which must be copied.
pub struct Addressed;

impl Gate for Addressed {
    const INTEREST: Interest = Interest::Data;

    #[inline(always)]
    fn observe<const N: usize, R: Word>(call: Call<N, impl Perform<R>, impl Perform<R>>) -> R {
        if let Begin::Fast(started) = queue::message(call.fd())
            && !queue::has_rest(Shape::Socket, &call.words)
        {
            let result: R = call.perform();
            let ret = result.word();
            queue::end(started, call.index as usize, call.words, ret);
            return result;
        }
        if only_connects(&call, 3) { call.perform() } else { call.slow() }
    }
}

/// sendmsg: like [`Message`].
pub struct Header;

impl Gate for Header {
    const INTEREST: Interest = Interest::Data;

    #[inline(always)]
    fn observe<const N: usize, R: Word>(call: Call<N, impl Perform<R>, impl Perform<R>>) -> R {
        match queue::message(call.fd()) {
            Begin::Slow if only_connects(&call, 2) => call.perform(),
            begin => recorded(begin, call),
        }
    }
}

/// sendmmsg: the same.
pub struct Headers;

impl Gate for Headers {
    const INTEREST: Interest = Interest::Data;

    #[inline(always)]
    fn observe<const N: usize, R: Word>(call: Call<N, impl Perform<R>, impl Perform<R>>) -> R {
        match queue::message(call.fd()) {
            Begin::Slow if only_connects(&call, 3) => call.perform(),
            begin => recorded(begin, call),
        }
    }
}

/// Whether only rules about connect(2) look at this call, and it does not connect. `flags` is the index of its flags.
#[inline(always)]
fn only_connects<const N: usize, P: Copy, S: Copy>(call: &Call<N, P, S>, flags: usize) -> bool {
    mode::bits(call.index) == CONNECTS && call.words[flags] as i32 & libc::MSG_FASTOPEN == 0
}

/// recvmsg: like [`Message`], and at every level if it has received descriptors.
pub struct Rights;

impl Gate for Rights {
    const INTEREST: Interest = Interest::Control;

    #[inline(always)]
    fn observe<const N: usize, R: Word>(call: Call<N, impl Perform<R>, impl Perform<R>>) -> R {
        // SAFETY: the call is over, and this is what it was given and what it returned.
        bringing(call, |header, ret| unsafe { data::has_rights(header, ret) })
    }
}

/// recvmmsg: the same for each message.
pub struct RightsOfMany;

impl Gate for RightsOfMany {
    const INTEREST: Interest = Interest::Control;

    #[inline(always)]
    fn observe<const N: usize, R: Word>(call: Call<N, impl Perform<R>, impl Perform<R>>) -> R {
        // SAFETY: the call is over, and this is what it was given and what it returned.
        bringing(call, |headers, ret| unsafe { data::have_rights(headers, ret) })
    }
}

/// Calls that wait on descriptors of the kernel's own, or on sets: at level io. There is no socket to look up.
pub struct Waits;

impl Gate for Waits {
    const INTEREST: Interest = Interest::Data;

    #[inline(always)]
    fn observe<const N: usize, R: Word>(call: Call<N, impl Perform<R>, impl Perform<R>>) -> R {
        let Some(started) = queue::start() else { return call.slow() };
        let long = queue::has_rest(Shape::Wait, &call.words);
        let result: R = call.perform();
        let ret = result.word();
        if long {
            queue::end_long(started, call.index as usize, Shape::Wait, &{ call.words }, ret);
        } else {
            queue::end_wait(started, call.index as usize, call.words, ret);
        }
        result
    }
}

/// poll: at level io, logged if one of the first descriptors is a socket, which is tested after the call.
pub struct Polls;

impl Gate for Polls {
    const INTEREST: Interest = Interest::Data;

    #[inline(always)]
    fn observe<const N: usize, R: Word>(call: Call<N, impl Perform<R>, impl Perform<R>>) -> R {
        let Some(started) = queue::start() else { return call.slow() };
        let long = queue::has_rest(Shape::Poll, &call.words);
        let result: R = call.perform();
        let ret = result.word();
        let first = [call.words[0], call.words[1], call.words[2]];
        let rest = { call.words };
        let rest = if long { &rest[Shape::Poll.rest()..] } else { &[] };
        queue::end_poll(started, call.index as usize, first, rest, ret, ready::find_socket);
        result
    }
}

/// A data call whose record, if there is one, contains the socket's word.
#[inline(always)]
fn recorded<const N: usize, R: Word>(begin: Begin, call: Call<N, impl Perform<R>, impl Perform<R>>) -> R {
    match begin {
        Begin::Pass => call.perform(),
        Begin::Fast(started) if queue::has_rest(Shape::Socket, &call.words) => {
            let result: R = call.perform();
            let ret = result.word();
            queue::end_long(started, call.index as usize, Shape::Socket, &{ call.words }, ret);
            result
        }
        Begin::Fast(started) => {
            let result: R = call.perform();
            let ret = result.word();
            queue::end(started, call.index as usize, call.words, ret);
            result
        }
        Begin::Slow => call.slow(),
    }
}

/// A data call that may receive descriptors; `brings` tells by its second argument and its result. Such calls are
/// logged at every level, but few calls receive descriptors, so this is tested after the call.
#[inline(always)]
fn bringing<const N: usize, R: Word>(
    call: Call<N, impl Perform<R>, impl Perform<R>>,
    brings: impl Fn(i64, i64) -> bool + Copy,
) -> R {
    let begin = queue::rights(call.fd(), call.index);
    if matches!(begin, Begin::Slow) {
        return call.slow();
    }
    let result: R = call.perform();
    let ret = result.word();
    if brings(call.words[1], ret) {
        let end = clock::ticks();
        let ticks = if let Begin::Fast(started) = begin { Some((started.ticks(), end)) } else { None };
        late(call.index, &padded(call.words), &Performed::new(ret, ticks));
    } else if let Begin::Fast(started) = begin {
        if queue::has_rest(Shape::Socket, &call.words) {
            queue::end_long(started, call.index as usize, Shape::Socket, &{ call.words }, ret);
        } else {
            queue::end(started, call.index as usize, call.words, ret);
        }
    }
    result
}
