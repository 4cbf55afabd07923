//! What kind of file a program is.

use crate::dynamic::Dynamic;
use crate::linking::{Elf, Linking, read_interpreter};
use crate::table::Table;
use crate::{Source, go, script};
use object::LittleEndian as LE;
use object::elf::{self, FileHeader64, ProgramHeader64};
use object::pod::from_bytes;

/// The largest table of program headers that the kernel loads.
const MAX_HEADERS: usize = 65_536 / size_of::<ProgramHeader64<LE>>();

/// What the kernel takes a file for.
#[expect(
    clippy::large_enum_variant,
    reason = "one lives at a time, and there is nothing to allocate it from"
)]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FileFormat {
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

/// Determines what a file is.
pub fn examine(source: &(impl Source + ?Sized)) -> FileFormat {
    let mut head = [0; size_of::<FileHeader64<LE>>()];
    let len = source.read_at(0, &mut head);
    let head = &head[..len];
    if head.is_empty() {
        return FileFormat::Empty;
    }
    if script::is_script(head) {
        return FileFormat::Script;
    }
    if !head.starts_with(&elf::ELFMAG) {
        return FileFormat::Unknown;
    }
    let (Some(class), Some(data), Some(machine)) = (head.get(4), head.get(5), head.get(18..20)) else {
        return FileFormat::Broken("its header is cut off");
    };
    let little = *data == elf::ELFDATA2LSB;
    let machine = [machine[0], machine[1]];
    let machine = if little { u16::from_le_bytes(machine) } else { u16::from_be_bytes(machine) };
    let is_64 = *class == elf::ELFCLASS64;
    if !(is_64 && little && machine == elf::EM_X86_64) {
        return FileFormat::Elf(Elf {
            machine,
            is_64,
            linking: Linking::Foreign,
            go: false,
            sanitizer: None,
        });
    }
    let Ok((header, _)) = from_bytes::<FileHeader64<LE>>(head) else {
        return FileFormat::Broken("its header is cut off");
    };
    match native(source, header) {
        Ok(elf) => FileFormat::Elf(elf),
        Err(why) => FileFormat::Broken(why),
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
            // The kernel uses the first one.
            elf::PT_INTERP if interpreter.is_none() => interpreter = Some((at, size)),
            elf::PT_DYNAMIC if dynamic.is_none() => dynamic = Some((at, size)),
            elf::PT_NOTE => go = go || go::has_note(source, at, size, segment.p_align.get(LE)),
            _ => {}
        }
    });
    if !whole {
        return Err("its program headers are cut off");
    }
    let dynamic = dynamic.map(|(at, size)| Dynamic::read(source, at, size));
    let linking = match (interpreter, &dynamic) {
        (Some((at, size)), _) => Linking::Dynamic(read_interpreter(source, at, size)?),
        (None, _) if kind == elf::ET_EXEC => Linking::Static,
        (None, Some(dynamic)) => dynamic.linking(source, &table),
        (None, None) => Linking::StaticPie,
    };
    let sanitizer = dynamic.and_then(|dynamic| dynamic.sanitizer(source, &table));
    let go = go || go::has_section(source, header);
    Ok(Elf { machine: elf::EM_X86_64, is_64: true, linking, go, sanitizer })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::obstacle::Obstacle;

    fn this_test() -> Vec<u8> {
        let path = std::env::current_exe().expect("the path of this test");
        std::fs::read(path).expect("this test can be read")
    }

    fn linked(format: FileFormat) -> Linking {
        match format {
            FileFormat::Elf(elf) => elf.linking,
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
        assert_eq!(examine(&b""[..]), FileFormat::Empty);
        assert_eq!(examine(&b"#!/bin/sh"[..]), FileFormat::Script);
        assert_eq!(examine(&b"MZ"[..]), FileFormat::Unknown);
        assert!(matches!(examine(&b"\x7fELF\x02\x01"[..]), FileFormat::Broken(_)));
    }

    /// The header alone shows that a file is for another machine.
    #[test]
    fn other_machines() {
        for (class, data, machine) in [(2, 1, elf::EM_AARCH64), (1, 1, elf::EM_386), (1, 1, elf::EM_X86_64)] {
            let mut head = [0; 64];
            head[..6].copy_from_slice(&[0x7f, b'E', b'L', b'F', class, data]);
            head[18..20].copy_from_slice(&machine.to_le_bytes());
            let FileFormat::Elf(elf) = examine(&head[..]) else { panic!("no ELF file") };
            assert_eq!((elf.machine, elf.obstacle()), (machine, Some(Obstacle::OtherArchitecture)));
        }
        let mut head = [0; 64];
        head[..6].copy_from_slice(&[0x7f, b'E', b'L', b'F', 2, 2]);
        head[18..20].copy_from_slice(&elf::EM_S390.to_be_bytes());
        assert!(matches!(examine(&head[..]), FileFormat::Elf(Elf { machine: elf::EM_S390, .. })));
    }

    /// Wherever the file is cut, and whatever a byte of its first page becomes, there is an answer.
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
