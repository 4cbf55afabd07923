//! What the program-facing table of hooked symbols says about each symbol.
//!
//! The rows are written once, in `src/preload/hooks.rs`. The preload library makes the exported functions from
//! them, the command prints them, and the tests compare them with the symbols that the library really exports.

use libc::c_long;

/// From which `SOCKSHIM_LOG` level on a call is logged.
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

/// One parameter of a hooked function, as its prototype in C names it.
#[derive(Clone, Copy, Debug)]
pub struct Param {
    /// The name; the log uses it as the key in `args`.
    pub name: &'static str,
    /// The Rust spelling of its C type.
    pub ty: &'static str,
}

/// One hooked symbol.
#[derive(Debug)]
pub struct Hook {
    /// The exported symbol.
    pub name: &'static str,
    /// The parameters, in order.
    pub params: &'static [Param],
    /// The return type.
    pub ret: &'static str,
    /// The level from which its events are logged.
    pub level: Level,
    /// The number of the system call with the same arguments, if there is one: how `syscall(2)` is routed here.
    pub nr: Option<c_long>,
    /// What the symbol is, and where it is specified.
    pub doc: &'static str,
}
