//! What a file is.

use crate::Source;
use crate::obstacle::Obstacle;
use crate::script::{self, HEAD};
use object::LittleEndian as LE;
use object::elf::{self, Dyn64, FileHeader64, ProgramHeader64, SectionHeader64};
use object::pod::{Pod, from_bytes};
use object::read::elf::NoteIterator;

/// A piece of a file that is looked at in one go: the stack that it is read to may be a small one.
const PIECE: usize = 512;
/// The largest table of program headers that the kernel loads.
const MAX_HEADERS: usize = 65_536 / size_of::<ProgramHeader64<LE>>();

/// What the kernel would make of a file.
#[expect(
    clippy::large_enum_variant,
    reason = "one lives at a time, and there is nothing to allocate it from"
)]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Format {
    /// It has no bytes.
    Empty,
    /// A script; its first line is in the file's head.
    Script,
    /// An ELF file.
    Elf(Elf),
    /// An ELF file that the kernel refuses to load, and why.
    Broken(&'static str),
    /// Anything else.
    Unknown,
}

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
}

/// How a program is linked.
#[expect(
    clippy::large_enum_variant,
    reason = "one lives at a time, and there is nothing to allocate it from"
)]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Linking {
    /// For another machine, so not looked at.
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

    /// Whether it is glibc's, which reads `LD_PRELOAD` as ld.so(8) says: under its own name, or that of the LSB.
    pub fn is_glibc(&self) -> bool {
        self.name() == GLIBC || self.name().starts_with(b"ld-lsb-x86-64.so")
    }

    /// Whether it is musl's.
    pub fn is_musl(&self) -> bool {
        self.name().starts_with(b"ld-musl-")
    }
}

/// The name of glibc's dynamic linker for x86-64.
const GLIBC: &[u8] = b"ld-linux-x86-64.so.2";

impl Elf {
    /// What keeps the library out, as far as the file's content says.
    pub fn obstacle(&self) -> Option<Obstacle> {
        match self.linking {
            Linking::Foreign => Some(Obstacle::OtherArchitecture),
            _ if self.go => Some(Obstacle::Go),
            Linking::Static | Linking::StaticPie | Linking::Library => Some(Obstacle::Static),
            Linking::Linker => None,
            Linking::Dynamic(interpreter) => (!interpreter.is_glibc()).then_some(Obstacle::OtherLibc),
        }
    }
}

/// Looks at a file.
pub fn examine(source: &(impl Source + ?Sized)) -> Format {
    let mut head = [0; size_of::<FileHeader64<LE>>()];
    let len = source.read_at(0, &mut head);
    let head = &head[..len];
    if head.is_empty() {
        return Format::Empty;
    }
    if script::is_script(head) {
        return Format::Script;
    }
    if !head.starts_with(&elf::ELFMAG) {
        return Format::Unknown;
    }
    let (Some(class), Some(data), Some(machine)) = (head.get(4), head.get(5), head.get(18..20)) else {
        return Format::Broken("its header is cut off");
    };
    let little = *data == elf::ELFDATA2LSB;
    let machine = [machine[0], machine[1]];
    let machine = if little { u16::from_le_bytes(machine) } else { u16::from_be_bytes(machine) };
    let is_64 = *class == elf::ELFCLASS64;
    if !(is_64 && little && machine == elf::EM_X86_64) {
        return Format::Elf(Elf { machine, is_64, linking: Linking::Foreign, go: false });
    }
    let Ok((header, _)) = from_bytes::<FileHeader64<LE>>(head) else {
        return Format::Broken("its header is cut off");
    };
    match native(source, header) {
        Ok(elf) => Format::Elf(elf),
        Err(why) => Format::Broken(why),
    }
}

/// An ELF file of this machine.
fn native(source: &(impl Source + ?Sized), header: &FileHeader64<LE>) -> Result<Elf, &'static str> {
    let kind = header.e_type.get(LE);
    if kind != elf::ET_EXEC && kind != elf::ET_DYN {
        return Err("it is no program: an object file or a core dump");
    }
    let count = usize::from(header.e_phnum.get(LE));
    if usize::from(header.e_phentsize.get(LE)) != size_of::<ProgramHeader64<LE>>()
        || !(1..=MAX_HEADERS).contains(&count)
    {
        return Err("its program headers are damaged");
    }
    let (mut interpreter, mut dynamic, mut go) = (None, None, false);
    let table = Table { at: header.e_phoff.get(LE), count: count as u64 };
    let whole = table.each(source, |segment: &ProgramHeader64<LE>| {
        let (at, size) = (segment.p_offset.get(LE), segment.p_filesz.get(LE));
        match segment.p_type.get(LE) {
            // The kernel takes the first one.
            elf::PT_INTERP if interpreter.is_none() => interpreter = Some((at, size)),
            elf::PT_DYNAMIC if dynamic.is_none() => dynamic = Some((at, size)),
            elf::PT_NOTE => go = go || has_go_note(source, at, size, segment.p_align.get(LE)),
            _ => {}
        }
    });
    if !whole {
        return Err("its program headers are cut off");
    }
    let linking = match (interpreter, dynamic) {
        (Some((at, size)), _) => Linking::Dynamic(read_interpreter(source, at, size)?),
        (None, _) if kind == elf::ET_EXEC => Linking::Static,
        (None, Some((at, size))) => by_soname(source, &table, at, size),
        (None, None) => Linking::StaticPie,
    };
    let go = go || has_go_section(source, header);
    Ok(Elf { machine: elf::EM_X86_64, is_64: true, linking, go })
}

