//! Whether a program's dynamic linker loads the library, and whether the program's libraries work beside it.

use super::dependencies::Dependencies;
use super::judge::{Coverage, Explained};
use super::load::Load;
use super::words;
use sockshim_elf::file::{FileFormat, examine};
use sockshim_elf::linking::{Elf, Linking};
use sockshim_elf::obstacle::Obstacle;
use sockshim_elf::sanitizer::Sanitizer;
use std::path::{Path, PathBuf};
use std::{env, fs};

/// The library's file name.
const LIBRARY: &str = "libsockshim.so";

/// Judges the dynamic linker that the program names, by its content: its file name can be anything.
///
/// # Errors
/// Why the program does not start, or does not start with the library.
pub fn linker(linker: &Path, elf: &Elf) -> Result<(), Explained> {
    let other = || Err((Coverage::Not(Obstacle::OtherLibc), words::of_file(Obstacle::OtherLibc, elf)));
    let refused = |why: &str| {
        let why = format!("the kernel refuses its dynamic linker {}: {why}", linker.display());
        Err((Coverage::NotExecutable, why))
    };
    if !linker.exists() {
        return match elf.obstacle() {
            Some(Obstacle::OtherLibc) => other(),
            _ => Err((
                Coverage::NotExecutable,
                format!("its dynamic linker {} is not there", linker.display()),
            )),
        };
    }
    let Ok(data) = fs::read(linker) else { return refused("it cannot be read") };
    match examine(&data[..]) {
        FileFormat::Elf(Elf { linking: Linking::Linker, .. }) => Ok(()),
        FileFormat::Elf(Elf { linking: Linking::Foreign, .. }) => refused("it is for another architecture"),
        FileFormat::Elf(_) => other(),
        _ => refused("it is no ELF program"),
    }
}

/// Judges the libraries that the program needs.
///
/// # Errors
/// Why the program does not start, does not start with the library, or is not seen.
pub fn libraries(path: &Path, data: &[u8], linker: &Path, needed: &[String]) -> Result<(), Explained> {
    if let Some(name) = needed.iter().find(|name| name.starts_with("libc.musl")) {
        let why = format!("it needs musl ({name}); {}", words::OTHER_LIBC);
        return Err((Coverage::Not(Obstacle::OtherLibc), why));
    }
    let load = Load::of(path, data, linker);
    match load.sanitizer() {
        Some((Sanitizer::Address, runtime, by)) => {
            let by = (by != path).then_some(by);
            return Err((Coverage::Not(Obstacle::AddressSanitizer), words::address_sanitizer(runtime, by)));
        }
        Some((Sanitizer::Thread, _, by)) if by == path => {
            return Err((Coverage::Not(Obstacle::ThreadSanitizer), words::THREAD_SANITIZER.into()));
        }
        Some((Sanitizer::Thread, _, by)) => {
            return Err((Coverage::Not(Obstacle::ThreadSanitizer), words::library_with_tsan(by)));
        }
        None => {}
    }
    if let Some((name, by)) = &load.missing {
        let why = format!("the dynamic linker does not find {name}, which {} needs", by.display());
        return Err((Coverage::NotExecutable, why));
    }
    if let Some(lack) = load.missing_version() {
        let (library, by) = (lack.library.display(), lack.by.display());
        let why =
            format!("the dynamic linker refuses it: {library} has no {}, which {by} needs", lack.version);
        return Err((Coverage::NotExecutable, why));
    }
    let ours = our_library().map(|data| Dependencies::read(&data)).unwrap_or_default();
    match load.lacks_for(&ours) {
        Some(lack) => {
            let why = words::old_glibc(lack.library, lack.version);
            Err((Coverage::Not(Obstacle::OtherLibc), why))
        }
        None => Ok(()),
    }
}

/// The library beside this command, or where packages install it. It is only a guess at the library that will be
/// loaded: its needs are checked when it is there, and nothing is reported when it is not.
fn our_library() -> Option<Vec<u8>> {
    let command = env::current_exe().ok()?;
    let directory = command.parent()?;
    let candidates: [PathBuf; 2] = [directory.join(LIBRARY), directory.join("../lib").join(LIBRARY)];
    candidates.iter().find_map(|path| fs::read(path).ok())
}
