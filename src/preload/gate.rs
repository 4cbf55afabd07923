//! Gates: when the calls of a hook are observed, and which path they take. One type per gate; each line of the table
//! names one.
//!
//! A call that nobody looks at leaves by the fast exit ([`Gate::is_open`]). Of the others, most data calls take the fast
//! path: two readings of the clock and a record in the thread's queue (`log/queue`). Whatever is unusual takes the slow
//! path (`call.rs`), which decides, performs and commits.
//!
//! Everything here is inlined into the frame in which libc's function runs. That frame holds plain data only: cancelling
//! the thread or jumping out of it leaves nothing behind. The bound `Copy` says so to the compiler, which would otherwise
//! keep a way to drop the closures where it does not inline.

use crate::call::{self, Halves, Ticket};
use crate::dispatch::{data, ready};
use crate::log::queue::{self, Begin, Shape};
use crate::mode;
use crate::word::{Word, padded};
use core::mem::MaybeUninit;
use sockshim_core::hook::Hook;

/// Which hook is called.
#[derive(Clone, Copy)]
pub struct Site {
    /// What the table says of it.
    pub hook: &'static Hook,
    /// What is done before and after each call.
    pub row: &'static Halves,
    /// The hook's place in the table.
    pub place: usize,
}

/// When calls are observed, and how.
pub trait Gate {
    /// The test of the fast exit: whether anybody looks.
    fn is_open() -> bool;

    /// An observed call. `perform` is libc's function, `slow` the slow path.
    #[inline(always)]
    fn observe<const N: usize, R: Word>(
        _site: Site,
        _words: [i64; N],
        _perform: impl Fn() -> R + Copy,
        slow: impl Fn() -> R + Copy,
    ) -> R {
        slow()
    }
}

/// Control calls: whenever anybody looks.
pub struct Control;

impl Gate for Control {
    #[inline(always)]
    fn is_open() -> bool {
        mode::control()
    }
}

/// Calls that start programs: the same, and also where only the environment that they pass on is of interest.
pub struct Exec;

impl Gate for Exec {
    #[inline(always)]
    fn is_open() -> bool {
        mode::exec()
    }

    #[inline(always)]
    fn observe<const N: usize, R: Word>(
        _: Site,
        _: [i64; N],
        perform: impl Fn() -> R + Copy,
        slow: impl Fn() -> R + Copy,
    ) -> R {
        if mode::control() { slow() } else { perform() }
    }
}

/// fcntl and ioctl: like control calls, but for what is known to be no socket. Programs make many of these, and none is
/// of interest.
pub struct Any;

impl Gate for Any {
    #[inline(always)]
    fn is_open() -> bool {
        mode::control()
    }

    #[inline(always)]
    fn observe<const N: usize, R: Word>(
        _: Site,
        words: [i64; N],
        perform: impl Fn() -> R + Copy,
        slow: impl Fn() -> R + Copy,
    ) -> R {
        if queue::is_no_socket(&words) { perform() } else { slow() }
    }
}

/// Data calls that always take the slow path: at level io.
pub struct Data;

impl Gate for Data {
    #[inline(always)]
    fn is_open() -> bool {
        mode::data()
    }
}

/// Data calls on sockets: at level io. On something else their error is of interest.
pub struct Message;

impl Gate for Message {
    #[inline(always)]
    fn is_open() -> bool {
        mode::data()
    }

    #[inline(always)]
    fn observe<const N: usize, R: Word>(
        site: Site,
        words: [i64; N],
        perform: impl Fn() -> R + Copy,
        slow: impl Fn() -> R + Copy,
    ) -> R {
        recorded(site, words, queue::message(words[0] as i32), perform, slow)
    }
}

/// Data calls on any descriptor: at level io, on sockets.
pub struct Bytes;

impl Gate for Bytes {
    #[inline(always)]
    fn is_open() -> bool {
        mode::data()
    }

    #[inline(always)]
    fn observe<const N: usize, R: Word>(
        site: Site,
        words: [i64; N],
        perform: impl Fn() -> R + Copy,
        slow: impl Fn() -> R + Copy,
    ) -> R {
        recorded(site, words, queue::bytes(words[0] as i32), perform, slow)
    }
}

/// sendto: like [`Message`]; with an address, which has to be copied, it takes the slow path.
pub struct Addressed;

impl Gate for Addressed {
    #[inline(always)]
    fn is_open() -> bool {
        mode::data()
    }

    #[inline(always)]
    fn observe<const N: usize, R: Word>(
        site: Site,
        words: [i64; N],
        perform: impl Fn() -> R + Copy,
        slow: impl Fn() -> R + Copy,
    ) -> R {
        if let Begin::Short(started) = queue::message(words[0] as i32)
            && !queue::has_rest(Shape::Socket, &words)
        {
            let ret = perform();
            let word = ret.word();
            queue::end(started, site.place, words, word);
            return R::from_word(word);
        }
        slow()
    }
}

