//! The object that this code is linked into, as it is mapped: its program headers.
//!
//! # Safety
//! The linker puts the header of the file at the beginning of the image and defines a symbol there. Both are mapped as long
//! as the code is.

use core::arch::asm;

/// `Elf64_Ehdr`, up to the last member that is used.
#[repr(C)]
struct Header {
    before: [u64; 4],
    programs: u64,
    between: [u64; 2],
    count: u16,
}

/// `Elf64_Phdr`.
#[repr(C)]
struct Program {
    kind: u32,
    flags: u32,
    offset: u64,
    address: usize,
    physical: u64,
    in_file: u64,
    size: usize,
    align: u64,
}

const PT_LOAD: u32 = 1;
const PT_GNU_EH_FRAME: u32 = 0x6474_e550;
const _: () = assert!(size_of::<Program>() == 56 && core::mem::offset_of!(Header, count) == 56);

/// The index of the unwinder's table, `.eh_frame_hdr`, if the code at this address is linked into this object.
pub fn unwind_table_of(address: usize) -> Option<usize> {
    let offset = address.wrapping_sub(begin());
    let is_inside =
        |program: &Program| program.kind == PT_LOAD && offset.wrapping_sub(program.address) < program.size;
    programs().iter().find(|program| is_inside(program))?;
    let table = programs().iter().find(|program| program.kind == PT_GNU_EH_FRAME)?;
    Some(begin() + table.address)
}

fn programs() -> &'static [Program] {
    let begin = begin();
    // SAFETY: the header, and the program headers that it names.
    unsafe {
        let header = &*(begin as *const Header);
        let first = (begin + header.programs as usize) as *const Program;
        core::slice::from_raw_parts(first, header.count.into())
    }
}

fn begin() -> usize {
    let begin: usize;
    // SAFETY: takes the address of the object's own header.
    unsafe {
        asm!(".hidden __ehdr_start", "lea {}, [rip + __ehdr_start]", out(reg) begin,
             options(nomem, nostack, preserves_flags));
    }
    begin
}
