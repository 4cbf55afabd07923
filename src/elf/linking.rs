//! How an ELF file is linked, and what that means for a preloaded library.

use crate::Source;
use crate::obstacle::Obstacle;
use crate::sanitizer::Sanitizer;
use crate::script::HEAD;

/// An ELF file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Elf {
    /// `e_machine`.
    pub machine: u16,
    /// Whether its words have 64 bits.
    pub is_64: bool,
    /// How it is linked.
    pub linking: Linking,
    /// Whether Go's linker has made it.
    pub go: bool,
    /// The sanitizer whose runtime is the first library that it needs.
    pub sanitizer: Option<Sanitizer>,
}

/// How a program is linked.
#[expect(
    clippy::large_enum_variant,
    reason = "one lives at a time, and there is nothing to allocate it from"
)]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Linking {
    /// For another machine, so not examined.
    Foreign,
    /// Statically, at a fixed address.
    Static,
    /// Statically, at any address.
    StaticPie,
    /// glibc's dynamic linker itself, which loads what its arguments name.
    Linker,
    /// A shared library.
    Library,
    /// Dynamically, by this dynamic linker.
    Dynamic(Interpreter),
}

/// The path of a dynamic linker.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Interpreter {
    bytes: [u8; HEAD],
    len: usize,
}

impl core::fmt::Debug for Interpreter {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{}", self.path().escape_ascii())
    }
}

impl Interpreter {
    /// The path; a longer one than [`HEAD`] bytes is cut.
    pub fn path(&self) -> &[u8] {
        &self.bytes[..self.len]
    }

    /// The last part of the path.
    pub fn name(&self) -> &[u8] {
        self.path().rsplit(|byte| *byte == b'/').next().unwrap_or_default()
    }

    /// Whether it is glibc's, which reads `LD_PRELOAD` as ld.so(8) says: by its own name, or by that of the LSB.
    pub fn is_glibc(&self) -> bool {
        self.name() == GLIBC || self.name().starts_with(b"ld-lsb-x86-64.so")
    }

    /// Whether it is musl's.
    pub fn is_musl(&self) -> bool {
        self.name().starts_with(b"ld-musl-")
    }
}

/// The name of glibc's dynamic linker for x86-64.
pub(crate) const GLIBC: &[u8] = b"ld-linux-x86-64.so.2";

impl Elf {
    /// What keeps the library out, judged by the file's content.
    pub fn obstacle(&self) -> Option<Obstacle> {
        match self.linking {
            Linking::Foreign => Some(Obstacle::OtherArchitecture),
            _ if self.go => Some(Obstacle::Go),
            Linking::Static | Linking::StaticPie | Linking::Library => Some(Obstacle::Static),
            Linking::Linker => None,
            Linking::Dynamic(interpreter) if !interpreter.is_glibc() => Some(Obstacle::OtherLibc),
            Linking::Dynamic(_) => self.sanitizer.map(Sanitizer::obstacle),
        }
    }
}

/// Reads the path of the dynamic linker from its segment.
pub(crate) fn read_interpreter(
    source: &(impl Source + ?Sized),
    at: u64,
    size: u64,
) -> Result<Interpreter, &'static str> {
    const WRONG: &str = "the path of its dynamic linker is damaged";
    const PATH_MAX: u64 = 4096;
    let mut last = [1];
    // The kernel requires a path whose last byte is a NUL.
    if !(2..=PATH_MAX).contains(&size)
        || source.read_at(at.saturating_add(size - 1), &mut last) != 1
        || last != [0]
    {
        return Err(WRONG);
    }
    let mut path = Interpreter { bytes: [0; HEAD], len: 0 };
    let wanted = path.bytes.len().min(size as usize);
    let count = source.read_at(at, &mut path.bytes[..wanted]);
    path.len = path.bytes[..count].iter().position(|byte| *byte == 0).unwrap_or(count);
    if path.len == 0 { Err(WRONG) } else { Ok(path) }
}
