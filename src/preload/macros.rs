//! `hooks!`: from one line of the table to an exported function, its original, and its row.
//!
//! A line `[Level gate Does SYS_nr] fn name(parameters) -> ret = enter, leave;` becomes
//! - the exported symbol `name`: the fast exit, and behind it a frame that never inlines, without a destructor or a
//!   landing pad, in which libc's function runs: cancelling the thread or jumping out of it leaves nothing behind;
//! - `original::name`: libc's function, through a pointer that begins at a stand-in;
//! - a row of `ROWS`, with the dispatch functions that must exist for the crate to compile.
//!
//! What runs in every program, logging or not, stands in one section, `.text.always`: the exported functions and the
//! constructor. The kernel maps a file in pieces of 64 kB, and a program pays for each piece that it touches.

use sockshim_core::trace::event::MAX_ARGS;

/// A value that fits an argument register.
pub trait Word {
    /// As the register holds it, extended by its own sign.
    fn word(self) -> i64;
    /// Back from the register.
    fn from_word(word: i64) -> Self;
}

macro_rules! words {
    ($($ty:ty),*) => { $(impl Word for $ty {
        fn word(self) -> i64 { self as i64 }
        fn from_word(word: i64) -> Self { word as $ty }
    })* };
}
words!(i32, u32, i64, u64, isize, usize);

impl<T> Word for *const T {
    fn word(self) -> i64 {
        self as i64
    }
    fn from_word(word: i64) -> Self {
        word as *const T
    }
}

impl<T> Word for *mut T {
    fn word(self) -> i64 {
        self as i64
    }
    fn from_word(word: i64) -> Self {
        word as *mut T
    }
}

impl Word for () {
    fn word(self) -> i64 {
        0
    }
    fn from_word(_: i64) -> Self {}
}

/// A call's arguments as words.
#[inline(always)]
pub fn words<const N: usize>(words: [i64; N]) -> [i64; N] {
    words
}

/// The same with zeros behind: an event has room for as many as any call has, and copies them in one piece.
#[inline(always)]
pub fn padded<const N: usize>(words: [i64; N]) -> [i64; MAX_ARGS] {
    let mut all = [0; MAX_ARGS];
    all[..N].copy_from_slice(&words);
    all
}

/// The number of the system call with the same arguments, if the table names one.
macro_rules! nr {
    () => {
        None
    };
    ($nr:ident) => {
        Some(libc::$nr)
    };
}

/// The test of the fast exit: control calls whenever anybody looks, the others at level io only.
macro_rules! gate {
    (control) => {
        crate::mode::control()
    };
    (any) => {
        crate::mode::control()
    };
    (rights) => {
        crate::mode::control()
    };
    (rights_of_many) => {
        crate::mode::control()
    };
    (exec) => {
        crate::mode::exec()
    };
    ($data:ident) => {
        crate::mode::data()
    };
}

/// What a record of the short way holds.
macro_rules! shape {
    (waits) => {
        Shape::Wait
    };
    (polls) => {
        Shape::Poll
    };
    ($other:ident) => {
        Shape::Socket
    };
}

