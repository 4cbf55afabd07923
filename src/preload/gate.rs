//! Gates: when the calls of a hook are observed, and which path they take. One type per gate; each line of the table
//! names one.
//!
//! A call that nobody looks at leaves by the fast exit ([`Gate::is_open`]). Of the others, most data calls take the fast
//! path: two readings of the clock and a record in the thread's queue (`log/queue`). Whatever is unusual takes the slow
//! path (`slow.rs`), which decides, performs and commits.
//!
//! Everything here is inlined into the frame in which libc's function runs. That frame holds plain data only: cancelling
//! the thread or jumping out of it leaves nothing behind. The bound `Copy` says so to the compiler, which would otherwise
//! keep a way to drop the closures where it does not inline.

use crate::call::{Ticket, late};
use crate::dispatch::{data, ready};
use crate::log::queue::{self, Begin, Shape};
use crate::mode;
use crate::table::Place;
use crate::word::{Word, padded};
use core::mem::MaybeUninit;

/// An observed call.
#[derive(Clone, Copy)]
pub struct Call<const N: usize, P, S> {
    /// The hook's place in the table.
    pub place: Place,
    /// The arguments.
    pub words: [i64; N],
    /// libc's function with these arguments.
    pub perform: P,
    /// The same on the slow path.
    pub slow: S,
}

/// What performs a call.
pub trait Perform<R>: Fn() -> R + Copy {}

impl<R, F: Fn() -> R + Copy> Perform<R> for F {}

impl<const N: usize, P: Copy, S: Copy> Call<N, P, S> {
    #[inline(always)]
    fn perform<R>(self) -> R
    where
        P: Perform<R>,
    {
        (self.perform)()
    }

    #[inline(always)]
    fn slow<R>(self) -> R
    where
        S: Perform<R>,
    {
        (self.slow)()
    }

    /// The first argument of a call on a descriptor.
    #[inline(always)]
    fn fd(&self) -> i32 {
        self.words[0] as i32
    }
}

/// Which calls have to be of interest.
pub enum Interest {
    /// Control calls and the life of descriptors.
    Control,
    /// The same, or the environment that is passed on to new programs.
    Exec,
    /// Data calls.
    Data,
}

/// When calls are observed, and how.
pub trait Gate {
    /// Whether an observed call ever does anything else than taking the slow path.
    const HAS_FAST_PATH: bool = true;

    /// When its calls are of interest.
    const INTEREST: Interest;

    /// The test of the fast exit: whether anybody looks.
    #[inline(always)]
    fn is_open() -> bool {
        match Self::INTEREST {
            Interest::Control => mode::control(),
            Interest::Exec => mode::exec(),
            Interest::Data => mode::data(),
        }
    }

    /// Makes an observed call.
    #[inline(always)]
    fn observe<const N: usize, R: Word>(call: Call<N, impl Perform<R>, impl Perform<R>>) -> R {
        call.slow()
    }
}

/// Control calls: whenever anybody looks.
pub struct Control;

impl Gate for Control {
    const HAS_FAST_PATH: bool = false;
    const INTEREST: Interest = Interest::Control;
}

/// Calls that start programs: the same, and also where only the environment that they pass on is of interest.
pub struct Exec;

impl Gate for Exec {
    const INTEREST: Interest = Interest::Exec;

    #[inline(always)]
    fn observe<const N: usize, R: Word>(call: Call<N, impl Perform<R>, impl Perform<R>>) -> R {
        if mode::control() { call.slow() } else { call.perform() }
    }
}

/// fcntl and ioctl: like control calls, but for what is known to be no socket. Programs make many of these, and none is
/// of interest.
pub struct Any;

impl Gate for Any {
    const INTEREST: Interest = Interest::Control;

    #[inline(always)]
    fn observe<const N: usize, R: Word>(call: Call<N, impl Perform<R>, impl Perform<R>>) -> R {
        if queue::is_no_socket(&call.words) { call.perform() } else { call.slow() }
    }
}

/// Data calls that always take the slow path: at level io.
pub struct Data;

impl Gate for Data {
    const HAS_FAST_PATH: bool = false;
    const INTEREST: Interest = Interest::Data;
}

/// Data calls on sockets: at level io. On something else their error is of interest.
pub struct Message;

impl Gate for Message {
    const INTEREST: Interest = Interest::Data;