/// A table of equal entries in a file.
struct Table {
    at: u64,
    count: u64,
}

impl Table {
    /// Calls `each` for every entry; `false` when the file ends before the table does.
    fn each<T: Pod>(&self, source: &(impl Source + ?Sized), mut each: impl FnMut(&T)) -> bool {
        let size = size_of::<T>();
        let mut piece = [0; PIECE];
        let (mut at, mut left) = (self.at, self.count);
        while left > 0 {
            let wanted = left.min((PIECE / size) as u64) as usize;
            let buffer = &mut piece[..wanted * size];
            let count = source.read_at(at, buffer) / size;
            for bytes in buffer[..count * size].chunks_exact(size) {
                if let Ok((entry, _)) = from_bytes(bytes) {
                    each(entry);
                }
            }
            if count < wanted {
                return false;
            }
            at = at.saturating_add((wanted * size) as u64);
            left -= wanted as u64;
        }
        true
    }
}

fn read_interpreter(
    source: &(impl Source + ?Sized),
    at: u64,
    size: u64,
) -> Result<Interpreter, &'static str> {
    const WRONG: &str = "the path of its dynamic linker is damaged";
    const PATH_MAX: u64 = 4096;
    let mut last = [1];
    // The kernel wants a path, and its terminator as the last byte.
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

/// What is loaded at any address and names no dynamic linker: told apart by the name that libraries have.
fn by_soname(source: &(impl Source + ?Sized), segments: &Table, at: u64, size: u64) -> Linking {
    let (mut soname, mut strings) = (None, None);
    let mut over = false;
    let entries = Table { at, count: size / size_of::<Dyn64<LE>>() as u64 };
    entries.each(source, |entry: &Dyn64<LE>| {
        let value = entry.d_val.get(LE);
        match u32::try_from(entry.d_tag.get(LE)) {
            Ok(elf::DT_NULL) => over = true,
            Ok(elf::DT_SONAME) if !over => soname = Some(value),
            Ok(elf::DT_STRTAB) if !over => strings = Some(value),
            _ => {}
        }
    });
    let (Some(soname), Some(strings)) = (soname, strings) else { return Linking::StaticPie };
    let address = strings.wrapping_add(soname);
    let mut name = [0; GLIBC.len()];
    segments.each(source, |segment: &ProgramHeader64<LE>| {
        let inside = address.wrapping_sub(segment.p_vaddr.get(LE));
        if segment.p_type.get(LE) == elf::PT_LOAD && inside < segment.p_filesz.get(LE) {
            source.read_at(segment.p_offset.get(LE).saturating_add(inside), &mut name);
        }
    });
    if name == GLIBC { Linking::Linker } else { Linking::Library }
}

/// Whether the notes have the one that Go's linker writes.
fn has_go_note(source: &(impl Source + ?Sized), at: u64, size: u64, align: u64) -> bool {
    let mut piece = [0; PIECE];
    let wanted = piece.len().min(usize::try_from(size).unwrap_or(PIECE));
    let count = source.read_at(at, &mut piece[..wanted]);
    let Ok(mut notes) = NoteIterator::<FileHeader64<LE>>::new(LE, align, &piece[..count]) else {
        return false;
    };
    while let Ok(Some(note)) = notes.next() {
        if note.name() == elf::ELF_NOTE_GO {
            return true;
        }
    }
    false
}

