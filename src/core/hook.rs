//! What a row of the hook table says about its symbol.
//!
//! The rows stand in `src/preload/hooks.rs` only. The preload library makes the exported functions from them, the
//! command prints them, and the tests compare them with the symbols that the library really exports.

use crate::c_types::{TYPES, place_of};
use crate::meaning::{Meaning, meaning_of};
use crate::rules::{Call, CallSet};
use libc::c_long;

/// How many argument words of a hooked call are kept: syscall(2) passes a number and six arguments.
pub const MAX_ARGS: usize = 7;

/// How many parameters a hooked function can have: gethostbyaddr_r(3) has one more than [`MAX_ARGS`].
pub const MAX_PARAMS: usize = 8;

/// The lowest `SOCKSHIM_LOG` level at which a call is logged.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Level {
    /// Nothing is logged, and nothing is tracked.
    Off,
    /// Creation, accept, rules, fallbacks and divergences.
    Decision,
    /// Every control call.
    Call,
    /// Data calls and readiness calls too.
    Io,
}

impl Level {
    /// The value of `SOCKSHIM_LOG`.
    pub const fn name(self) -> &'static str {
        match self {
            Level::Off => "off",
            Level::Decision => "decision",
            Level::Call => "call",
            Level::Io => "io",
        }
    }
}

/// What a call does, as far as a part of the library depends on it: one column of the table.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Does {
    /// Nothing that another part depends on.
    Plain,
    /// Makes a socket: socket(2).
    Creates,
    /// Makes a pair of sockets: socketpair(2).
    Pairs,
    /// Makes a socket of a connection: accept(2).
    Accepts,
    /// Gives a socket its address: bind(2).
    Binds,
    /// Makes a socket a listener: listen(2).
    Listens,
    /// Gives a socket a peer, or takes it away: connect(2).
    Connects,
    /// Says which address a socket or its peer has: getsockname(2).
    Names,
    /// Changes an option: setsockopt(2).
    SetsOption,
    /// Reads an option: getsockopt(2).
    GetsOption,
    /// Closes a descriptor: close(2).
    Closes,
    /// Ends one or both directions: shutdown(2).
    ShutsDown,
    /// Sends.
    Sends,
    /// Sends, and may name the peer, to which MSG_FASTOPEN then connects: sendto(2).
    SendsTo,
    /// Receives.
    Receives,
    /// Moves data between two descriptors, either of which may be the socket: splice(2).
    Splices,
    /// Waits for the descriptors of an array: poll(2).
    Polls,
    /// Waits for the descriptors of sets, which the library does not read: select(2).
    Selects,
    /// Waits on its own descriptor argument: epoll_wait(2).
    Waits,
    /// Says of which descriptor another one is to know when it is ready: epoll_ctl(2).
    Watches,
    /// Asks for addresses or names, and returns an `EAI_*` code: getaddrinfo(3).
    Resolves,
    /// Asks for addresses or names, and returns a host, or NULL and the error in h_errno: gethostbyname(3).
    ResolvesHost,
    /// The same, but host and error are stored where the arguments say: gethostbyname_r(3).
    ResolvesHostInto,
    /// Changes what the process is or may do: its credentials, directory, namespaces, sandbox.
    Changes,
    /// Makes a process and returns in both: fork(2).
    Forks,
    /// Makes a process that borrows the parent's memory: vfork(2).
    Vforks,
    /// Makes a process or a thread that starts in a given function: clone(2).
    Clones,
    /// Replaces the program: execve(2).
    Execs,
    /// Replaces the program; the new program's arguments are its own arguments: execl(3).
    ExecsList,
    /// Replaces the program; the new program's environment follows the arguments: execle(3).
    ExecsListEnv,
    /// Starts a program in a new process: posix_spawn(3).
    Spawns,
    /// Starts a program in a new process and looks its name up in PATH: posix_spawnp(3).
    SpawnsSearched,
    /// Ends the process at once: _exit(2).
    Exits,
    /// Ends the process after the handlers of at_quick_exit(3): quick_exit(3).
    ExitsQuickly,
}

/// The direction in which a data call moves bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Direction {
    /// From the program to the socket.
    Send,
    /// From the socket to the program.
    Receive,
}

