//! Gates: when the calls of a hook are observed, and which path they take. There is one type per gate; each row of
//! the table names one.
//!
//! A call that nobody looks at leaves by the fast exit ([`Gate::is_open`]). Of the others, most data calls take the fast
//! path: two readings of the clock and a record in the thread's queue (`log/queue`). Whatever is unusual takes the slow
//! path (`slow.rs`), which decides, performs and commits.
//!
//! Everything here is inlined into the frame that calls libc. That frame holds only plain data, so cancelling the
//! thread or jumping out of it leaves nothing behind. The bound `Copy` tells the compiler, which otherwise adds code
//! that drops the closures if it does not inline.

use crate::call::{Ticket, late};
use crate::dispatch::{data, ready};
use crate::log::queue::{self, Begin, Shape};
use crate::mode;
use crate::table::HookIndex;
use crate::word::{Word, padded};
use core::mem::MaybeUninit;

/// An observed call.
#[derive(Clone, Copy)]
pub struct Call<const N: usize, P, S> {
    /// The hook's index in the table.
    pub index: HookIndex,
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

/// When calls are observed, and on which path.
pub trait Gate {
    /// Whether an observed call ever does anything else than taking the slow path.
    const HAS_FAST_PATH: bool = true;

    /// When its calls are of interest.
    const INTEREST: Interest;

    /// Which argument is the socket of a control call of which nothing is predicted and that changes nothing: what is known
    /// of it fits a record, so it needs the slow path only where something is unusual ([`crate::slow::recorded`]).
    const ABOUT: Option<usize> = None;

    /// The test of the fast exit: whether calls are observed.
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

/// Control calls: at every level.
pub struct Control;

impl Gate for Control {
    const HAS_FAST_PATH: bool = false;
    const INTEREST: Interest = Interest::Control;
}

/// Calls that start programs: at every level, and without a log if their environment must be extended.
pub struct Exec;

impl Gate for Exec {
    const INTEREST: Interest = Interest::Exec;

    #[inline(always)]
    fn observe<const N: usize, R: Word>(call: Call<N, impl Perform<R>, impl Perform<R>>) -> R {
        if mode::control() { call.slow() } else { call.perform() }
    }
}

/// ioctl: like control calls, except on what is known not to be a socket. Programs make many of these, and none is
/// logged.
pub struct Any;

impl Gate for Any {
    const INTEREST: Interest = Interest::Control;

    #[inline(always)]
    fn observe<const N: usize, R: Word>(call: Call<N, impl Perform<R>, impl Perform<R>>) -> R {
        if queue::is_no_socket(&call.words) { call.perform() } else { call.slow() }
    }
}

/// fcntl: like [`Any`], and with a record of its own unless it makes another descriptor.
pub struct Life;

impl Gate for Life {
    const INTEREST: Interest = Interest::Control;
    const ABOUT: Option<usize> = Some(0);

    #[inline(always)]
    fn observe<const N: usize, R: Word>(call: Call<N, impl Perform<R>, impl Perform<R>>) -> R {
        Any::observe(call)
    }
}

/// epoll_ctl: like fcntl, about the descriptor that is watched.
pub struct Watches;

impl Gate for Watches {
    const INTEREST: Interest = Interest::Control;
    const ABOUT: Option<usize> = Some(2);

    #[inline(always)]
    fn observe<const N: usize, R: Word>(call: Call<N, impl Perform<R>, impl Perform<R>>) -> R {
        if queue::is_no_socket_at(call.words[2]) { call.perform() } else { call.slow() }
    }
}

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
        call.slow()
    }
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
    let begin = queue::rights(call.fd());
    if matches!(begin, Begin::Slow) {
        return call.slow();
    }
    let result: R = call.perform();
    let ret = result.word();
    if brings(call.words[1], ret) {
        let mut ticket = MaybeUninit::<Ticket>::uninit();
        late(&mut ticket, call.index, &padded(call.words), begin, ret);
    } else if let Begin::Fast(started) = begin {
        if queue::has_rest(Shape::Socket, &call.words) {
            queue::end_long(started, call.index as usize, Shape::Socket, &{ call.words }, ret);
        } else {
            queue::end(started, call.index as usize, call.words, ret);
        }
    }
    result
}