    #[inline(always)]
    fn observe<const N: usize, R: Word>(call: Call<N, impl Perform<R>, impl Perform<R>>) -> R {
        recorded(queue::message(call.fd()), call)
    }
}

/// Data calls on any descriptor: at level io, on sockets.
pub struct Bytes;

impl Gate for Bytes {
    const INTEREST: Interest = Interest::Data;

    #[inline(always)]
    fn observe<const N: usize, R: Word>(call: Call<N, impl Perform<R>, impl Perform<R>>) -> R {
        recorded(queue::bytes(call.fd()), call)
    }
}

/// sendto: like [`Message`]; with an address, which has to be copied, it takes the slow path.
pub struct Addressed;

impl Gate for Addressed {
    const INTEREST: Interest = Interest::Data;

    #[inline(always)]
    fn observe<const N: usize, R: Word>(call: Call<N, impl Perform<R>, impl Perform<R>>) -> R {
        if let Begin::Short(started) = queue::message(call.fd())
            && !queue::has_rest(Shape::Socket, &call.words)
        {
            let result: R = call.perform();
            let ret = result.word();
            queue::end(started, call.place as usize, call.words, ret);
            return result;
        }
        call.slow()
    }
}

/// recvmsg: like [`Message`]; and at every level when it has brought descriptors.
pub struct Rights;

impl Gate for Rights {
    const INTEREST: Interest = Interest::Control;

    #[inline(always)]
    fn observe<const N: usize, R: Word>(call: Call<N, impl Perform<R>, impl Perform<R>>) -> R {
        // SAFETY: the call is over, and this is what it was given and what it returned.
        bringing(call, |header, ret| unsafe { data::has_rights(header, ret) })
    }
}

/// recvmmsg, likewise for each message.
pub struct RightsOfMany;

impl Gate for RightsOfMany {
    const INTEREST: Interest = Interest::Control;

    #[inline(always)]
    fn observe<const N: usize, R: Word>(call: Call<N, impl Perform<R>, impl Perform<R>>) -> R {
        // SAFETY: the call is over, and this is what it was given and what it returned.
        bringing(call, |headers, ret| unsafe { data::have_rights(headers, ret) })
    }
}

/// Calls that wait on descriptors of the kernel's own, or on sets: at level io. There is nothing to look up first.
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
            queue::end_long(started, call.place as usize, Shape::Wait, &{ call.words }, ret);
        } else {
            queue::end_wait(started, call.place as usize, call.words, ret);
        }
        result
    }
}

/// poll: at level io, when one of the first descriptors is a socket, which is found out afterwards.
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
        queue::end_poll(started, call.place as usize, first, rest, ret, ready::find_socket);
        result
    }
}

/// A data call whose record, if it makes one, has the socket's word.
#[inline(always)]
fn recorded<const N: usize, R: Word>(begin: Begin, call: Call<N, impl Perform<R>, impl Perform<R>>) -> R {
    match begin {
        Begin::Pass => call.perform(),
        Begin::Short(started) if queue::has_rest(Shape::Socket, &call.words) => {
            let result: R = call.perform();
            let ret = result.word();
            queue::end_long(started, call.place as usize, Shape::Socket, &{ call.words }, ret);
            result
        }
        Begin::Short(started) => {
            let result: R = call.perform();
            let ret = result.word();
            queue::end(started, call.place as usize, call.words, ret);
            result
        }
        Begin::Long => call.slow(),
    }
}

/// A data call that may bring descriptors, as `brings` says of its second argument and its result. They are of interest
/// at every level, but few calls bring any, so this is found out afterwards.
#[inline(always)]
fn bringing<const N: usize, R: Word>(
    call: Call<N, impl Perform<R>, impl Perform<R>>,
    brings: impl Fn(i64, i64) -> bool + Copy,
) -> R {
    let begin = queue::rights(call.fd());
    if matches!(begin, Begin::Long) {
        return call.slow();
    }
    let result: R = call.perform();
    let ret = result.word();
    if brings(call.words[1], ret) {
        let mut ticket = MaybeUninit::<Ticket>::uninit();
        late(&mut ticket, call.place, &padded(call.words), begin, ret);
    } else if let Begin::Short(started) = begin {
        if queue::has_rest(Shape::Socket, &call.words) {
            queue::end_long(started, call.place as usize, Shape::Socket, &{ call.words }, ret);
        } else {
            queue::end(started, call.place as usize, call.words, ret);
        }
    }
    result
}