/// recvmsg: like [`Message`]; and at every level when it has brought descriptors.
pub struct Rights;

impl Gate for Rights {
    #[inline(always)]
    fn is_open() -> bool {
        mode::control()
    }

    #[inline(always)]
    fn observe<const N: usize, R: Word>(
        site: Site,
        words: [i64; N],
        perform: impl Fn() -> R + Copy,
        slow: impl Fn() -> R + Copy,
    ) -> R {
        // SAFETY: the call is over, and this is what it was given and what it returned.
        bringing(site, words, |header, ret| unsafe { data::has_rights(header, ret) }, perform, slow)
    }
}

/// recvmmsg, likewise for each message.
pub struct RightsOfMany;

impl Gate for RightsOfMany {
    #[inline(always)]
    fn is_open() -> bool {
        mode::control()
    }

    #[inline(always)]
    fn observe<const N: usize, R: Word>(
        site: Site,
        words: [i64; N],
        perform: impl Fn() -> R + Copy,
        slow: impl Fn() -> R + Copy,
    ) -> R {
        // SAFETY: the call is over, and this is what it was given and what it returned.
        bringing(site, words, |headers, ret| unsafe { data::have_rights(headers, ret) }, perform, slow)
    }
}

/// Calls that wait on descriptors of the kernel's own, or on sets: at level io. There is nothing to look up first.
pub struct Waits;

impl Gate for Waits {
    #[inline(always)]
    fn is_open() -> bool {
        mode::data()
    }

    #[inline(always)]
    fn observe<const N: usize, R: Word>(
        site: Site,
        words: [i64; N],
        perform: impl Fn() -> R + Copy,
        slow: impl Fn() -> R + Copy,
    ) -> R {
        let Some(started) = queue::start() else { return slow() };
        let long = queue::has_rest(Shape::Wait, &words);
        let ret = perform();
        let word = ret.word();
        if long {
            queue::end_long(started, site.place, Shape::Wait, &{ words }, word);
        } else {
            queue::end_wait(started, site.place, words, word);
        }
        R::from_word(word)
    }
}

/// poll: at level io, when one of the first descriptors is a socket, which is found out afterwards.
pub struct Polls;

impl Gate for Polls {
    #[inline(always)]
    fn is_open() -> bool {
        mode::data()
    }

    #[inline(always)]
    fn observe<const N: usize, R: Word>(
        site: Site,
        words: [i64; N],
        perform: impl Fn() -> R + Copy,
        slow: impl Fn() -> R + Copy,
    ) -> R {
        let Some(started) = queue::start() else { return slow() };
        let long = queue::has_rest(Shape::Poll, &words);
        let word = perform().word();
        let first = [words[0], words[1], words[2]];
        let rest = { words };
        let rest = if long { &rest[Shape::Poll.rest()..] } else { &[] };
        queue::end_poll(started, site.place, first, rest, word, ready::find_socket);
        R::from_word(word)
    }
}

/// A data call whose record, if it makes one, has the socket's word.
#[inline(always)]
fn recorded<const N: usize, R: Word>(
    site: Site,
    words: [i64; N],
    begin: Begin,
    perform: impl Fn() -> R + Copy,
    slow: impl Fn() -> R + Copy,
) -> R {
    match begin {
        Begin::Pass => perform(),
        Begin::Short(started) if queue::has_rest(Shape::Socket, &words) => {
            let word = perform().word();
            queue::end_long(started, site.place, Shape::Socket, &{ words }, word);
            R::from_word(word)
        }
        Begin::Short(started) => {
            let word = perform().word();
            queue::end(started, site.place, words, word);
            R::from_word(word)
        }
        Begin::Long => slow(),
    }
}

/// A data call that may bring descriptors, as `brings` says of its second argument and its result. They are of interest
/// at every level, but few calls bring any, so this is found out afterwards.
#[inline(always)]
fn bringing<const N: usize, R: Word>(
    site: Site,
    words: [i64; N],
    brings: impl Fn(i64, i64) -> bool + Copy,
    perform: impl Fn() -> R + Copy,
    slow: impl Fn() -> R + Copy,
) -> R {
    let begin = queue::rights(words[0] as i32);
    if matches!(begin, Begin::Long) {
        return slow();
    }
    let word = perform().word();
    if brings(words[1], word) {
        let mut ticket = MaybeUninit::<Ticket>::uninit();
        call::late(&mut ticket, site.hook, site.row, &padded(words), begin, word);
    } else if let Begin::Short(started) = begin {
        if queue::has_rest(Shape::Socket, &words) {
            queue::end_long(started, site.place, Shape::Socket, &{ words }, word);
        } else {
            queue::end(started, site.place, words, word);
        }
    }
    R::from_word(word)
}