/// The short way of data calls, where the table's line says `bytes`, `message`, `addressed`, `rights`, `rights_of_many`,
/// `waits` or `polls`: see `log/ring.rs`.
macro_rules! short_way {
    (control, $words:ident, $call:block, $place:expr) => {
        let _ = $words;
    };
    (data, $words:ident, $call:block, $place:expr) => {
        let _ = $words;
    };
    // Calls that wait on descriptors of the kernel's own, or on many: there is nothing to look up first.
    (waits, $words:ident, $call:block, $place:expr) => {
        use crate::log::ring;
        if let Some(started) = ring::start() {
            if ring::has_rest(Shape::Wait, &$words) {
                let ret = $call;
                ring::end_long(started, $place, Shape::Wait, &{ $words }, ret.word());
                return ret;
            }
            let ret = $call;
            ring::end_wait(started, $place, $words, ret.word());
            return ret;
        }
    };
    (polls, $words:ident, $call:block, $place:expr) => {
        use crate::log::ring;
        if let Some(started) = ring::start() {
            let rest = if ring::has_rest(Shape::Poll, &$words) { &$words[Shape::Poll.rest()..] } else { &[] };
            let ret = $call;
            ring::end_poll(started, $place, [$words[0], $words[1], $words[2]], rest, ret.word());
            return ret;
        }
    };
    // Without a log only the environment is of interest.
    (exec, $words:ident, $call:block, $place:expr) => {
        let _ = $words;
        if !crate::mode::control() {
            return $call;
        }
    };
    // fcntl and ioctl on something that is no socket: programs make many, and none is of interest.
    (any, $words:ident, $call:block, $place:expr) => {
        if crate::log::ring::is_no_socket(&$words) {
            return $call;
        }
    };
    // An address has to be copied, which the short way does not do.
    (addressed, $words:ident, $call:block, $place:expr) => {
        use crate::log::ring::{self, Begin};
        if let Begin::Short(started) = ring::message($words[0] as i32)
            && !ring::has_rest(Shape::Socket, &$words)
        {
            let ret = $call;
            ring::end(started, $place, $words, ret.word());
            return ret;
        }
    };
    (rights, $words:ident, $call:block, $place:expr) => {
        short_way!(@ data::has_rights, $words, $call, $place);
    };
    (rights_of_many, $words:ident, $call:block, $place:expr) => {
        short_way!(@ data::have_rights, $words, $call, $place);
    };
    // Descriptors that arrive are of interest at every level, but few calls bring some.
    (@ $brings:path, $words:ident, $call:block, $place:expr) => {
        use crate::log::ring::{self, Begin};
        let begin = ring::rights($words[0] as i32);
        if !matches!(begin, Begin::Long) {
            let ret = $call;
            // SAFETY: the call is over, and this is what it was given and what it returned.
            if unsafe { $brings($words[1], ret.word()) } {
                let mut ticket = core::mem::MaybeUninit::<Ticket>::uninit();
                call::late(&mut ticket, &ROWS[$place], &crate::macros::padded($words), begin, ret.word());
            } else if let Begin::Short(started) = begin {
                if ring::has_rest(Shape::Socket, &$words) {
                    ring::end_long(started, $place, Shape::Socket, &{ $words }, ret.word());
                } else {
                    ring::end(started, $place, $words, ret.word());
                }
            }
            return ret;
        }
    };
    ($kind:ident, $words:ident, $call:block, $place:expr) => {
        use crate::log::ring::{self, Begin};
        match ring::$kind($words[0] as i32) {
            Begin::Pass => return $call,
            Begin::Short(started) if ring::has_rest(Shape::Socket, &$words) => {
                let ret = $call;
                ring::end_long(started, $place, Shape::Socket, &{ $words }, ret.word());
                return ret;
            }
            Begin::Short(started) => {
                let ret = $call;
                ring::end(started, $place, $words, ret.word());
                return ret;
            }
            Begin::Long => {}
        }
    };
}

/// Who is called in libc's place: calls that start programs may pass on another environment.
macro_rules! performer {
    (exec, $name:ident) => {
        crate::propagate::$name
    };
    ($gate:ident, $name:ident) => {
        original::$name
    };
}

