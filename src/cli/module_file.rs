//! The files of modules: what an entry of `SOCKSHIM_MODULES` says, and whether the file can be what it is to be.

use object::elf::FileHeader64;
use object::read::elf::{FileHeader, SectionHeader, Sym};
use object::{LittleEndian as LE, elf};
use sockshim_core::rules::file::Module;
use sockshim_module::{ABI, ABI_SYMBOL, INIT_SYMBOL};
use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

/// One entry: `FILE`, or `net-pf-N=FILE`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Entry {
    /// The family, if there is an alias.
    pub family: Option<u8>,
    /// The file.
    pub file: PathBuf,
}

/// One more than the highest family.
const FAMILIES_END: u8 = 64;

impl Entry {
    /// Reads an entry.
    ///
    /// # Errors
    /// What is wrong with the alias.
    pub fn parse(text: &OsStr) -> Result<Entry, String> {
        let bytes = text.as_bytes();
        let alias = bytes.strip_prefix(b"net-pf-").and_then(|rest| {
            let equals = rest.iter().position(|byte| *byte == b'=')?;
            Some((&rest[..equals], &rest[equals + 1..]))
        });
        let Some((number, file)) = alias else { return Ok(Entry { family: None, file: text.into() }) };
        let number = std::str::from_utf8(number).ok().and_then(|digits| digits.parse().ok());
        match number.filter(|number| *number < FAMILIES_END) {
            Some(number) => Ok(Entry { family: Some(number), file: OsStr::from_bytes(file).into() }),
            None => Err("a family is a number below 64, as in net-pf-62=FILE".into()),
        }
    }

    /// The same as a text, with an absolute path.
    ///
    /// # Errors
    /// Why the file cannot be a module.
    pub fn checked(&self) -> Result<OsString, String> {
        let path = fs::canonicalize(&self.file).map_err(|error| reason(&error))?;
        if path.as_os_str().as_bytes().contains(&b':') {
            return Err("a path with a colon cannot be handed on".into());
        }
        let data = fs::read(&path).map_err(|error| reason(&error))?;
        judge(&data)?;
        let alias = self.family.map(|family| format!("net-pf-{family}=")).unwrap_or_default();
        Ok(OsString::from_vec([alias.as_bytes(), path.as_os_str().as_bytes()].concat()))
    }
}

/// The entries of the modules that the rule file at this path names.
///
/// # Errors
/// What is wrong with a path.
pub fn of_rule_file(path: &Path, modules: &[Module]) -> Vec<Result<Entry, String>> {
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.into());
    let directory = absolute.parent().unwrap_or(Path::new("/")).display().to_string();
    modules.iter().map(|module| Entry::parse(OsStr::new(&module.entry(&directory)))).collect()
}

/// The error without its number.
fn reason(error: &std::io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or(&text).to_string()
}

/// The version of the ABI that the file at this path was made for.
///
/// # Errors
/// Why the file cannot be a module.
pub fn abi(path: &Path) -> Result<u32, String> {
    judge(&fs::read(path).map_err(|error| reason(&error))?)
}

/// The version of the ABI that a module was made for.
///
/// # Errors
/// Why these bytes cannot be a module's.
fn judge(data: &[u8]) -> Result<u32, String> {
    let loadable = FileHeader64::<LE>::parse(data)
        .ok()
        .filter(|header| header.is_little_endian() && header.e_machine.get(LE) == elf::EM_X86_64);
    let Some(header) = loadable else { return Err("it is no shared library for this machine".into()) };
    let find = |name: &[u8]| symbol(header, data, name);
    let none = || "it is no module of sockshim's: it does not define sockshim_module_init".to_string();
    find(INIT_SYMBOL.to_bytes()).ok_or_else(none)?;
    let version = find(ABI_SYMBOL.to_bytes()).and_then(|bytes| bytes.get(..4)?.try_into().ok());
    match version.map(u32::from_le_bytes) {
        None | Some(0) => Err("it is no module of sockshim's: it has no sockshim_module_abi".into()),
        Some(abi) if abi > ABI => {
            Err(format!("it is made for version {abi} of sockshim/module.h, and this sockshim has {ABI}"))
        }
        Some(abi) => Ok(abi),
    }
}

/// The bytes from a dynamic symbol on.
fn symbol<'a>(header: &FileHeader64<LE>, data: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    let sections = header.sections(LE, data).ok()?;
    let symbols = sections.symbols(LE, data, elf::SHT_DYNSYM).ok()?;
    let found = symbols.iter().find(|symbol| {
        symbol.st_shndx(LE) != elf::SHN_UNDEF && symbol.name(LE, symbols.strings()) == Ok(name)
    })?;
    let section = sections.section(object::SectionIndex(found.st_shndx(LE).into())).ok()?;
    let offset = found.st_value(LE).checked_sub(section.sh_addr(LE))?;
    section.data(LE, data).ok()?.get(usize::try_from(offset).ok()?..)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIBC: &str = "/lib/x86_64-linux-gnu/libc.so.6";

    #[test]
    fn entries_have_an_alias_or_none() {
        let entry = |text: &str| Entry::parse(OsStr::new(text));
        assert_eq!(entry("net-pf-62=a=b"), Ok(Entry { family: Some(62), file: "a=b".into() }));
        for whole in ["a.so", "a=b", "net-pf-62"] {
            assert_eq!(entry(whole), Ok(Entry { family: None, file: whole.into() }));
        }
        for wrong in ["net-pf-64=a", "net-pf-x=a", "net-pf-=a", "net-pf--1=a"] {
            assert!(entry(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn what_is_no_module_is_said() {
        for (file, why) in [
            ("/no/such/file", "No such file"),
            ("/etc/passwd", "no shared library"),
            ("/", "Is a directory"),
            (LIBC, "no module of sockshim's"),
        ] {
            let refused = Entry { family: None, file: file.into() }.checked().expect_err(file);
            assert!(refused.contains(why), "{refused}");
        }
    }

    #[test]
    fn any_bytes_have_an_answer() {
        let whole = fs::read(LIBC).expect("glibc");
        for length in (0..whole.len()).step_by(9973) {
            assert!(judge(&whole[..length]).is_err());
        }
    }
}