impl Does {
    /// The calls that a rule about this one names.
    pub fn calls(self) -> CallSet {
        match self {
            Does::Creates => CallSet::of(&[Call::Socket]),
            Does::Pairs => CallSet::of(&[Call::Socketpair]),
            Does::Accepts => CallSet::of(&[Call::Accept]),
            Does::Binds => CallSet::of(&[Call::Bind]),
            Does::Listens => CallSet::of(&[Call::Listen]),
            Does::Connects => CallSet::of(&[Call::Connect]),
            Does::SetsOption => CallSet::of(&[Call::Setsockopt]),
            Does::GetsOption => CallSet::of(&[Call::Getsockopt]),
            Does::ShutsDown => CallSet::of(&[Call::Shutdown]),
            Does::Sends | Does::SendsTo => CallSet::of(&[Call::Send]),
            Does::Receives => CallSet::of(&[Call::Recv]),
            Does::Splices => CallSet::of(&[Call::Send, Call::Recv]),
            does if does.resolves() => CallSet::of(&[Call::Resolve]),
            _ => CallSet::NONE,
        }
    }

    /// The direction in which the call moves bytes, if that is known without looking at its descriptors.
    pub const fn direction(self) -> Option<Direction> {
        match self {
            Does::Sends | Does::SendsTo => Some(Direction::Send),
            Does::Receives => Some(Direction::Receive),
            _ => None,
        }
    }

    /// Whether the call asks libc's resolver for addresses or names.
    pub const fn resolves(self) -> bool {
        matches!(self, Does::Resolves | Does::ResolvesHost | Does::ResolvesHostInto)
    }
}

/// One parameter of a hooked function, as its prototype in C names it.
#[derive(Clone, Copy, Debug)]
pub struct Param {
    /// The name; the log uses it as the key in `args`.
    pub name: &'static str,
    /// The Rust spelling of its C type.
    pub ty: &'static str,
    /// What its value stands for.
    pub meaning: Meaning,
}

/// One hooked symbol. Its names are one text, `listen\0c_int\0fd;backlog;`, and the compiler computes where each part begins.
/// [`hook!`](crate::hook!) makes it.
///
/// A table of string slices would need hundreds of addresses that the dynamic linker fills in at each program's
/// start, although they are used only when an event is formatted.
#[derive(Debug)]
pub struct Hook {
    text: &'static str,
    ret: u8,
    params: u8,
    count: u8,
    parts: [ParamText; MAX_PARAMS],
    /// The level from which its events are logged.
    pub level: Level,
    /// What it does.
    pub does: Does,
    nr: Option<u16>,
}

/// Where one parameter stands in the text, as offsets from the first parameter.
#[derive(Clone, Copy, Debug)]
struct ParamText {
    name: u8,
    end: u8,
    /// The place in [`TYPES`].
    ty: u8,
    meaning: Meaning,
}

impl Hook {
    /// Parses a row from its text and the types of its parameters. `nr` is the number of the system call with the same arguments, if there is one.
    ///
    /// # Panics
    /// When there are more than [`MAX_PARAMS`] parameters, when one has a type that is not in the list, when the parameters or the part before them is longer than
    /// 255 bytes, or when the number is out of range. For the rows of a table this is a compile error.
    pub const fn new(
        text: &'static str,
        types: &[&str],
        level: Level,
        does: Does,
        nr: Option<c_long>,
    ) -> Hook {
        let bytes = text.as_bytes();
        let ret = find(bytes, 0, 0) + 1;
        let params = find(bytes, ret, 0) + 1;
        assert!(params < 256 && bytes.len() - params < 256);
        let mut parts = [ParamText { name: 0, end: 0, ty: 0, meaning: Meaning::Int64 }; MAX_PARAMS];
        let (mut count, mut at) = (0, params);
        while at < bytes.len() {
            let end = find(bytes, at, b';');
            let call = part(bytes, 0, ret - 1);
            let ty = types[count].as_bytes();
            let meaning = meaning_of(call, part(bytes, at, end), ty);
            let (name, end_of_name) = ((at - params) as u8, (end - params) as u8);
            parts[count] = ParamText { name, end: end_of_name, ty: place_of(ty), meaning };
            (count, at) = (count + 1, end + 1);
        }
        let nr = match nr {
            Some(nr) => {
                assert!(nr >= 0 && nr <= u16::MAX as c_long);
                Some(nr as u16)
            }
            None => None,
        };
        Hook { text, ret: ret as u8, params: params as u8, count: count as u8, parts, level, does, nr }
    }

