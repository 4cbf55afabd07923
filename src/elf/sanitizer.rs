//! Sanitizers whose runtime, as a shared library, conflicts with a preloaded library.
//!
//! The other runtimes do not: those of LeakSanitizer, MemorySanitizer and UndefinedBehaviorSanitizer start behind a
//! preloaded library, and runtimes that are linked into the program come before every library anyway.

use crate::obstacle::Obstacle;

/// A sanitizer that conflicts with a preloaded library.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Sanitizer {
    /// AddressSanitizer: its runtime ends the program unless it is the first of all libraries.
    Address,
    /// ThreadSanitizer: its runtime replaces clone(2), without which the library cannot log.
    Thread,
}

/// The prefixes of the runtimes' names, gcc's and clang's.
const RUNTIMES: [(&[u8], Sanitizer); 6] = [
    (b"libasan.so", Sanitizer::Address),
    (b"libclang_rt.asan-", Sanitizer::Address),
    (b"libclang_rt.asan.so", Sanitizer::Address),
    (b"libtsan.so", Sanitizer::Thread),
    (b"libclang_rt.tsan-", Sanitizer::Thread),
    (b"libclang_rt.tsan.so", Sanitizer::Thread),
];

/// The length of the longest prefix.
pub(crate) const LONGEST: usize = b"libclang_rt.asan.so".len();

impl Sanitizer {
    /// The sanitizer whose runtime a library is, by the name under which programs need it.
    pub fn of_library(name: &[u8]) -> Option<Sanitizer> {
        RUNTIMES.iter().find(|(begin, _)| name.starts_with(begin)).map(|(_, sanitizer)| *sanitizer)
    }

    /// The obstacle that it is to a preloaded library.
    pub fn obstacle(self) -> Obstacle {
        match self {
            Sanitizer::Address => Obstacle::AddressSanitizer,
            Sanitizer::Thread => Obstacle::ThreadSanitizer,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runtimes_are_known_by_their_names() {
        for (name, expected) in [
            ("libasan.so.8", Some(Sanitizer::Address)),
            ("libclang_rt.asan-x86_64.so", Some(Sanitizer::Address)),
            ("libclang_rt.asan.so", Some(Sanitizer::Address)),
            ("libtsan.so.2", Some(Sanitizer::Thread)),
            ("libclang_rt.tsan-x86_64.so", Some(Sanitizer::Thread)),
            ("liblsan.so.0", None),
            ("libubsan.so.1", None),
            ("libclang_rt.asan_static-x86_64.a", None),
            ("libc.so.6", None),
            ("", None),
        ] {
            assert_eq!(Sanitizer::of_library(name.as_bytes()), expected, "{name}");
        }
    }

    #[test]
    fn the_longest_beginning_is_what_is_read() {
        assert_eq!(RUNTIMES.iter().map(|(begin, _)| begin.len()).max(), Some(LONGEST));
    }
}