/// See the module's text.
macro_rules! hooks {
    (
        calls { $(
            #[doc = $doc:literal]
            [$level:ident $gate:ident $does:ident $($nr:ident)?]
            fn $name:ident($($arg:ident: $ty:ty),* $(,)?) -> $ret:ty = $enter:path, $leave:path;
        )* }
        trampolines { $(
            #[doc = $tdoc:literal]
            [$tlevel:ident $tdoes:ident]
            fn $tname:ident($($targ:ident: $tty:ty),* $(,)?) -> $tret:tt = $before:path;
        )* }
        not_hooked { $($unhooked:ident: $why:literal;)* }
    ) => {
        #[allow(unused_imports, reason = "which types of libc the table uses is the table's business")]
        use libc::*;
        use crate::dispatch::{create, data, fd, name, option, process, ready};
        use crate::call::{self, Answer, Row, Ticket};
        use crate::log::ring::Shape;
        use crate::macros::Word;
        use sockshim_core::hook;
        use core::sync::atomic::{AtomicPtr, Ordering};
        use sockshim_sys::elf;

        /// The place of each hook in [`ROWS`].
        #[allow(non_camel_case_types, reason = "the variants are the symbols")]
        #[repr(usize)]
        enum Place { $($name,)* $($tname,)* }

        /// Every exported symbol, in the order of the table.
        pub static ROWS: &[Row] = &[
            $(Row {
                hook: hook!($level, $does, nr!($($nr)?), $name($($arg: $ty),*), stringify!($ret)),
                enter: $enter,
                leave: $leave,
                shape: shape!($gate),
            },)*
            $(Row {
                hook: hook!($tlevel, $tdoes, None, $tname($($targ: $tty),*), stringify!($tret)),
                enter: $before,
                leave: call::logged,
                shape: Shape::Socket,
            },)*
        ];

        /// The hashes of the symbols in the tables of objects, in the same order.
        pub static HASHES: [u32; COUNT] =
            [$(elf::hash(stringify!($name)),)* $(elf::hash(stringify!($tname)),)*];

        /// How many symbols there are.
        pub const COUNT: usize = ROWS.len();

        /// The pointers to libc's functions, in the same order.
        pub static TARGETS: [AtomicPtr<()>; COUNT] = [
            $(AtomicPtr::new(early::$name as *const () as *mut ()),)*
            // Trampolines look their target up themselves when they run this early.
            $({
                const { assert!((Place::$tname as usize) < COUNT) };
                AtomicPtr::new(core::ptr::null_mut())
            },)*
        ];

        /// What stands in for libc's function until the constructor has run.
        #[allow(non_snake_case, reason = "the names are the symbols")]
        mod early {
            use super::*;
            $(pub unsafe extern "C-unwind" fn $name($($arg: $ty),*) -> $ret {
                const NR: Option<c_long> = nr!($($nr)?);
                if let Some(nr) = NR {
                    let mut args = [0; 6];
                    for (slot, word) in args.iter_mut().zip([$($arg.word()),*]) { *slot = word; }
                    // SAFETY: the caller's own arguments for the call that it made.
                    return <$ret>::from_word(crate::sys::libc_answer(unsafe { crate::sys::syscall(nr, args) }));
                }
                let Some(address) = crate::real::lookup(concat!(stringify!($name), "\0")) else {
                    return <$ret>::from_word(crate::sys::libc_answer(-c_long::from(ENOSYS)));
                };
                // SAFETY: the next definition of the same symbol has the same prototype.
                unsafe { core::mem::transmute::<*mut (), unsafe extern "C-unwind" fn($($ty),*) -> $ret>(address)($($arg),*) }
            })*
        }

        /// libc's functions under their own names.
        #[allow(non_snake_case, reason = "the names are the symbols")]
        pub mod original {
            use super::*;
            $(
                #[inline(always)]
                pub unsafe fn $name($($arg: $ty),*) -> $ret {
                    let target = TARGETS[Place::$name as usize].load(Ordering::Relaxed);
                    // SAFETY: the pointer is a definition of this symbol or its stand-in; both have this prototype.
                    unsafe { core::mem::transmute::<*mut (), unsafe extern "C-unwind" fn($($ty),*) -> $ret>(target)($($arg),*) }
                }
            )*
        }

        #[allow(non_snake_case, reason = "the names are the symbols")]
        mod export {
            use super::*;
            $(
                #[doc = $doc]
                #[unsafe(no_mangle)]
                #[unsafe(link_section = ".text.always")]
                pub unsafe extern "C-unwind" fn $name($($arg: $ty),*) -> $ret {
                    if !gate!($gate) {
                        // SAFETY: the program's own call.
                        return unsafe { original::$name($($arg),*) };
                    }
                    // SAFETY: the program's own call.
                    unsafe { observed::$name($($arg),*) }
                }
            )*
        }

        /// The frames in which a call is observed. They hold plain data only.
        #[allow(non_snake_case, reason = "the names are the symbols")]
        mod observed {
            use super::*;
            $(
                #[inline(never)]
                pub unsafe extern "C-unwind" fn $name($($arg: $ty),*) -> $ret {
                    let words = crate::macros::words([$($arg.word()),*]);
                    short_way!($gate, words, {
                        // SAFETY: the program's own call.
                        unsafe { performer!($gate, $name)($($arg),*) }
                    }, Place::$name as usize);
                    // SAFETY: the program's own call.
                    unsafe { long::$name($($arg),*) }
                }
            )*
        }

        /// The long way: decide, perform, commit.
        #[allow(non_snake_case, reason = "the names are the symbols")]
        mod long {
            use super::*;
            $(
                #[inline(never)]
                pub unsafe extern "C-unwind" fn $name($($arg: $ty),*) -> $ret {
                    let mut ticket = core::mem::MaybeUninit::<Ticket>::uninit();
                    let row = &ROWS[Place::$name as usize];
                    match call::enter(&mut ticket, row, &crate::macros::padded([$($arg.word()),*])) {
                        // SAFETY: the program's own call.
                        Answer::Pass => unsafe { performer!($gate, $name)($($arg),*) },
                        Answer::Host => {
                            // SAFETY: the program's own call.
                            let ret = unsafe { performer!($gate, $name)($($arg),*) };
                            // SAFETY: `Host` says that the ticket was written.
                            unsafe { call::leave(&mut ticket, ret.word()) };
                            ret
                        }
                        Answer::Done(word) => <$ret>::from_word(word),
                    }
                }
            )*
        }

        /// Symbols that return twice, never return or take any number of arguments: machine code that calls the
        /// row's function first and then jumps to libc with everything as it was.
        #[allow(non_snake_case, reason = "the names are the symbols")]
        mod jump {
            use super::*;
            $(crate::trampoline::trampoline!($tname, Place::$tname as usize);)*
        }
    };
}
