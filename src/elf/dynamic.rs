//! The dynamic section: the name that a library gives itself, and the first library that a program needs.

use crate::Source;
use crate::linking::{GLIBC, Linking};
use crate::sanitizer::{LONGEST, Sanitizer};
use crate::table::Table;
use object::LittleEndian as LE;
use object::elf::{self, Dyn64, ProgramHeader64};

/// The addresses of two strings in the loaded file.
#[derive(Default)]
pub(crate) struct Dynamic {
    soname: Option<u64>,
    first_needed: Option<u64>,
}

impl Dynamic {
    /// Reads the section at `at`, which is `size` bytes long.
    pub fn read(source: &(impl Source + ?Sized), at: u64, size: u64) -> Dynamic {
        let (mut soname, mut first_needed, mut strings) = (None, None, None);
        let mut over = false;
        let entries = Table { at, count: size / size_of::<Dyn64<LE>>() as u64 };
        entries.each(source, |entry: &Dyn64<LE>| {
            let value = entry.d_val.get(LE);
            match u32::try_from(entry.d_tag.get(LE)) {
                Ok(elf::DT_NULL) => over = true,
                Ok(elf::DT_SONAME) if !over => soname = Some(value),
                Ok(elf::DT_NEEDED) if !over && first_needed.is_none() => first_needed = Some(value),
                Ok(elf::DT_STRTAB) if !over => strings = Some(value),
                _ => {}
            }
        });
        let address = |offset: u64| strings.map(|strings: u64| strings.wrapping_add(offset));
        Dynamic { soname: soname.and_then(address), first_needed: first_needed.and_then(address) }
    }

    /// The linking of a file that has no fixed address and names no dynamic linker: a library has a name of its own.
    pub fn linking(&self, source: &(impl Source + ?Sized), segments: &Table) -> Linking {
        let Some(soname) = self.soname else { return Linking::StaticPie };
        let mut name = [0; GLIBC.len()];
        read_loaded(source, segments, soname, &mut name);
        if name == GLIBC { Linking::Linker } else { Linking::Library }
    }

    /// The sanitizer whose runtime is needed before all other libraries.
    pub fn sanitizer(&self, source: &(impl Source + ?Sized), segments: &Table) -> Option<Sanitizer> {
        let mut name = [0; LONGEST];
        read_loaded(source, segments, self.first_needed?, &mut name);
        Sanitizer::of_library(&name)
    }
}

/// Fills `buffer` with what will be in memory at `address`. It stays unchanged where no part of the file will be
/// loaded.
fn read_loaded(source: &(impl Source + ?Sized), segments: &Table, address: u64, buffer: &mut [u8]) {
    segments.each(source, |segment: &ProgramHeader64<LE>| {
        let inside = address.wrapping_sub(segment.p_vaddr.get(LE));
        if segment.p_type.get(LE) == elf::PT_LOAD && inside < segment.p_filesz.get(LE) {
            source.read_at(segment.p_offset.get(LE).saturating_add(inside), buffer);
        }
    });
}
