//! What the program-facing table of hooked symbols says about each symbol.
//!
//! The rows are written once, in `src/preload/hooks.rs`. The preload library makes the exported functions from
//! them, the command prints them, and the tests compare them with the symbols that the library really exports.

use crate::trace::decode::{Meaning, meaning};
use crate::trace::event::MAX_ARGS;
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
    /// What its value stands for.
    pub meaning: Meaning,
}

/// The parameters of a hooked function, in order: their prototype as one text, `fd:c_int;backlog:c_int;`, and where each
/// begins in it and what it means, found out by the compiler.
///
/// A table of names and types would need hundreds of addresses that the dynamic linker fills in at each program's
/// start; they are of interest only when an event is formatted.
#[derive(Clone, Copy, Debug)]
pub struct Params {
    text: &'static str,
    places: [Place; MAX_ARGS],
    count: u8,
}

/// One parameter in the text.
#[derive(Clone, Copy, Debug)]
struct Place {
    name: u8,
    ty: u8,
    end: u8,
    meaning: Meaning,
}

impl Params {
    /// The parameters of `call` from their text.
    ///
    /// # Panics
    /// When there are more than [`MAX_ARGS`], or the text is longer than 255 bytes. For rows of a table the compiler says
    /// so.
    pub const fn new(call: &str, text: &'static str) -> Params {
        let bytes = text.as_bytes();
        assert!(bytes.len() < 256);
        let mut places = [Place { name: 0, ty: 0, end: 0, meaning: Meaning::Int64 }; MAX_ARGS];
        let (mut count, mut at) = (0, 0);
        while at < bytes.len() {
            let colon = find(bytes, at, b':');
            let end = find(bytes, colon, b';');
            let meaning = meaning(call.as_bytes(), part(bytes, at, colon), part(bytes, colon + 1, end));
            places[count] = Place { name: at as u8, ty: colon as u8 + 1, end: end as u8, meaning };
            (count, at) = (count + 1, end + 1);
        }
        Params { text, places, count: count as u8 }
    }

    /// The parameters.
    pub fn iter(self) -> impl Iterator<Item = Param> {
        (0..self.len()).filter_map(move |index| self.get(index))
    }

    /// The parameter at `index`.
    #[inline]
    pub fn get(self, index: usize) -> Option<Param> {
        let place = self.places[..self.len()].get(index)?;
        Some(Param {
            name: &self.text[usize::from(place.name)..usize::from(place.ty) - 1],
            ty: &self.text[usize::from(place.ty)..usize::from(place.end)],
            meaning: place.meaning,
        })
    }

    /// How many there are.
    #[inline]
    pub fn len(&self) -> usize {
        usize::from(self.count)
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }
}

/// The place of `byte` from `at` on.
const fn find(bytes: &[u8], mut at: usize, byte: u8) -> usize {
    while bytes[at] != byte {
        at += 1;
    }
    at
}

const fn part(bytes: &[u8], begin: usize, end: usize) -> &[u8] {
    bytes.split_at(end).0.split_at(begin).1
}

/// [`Params`] of a call, from a prototype's names and types.
#[macro_export]
macro_rules! params {
    ($call:ident; $($arg:ident: $ty:ty),*) => {
        const {
            $crate::hook::Params::new(
                stringify!($call),
                concat!("", $(stringify!($arg), ":", stringify!($ty), ";"),*),
            )
        }
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
        let params = params!(connect; fd: c_int, addr: *const sockaddr);
        let read: Vec<_> = params.iter().map(|param| (param.name, param.ty)).collect();
        assert_eq!(read, [("fd", "c_int"), ("addr", "*const sockaddr")]);
        assert_eq!(params.get(1).map(|param| param.name), Some("addr"));
        assert_eq!((params.len(), params.get(2).is_none()), (2, true));
        assert!(params!(fork;).is_empty());
        assert_eq!(params!(fork;).len(), 0);
    }
}