/// Whether there is a section that Go's linker makes: a build without an id has no note.
fn has_go_section(source: &(impl Source + ?Sized), header: &FileHeader64<LE>) -> bool {
    const NAME: &[u8] = b"\0.go.buildinfo\0";
    let (table, index) = (header.e_shoff.get(LE), header.e_shstrndx.get(LE));
    let size = size_of::<SectionHeader64<LE>>();
    if table == 0 || usize::from(header.e_shentsize.get(LE)) != size {
        return false;
    }
    let mut strings = None;
    let at = table.saturating_add(u64::from(index) * size as u64);
    Table { at, count: 1 }.each(source, |section: &SectionHeader64<LE>| {
        strings = Some((section.sh_offset.get(LE), section.sh_size.get(LE)));
    });
    let Some((mut at, mut left)) = strings else { return false };
    let mut piece = [0; PIECE];
    // Section names take a few hundred bytes; a table that claims more than this is not believed.
    left = left.min(16 * PIECE as u64);
    while left >= NAME.len() as u64 {
        let wanted = left.min(PIECE as u64) as usize;
        let count = source.read_at(at, &mut piece[..wanted]);
        if piece[..count].windows(NAME.len()).any(|window| window == NAME) {
            return true;
        }
        if count < wanted || wanted < PIECE {
            return false;
        }
        // The pieces overlap, so that a name on a border is found.
        let step = (PIECE - NAME.len()) as u64;
        at = at.saturating_add(step);
        left -= step;
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    fn this_test() -> Vec<u8> {
        let path = std::env::current_exe().expect("the path of this test");
        std::fs::read(path).expect("this test can be read")
    }

    fn linked(format: Format) -> Linking {
        match format {
            Format::Elf(elf) => elf.linking,
            other => panic!("no ELF file: {other:?}"),
        }
    }

    #[test]
    fn this_test_is_dynamic() {
        let Linking::Dynamic(interpreter) = linked(examine(&this_test()[..])) else { panic!("not dynamic") };
        assert_eq!(interpreter.path(), b"/lib64/ld-linux-x86-64.so.2");
        assert!(interpreter.is_glibc() && !interpreter.is_musl());
    }

    #[test]
    fn the_dynamic_linker_is_no_static_program() {
        let linker = std::fs::read("/lib64/ld-linux-x86-64.so.2").expect("glibc");
        assert_eq!(linked(examine(&linker[..])), Linking::Linker);
        let libc = std::fs::read("/lib/x86_64-linux-gnu/libc.so.6").expect("glibc");
        assert!(matches!(linked(examine(&libc[..])), Linking::Dynamic(_)), "libc.so.6 can be executed");
    }

    #[test]
    fn what_is_no_program() {
        assert_eq!(examine(&b""[..]), Format::Empty);
        assert_eq!(examine(&b"#!/bin/sh"[..]), Format::Script);
        assert_eq!(examine(&b"MZ"[..]), Format::Unknown);
        assert!(matches!(examine(&b"\x7fELF\x02\x01"[..]), Format::Broken(_)));
    }

    /// A header alone is enough to see that a file is for another machine.
    #[test]
    fn other_machines() {
        for (class, data, machine) in [(2, 1, elf::EM_AARCH64), (1, 1, elf::EM_386), (1, 1, elf::EM_X86_64)] {
            let mut head = [0; 64];
            head[..6].copy_from_slice(&[0x7f, b'E', b'L', b'F', class, data]);
            head[18..20].copy_from_slice(&machine.to_le_bytes());
            let Format::Elf(elf) = examine(&head[..]) else { panic!("no ELF file") };
            assert_eq!((elf.machine, elf.obstacle()), (machine, Some(Obstacle::OtherArchitecture)));
        }
        let mut head = [0; 64];
        head[..6].copy_from_slice(&[0x7f, b'E', b'L', b'F', 2, 2]);
        head[18..20].copy_from_slice(&elf::EM_S390.to_be_bytes());
        assert!(matches!(examine(&head[..]), Format::Elf(Elf { machine: elf::EM_S390, .. })));
    }

    /// Wherever the file is cut off, and whatever a byte of its first page becomes, there is an answer.
    #[test]
    fn any_bytes_have_an_answer() {
        let whole = this_test();
        for length in (0..4096).chain((4096..whole.len()).step_by(whole.len() / 500)) {
            examine(&whole[..length]);
        }
        let mut bytes = whole[..64 * 1024].to_vec();
        for index in 0..4096 {
            let kept = bytes[index];
            for value in [0, 1, 0x7f, 0x80, 0xff, !kept] {
                bytes[index] = value;
                examine(&bytes[..]);
            }
            bytes[index] = kept;
        }
    }

    /// Numbers at the ends of their range in every field of the headers do not overflow.
    #[test]
    fn extreme_numbers_have_an_answer() {
        let mut bytes = this_test();
        for index in (16..1024).step_by(2) {
            for width in [2, 4, 8] {
                let kept = bytes[index..index + width].to_vec();
                bytes[index..index + width].fill(0xff);
                examine(&bytes[..]);
                bytes[index..index + width].copy_from_slice(&kept);
            }
        }
    }
}
