//! The symbols of a dynamic program: the functions that it defines and imports.

use object::LittleEndian as LE;
use object::elf::{self, FileHeader64};
use object::read::elf::{FileHeader, Sym};
use sockshim_core::hook::Hook;

/// What the symbols show. A damaged or missing table contributes nothing.
#[derive(Default, Debug, PartialEq, Eq)]
pub struct Contents {
    /// Hooked functions that the program defines itself, and exports.
    pub own_hooks: Vec<&'static str>,
    /// Whether it calls liburing, or contains it.
    pub io_uring: bool,
    /// Whether it has ThreadSanitizer's functions in place of libc's, because the runtime is linked into it. The
    /// library decides by the same rule, and does not log in such a program.
    pub replaces_clone: bool,
}

/// Reads the symbol tables.
pub fn read(data: &[u8], hooks: &'static [Hook]) -> Contents {
    let mut contents = Contents::default();
    let Ok(header) = FileHeader64::<LE>::parse(data) else { return contents };
    for table in [elf::SHT_DYNSYM, elf::SHT_SYMTAB] {
        symbols(header, data, table, |name, exported| {
            contents.io_uring |= name.starts_with("io_uring_queue_init") || name == "io_uring_setup";
            if exported && table == elf::SHT_DYNSYM {
                contents.replaces_clone |= matches!(name, "clone" | "__tsan_init");
                contents.own_hooks.extend(hooks.iter().map(|hook| hook.name()).find(|hook| *hook == name));
            }
        });
    }
    contents.own_hooks.sort_unstable();
    contents.own_hooks.dedup(); // A function may have several versions.
    contents
}

/// Calls `each` with every symbol's name, and whether it is a function that the file exports.
fn symbols(header: &FileHeader64<LE>, data: &[u8], table: u32, mut each: impl FnMut(&str, bool)) {
    let Ok(sections) = header.sections(LE, data) else { return };
    let Ok(symbols) = sections.symbols(LE, data, table) else { return };
    for symbol in symbols.iter() {
        let Ok(name) = symbols.symbol_name(LE, symbol) else { continue };
        let Ok(name) = core::str::from_utf8(name) else { continue };
        let exported = symbol.is_definition(LE) && symbol.st_type() == elf::STT_FUNC && !symbol.is_local();
        each(name, exported);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hook_table::HOOKS;

    fn this_test() -> Vec<u8> {
        std::fs::read(std::env::current_exe().expect("the path of this test")).expect("this test can be read")
    }

    #[test]
    fn this_test_defines_no_hook() {
        let contents = read(&this_test(), HOOKS);
        assert_eq!((contents.own_hooks.len(), contents.io_uring), (0, false));
    }

    #[test]
    fn libc_defines_hooks() {
        let libc = std::fs::read("/lib/x86_64-linux-gnu/libc.so.6").expect("glibc");
        assert!(read(&libc, HOOKS).own_hooks.len() > 90);
    }

    #[test]
    fn any_bytes_have_an_answer() {
        let libc = std::fs::read("/lib64/ld-linux-x86-64.so.2").expect("glibc");
        for length in (0..libc.len()).step_by(997) {
            read(&libc[..length], HOOKS);
        }
        let mut bytes = libc;
        for index in 0..1024 {
            let kept = bytes[index];
            for value in [0, 0x7f, 0xff] {
                bytes[index] = value;
                read(&bytes, HOOKS);
            }
            bytes[index] = kept;
        }
    }
}
