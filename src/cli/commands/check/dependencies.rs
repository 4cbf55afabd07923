//! The dynamic section of a program or library: which libraries in which versions the dynamic linker loads for it,
//! and from which directories.

use object::LittleEndian as LE;
use object::elf::{self, FileHeader64};
use object::read::elf::{Dyn, FileHeader, ProgramHeader};

/// What the section says. A damaged or missing table contributes nothing.
#[derive(Default, Debug)]
pub struct Dependencies {
    /// `DT_NEEDED`: the libraries, by the names that the dynamic linker looks for.
    pub needed: Vec<String>,
    /// `DT_RPATH`: directories for its own libraries and for those that these need.
    pub rpath: Option<String>,
    /// `DT_RUNPATH`: directories for its own libraries only.
    pub runpath: Option<String>,
    /// `DF_1_NODEFLIB`: the default directories are not searched.
    pub no_default: bool,
    /// The symbol versions that it needs, each with the library that must define it.
    pub wanted: Vec<(String, String)>,
    /// The symbol versions that it defines.
    pub defined: Vec<String>,
}

impl Dependencies {
    /// Reads the tables of a file.
    pub fn read(data: &[u8]) -> Dependencies {
        let mut dynamic = Dependencies::default();
        let Ok(header) = FileHeader64::<LE>::parse(data) else { return dynamic };
        // The parts are read independently: a damaged one does not hide the others.
        let _ = dynamic.read_section(header, data);
        let _ = dynamic.read_versions(header, data);
        dynamic
    }

    fn read_section(&mut self, header: &FileHeader64<LE>, data: &[u8]) -> Option<()> {
        let segments = header.program_headers(LE, data).ok()?;
        let entries = segments.iter().find_map(|segment| segment.dynamic(LE, data).ok()?)?;
        let end = entries.iter().position(|entry| entry.tag32(LE) == Some(elf::DT_NULL));
        let entries = &entries[..end.unwrap_or(entries.len())];
        let value = |tag: u32| {
            let entry = entries.iter().find(|entry| entry.tag32(LE) == Some(tag))?;
            Some(entry.d_val(LE))
        };
        let (at, size) = (value(elf::DT_STRTAB)?, value(elf::DT_STRSZ)?);
        let strings =
            segments.iter().find_map(|segment| segment.data_range(LE, data, at, size).ok().flatten())?;
        let string = |offset: u64| text(strings.get(usize::try_from(offset).ok()?..)?);
        let needed = entries.iter().filter(|entry| entry.tag32(LE) == Some(elf::DT_NEEDED));
        self.needed = needed.filter_map(|entry| string(entry.d_val(LE))).collect();
        self.rpath = value(elf::DT_RPATH).and_then(string);
        self.runpath = value(elf::DT_RUNPATH).and_then(string);
        self.no_default =
            value(elf::DT_FLAGS_1).is_some_and(|flags| flags & u64::from(elf::DF_1_NODEFLIB) != 0);
        Some(())
    }

    fn read_versions(&mut self, header: &FileHeader64<LE>, data: &[u8]) -> object::Result<()> {
        let sections = header.sections(LE, data)?;
        if let Some((mut libraries, strings)) = sections.gnu_verneed(LE, data)? {
            let strings = sections.strings(LE, data, strings)?;
            while let Some((library, mut versions)) = libraries.next()? {
                let file = library.file(LE, strings)?;
                while let Some(version) = versions.next()? {
                    // For a missing version that is needed weakly, the dynamic linker only warns.
                    if version.vna_flags.get(LE) & elf::VER_FLG_WEAK == 0 {
                        let name = version.name(LE, strings)?;
                        self.wanted.push((lossy(file), lossy(name)));
                    }
                }
            }
        }
        if let Some((mut versions, strings)) = sections.gnu_verdef(LE, data)? {
            let strings = sections.strings(LE, data, strings)?;
            while let Some((_, mut names)) = versions.next()? {
                // The first name is the version's own; the others are versions that it inherits from.
                if let Some(name) = names.next()? {
                    self.defined.push(lossy(name.name(LE, strings)?));
                }
            }
        }
        Ok(())
    }
}

/// Whether the dynamic linker could load the file. It skips files for other machines.
pub fn is_loadable(data: &[u8]) -> bool {
    FileHeader64::<LE>::parse(data)
        .is_ok_and(|header| header.is_little_endian() && header.e_machine.get(LE) == elf::EM_X86_64)
}

fn text(bytes: &[u8]) -> Option<String> {
    let end = bytes.iter().position(|byte| *byte == 0)?;
    Some(lossy(&bytes[..end]))
}

fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_test_and_libc() {
        let this = std::env::current_exe().expect("the path of this test");
        let this = Dependencies::read(&std::fs::read(this).expect("this test can be read"));
        assert!(this.needed.iter().any(|name| name == "libc.so.6"), "{this:?}");
        let basic = ("libc.so.6".to_string(), "GLIBC_2.2.5".to_string());
        assert!(this.wanted.contains(&basic), "{this:?}");
        let libc = std::fs::read("/lib/x86_64-linux-gnu/libc.so.6").expect("glibc");
        assert!(Dependencies::read(&libc).defined.contains(&basic.1));
        assert!(is_loadable(&libc) && !is_loadable(b"\x7fELF") && !is_loadable(b""));
    }

    #[test]
    fn any_bytes_have_an_answer() {
        let whole = std::fs::read("/lib64/ld-linux-x86-64.so.2").expect("glibc");
        for length in (0..whole.len()).step_by(997) {
            Dependencies::read(&whole[..length]);
        }
        let mut bytes = whole;
        for index in 0..1024 {
            let kept = bytes[index];
            for value in [0, 0x7f, 0xff] {
                bytes[index] = value;
                Dependencies::read(&bytes);
            }
            bytes[index] = kept;
        }
    }
}
