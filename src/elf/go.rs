//! The traces that Go's linker leaves in a program.

use crate::Source;
use crate::table::{PIECE, Table};
use object::LittleEndian as LE;
use object::elf::{self, FileHeader64, SectionHeader64};
use object::read::elf::NoteIterator;

/// Whether the notes have the one that Go's linker writes.
pub(crate) fn has_note(source: &(impl Source + ?Sized), at: u64, size: u64, align: u64) -> bool {
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
pub(crate) fn has_section(source: &(impl Source + ?Sized), header: &FileHeader64<LE>) -> bool {
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
    // Section names take a few hundred bytes; of a larger table only this much is read.
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
        // The pieces overlap, so that a name across a boundary is found.
        let step = (PIECE - NAME.len()) as u64;
        at = at.saturating_add(step);
        left -= step;
    }
    false
}
