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

/// The parameters of a hooked function, in order, as one text: `fd:c_int;backlog:c_int;`.
///
/// A table of names and types would need hundreds of addresses that the dynamic linker fills in at each program's start;
/// they are of interest only when an event is formatted.
#[derive(Clone, Copy, Debug)]
pub struct Params(pub &'static str);

impl Params {
    /// The parameters.
    pub fn iter(self) -> impl Iterator<Item = Param> {
        self.0.split_terminator(';').filter_map(|param| {
            let (name, ty) = param.split_once(':')?;
            Some(Param { name, ty })
        })
    }

    /// The parameter at `index`.
    pub fn get(self, index: usize) -> Option<Param> {
        self.iter().nth(index)
    }

    /// How many there are.
    pub fn len(self) -> usize {
        self.iter().count()
    }

    /// Whether there is none.
    pub fn is_empty(self) -> bool {
        self.0.is_empty()
    }
}

/// [`Params`] from a prototype's names and types.
#[macro_export]
macro_rules! params {
    ($($arg:ident: $ty:ty),*) => {
        $crate::hook::Params(concat!("", $(stringify!($arg), ":", stringify!($ty), ";"),*))
    };
}

/// One hooked symbol.
#[derive(Debug)]
pub struct Hook {
    /// The exported symbol.
    pub name: &'static str,
    /// The parameters, in order.
    pub params: Params,
    /// The return type.
    pub ret: &'static str,
    /// The level from which its events are logged.
    pub level: Level,
    /// The number of the system call with the same arguments, if there is one: how `syscall(2)` is routed here.
    pub nr: Option<c_long>,
    /// What the symbol is, and where it is specified.
    pub doc: &'static str,
}

#[cfg(test)]
mod tests {
    #[test]
    fn parameters_come_back_as_they_are_written() {
        let params = params!(fd: c_int, addr: *const sockaddr);
        let read: Vec<_> = params.iter().map(|param| (param.name, param.ty)).collect();
        assert_eq!(read, [("fd", "c_int"), ("addr", "*const sockaddr")]);
        assert_eq!(params.get(1).map(|param| param.name), Some("addr"));
        assert_eq!((params.len(), params.get(2).is_none()), (2, true));
        assert!(params!().is_empty());
        assert_eq!(params!().len(), 0);
    }
}