    /// A part of the text. Indexing would bring the standard library's report of wrong indices, 5 kB, into the library.
    #[inline]
    fn part(&self, begin: usize, end: usize) -> &'static str {
        self.text.get(begin..end).unwrap_or_default()
    }

    /// The exported symbol.
    #[inline]
    pub fn name(&self) -> &'static str {
        self.part(0, usize::from(self.ret) - 1)
    }

    /// The exported symbol with a terminating NUL.
    #[inline]
    pub fn symbol(&self) -> &'static str {
        self.part(0, self.ret.into())
    }

    /// The return type.
    pub fn ret(&self) -> &'static str {
        self.part(self.ret.into(), usize::from(self.params) - 1)
    }

    /// The number of the system call with the same arguments, if there is one: syscall(2) is routed by it.
    #[inline]
    pub const fn nr(&self) -> Option<c_long> {
        match self.nr {
            Some(nr) => Some(nr as c_long),
            None => None,
        }
    }

    /// The parameters, in order.
    pub fn params(&self) -> impl Iterator<Item = Param> {
        (0..self.arity()).filter_map(|index| self.param(index))
    }

    /// The parameter at `index`.
    #[inline]
    pub fn param(&self, index: usize) -> Option<Param> {
        let part = self.parts[..self.arity()].get(index)?;
        let at = |offset: u8| usize::from(self.params) + usize::from(offset);
        Some(Param {
            name: self.part(at(part.name), at(part.end)),
            ty: TYPES[usize::from(part.ty)],
            meaning: part.meaning,
        })
    }

    /// The parameter's name as the log writes it: the underscore behind a Rust keyword is removed.
    #[inline]
    pub fn key(&self, index: usize) -> &'static [u8] {
        let part = self.parts[index];
        let text = &self.text.as_bytes()[usize::from(self.params)..];
        let name = &text[usize::from(part.name)..usize::from(part.end)];
        name.strip_suffix(b"_").unwrap_or(name)
    }

    /// What the parameter at `index` means.
    #[inline]
    pub fn meaning(&self, index: usize) -> Meaning {
        self.parts[index].meaning
    }

    /// The index of the first parameter with this meaning.
    pub fn index_of(&self, meaning: Meaning) -> Option<usize> {
        self.parts[..self.arity()].iter().position(|part| part.meaning == meaning)
    }

    /// How many parameters there are.
    #[inline]
    pub fn arity(&self) -> usize {
        usize::from(self.count)
    }
}

/// The index of the first `byte` at or after `at`.
const fn find(bytes: &[u8], mut at: usize, byte: u8) -> usize {
    while bytes[at] != byte {
        at += 1;
    }
    at
}

const fn part(bytes: &[u8], begin: usize, end: usize) -> &[u8] {
    bytes.split_at(end).0.split_at(begin).1
}

/// A [`Hook`] from its level, what it does, its system call, and its prototype.
#[macro_export]
macro_rules! hook {
    ($level:ident, $does:ident, [$($nr:ident)?], $name:ident($($arg:ident: $ty:ty),*) -> $ret:tt) => {
        $crate::hook!($level, $does, [$($nr)?], $name($($arg: $ty),*), stringify!($ret))
    };
    ($level:ident, $does:ident, [$($nr:ident)?], $name:ident($($arg:ident: $ty:ty),*), $ret:expr) => {
        const {
            $crate::hook::Hook::new(
                concat!(stringify!($name), "\0", $ret, "\0", $(stringify!($arg), ";"),*),
                &[$(stringify!($ty)),*],
                $crate::hook::Level::$level,
                $crate::hook::Does::$does,
                $crate::hook!(@ $($nr)?),
            )
        }
    };
    // The number of the system call with the same arguments, if there is one.
    (@) => {
        None
    };
    (@ $nr:ident) => {
        Some(libc::$nr)
    };
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_prototype_comes_back_as_it_is_written() {
        let hook = hook!(Call, Plain, [SYS_connect], connect(fd: c_int, addr: *const sockaddr) -> c_int);
        let read: Vec<_> = hook.params().map(|param| (param.name, param.ty)).collect();
        assert_eq!(read, [("fd", "c_int"), ("addr", "*const sockaddr")]);
        assert_eq!(hook.param(1).map(|param| param.name), Some("addr"));
        assert_eq!((hook.arity(), hook.param(2).is_none()), (2, true));
        assert_eq!((hook.name(), hook.symbol(), hook.ret()), ("connect", "connect\0", "c_int"));
        assert_eq!(hook.nr(), Some(libc::SYS_connect));
        let fork = hook!(Call, Forks, [], fork() -> pid_t);
        assert_eq!((fork.arity(), fork.ret(), fork.nr()), (0, "pid_t", None));
    }
}
