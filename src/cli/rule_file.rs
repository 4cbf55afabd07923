//! Reading a file of rules.

use sockshim_core::rules::file::{self, Contents, LONGEST};
use sockshim_core::rules::{Error, Warning};
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

/// What a file says, and what is probably not meant as it stands.
///
/// # Errors
/// The file cannot be read, or the first thing in it that cannot be understood.
pub fn read(path: &Path) -> Result<(Contents, Vec<Warning>), Error> {
    let name = path.display().to_string();
    let bytes = bytes(path).map_err(|error| Error::of_file(&name, &reason(&error)))?;
    file::parse_with_warnings(&bytes, &name)
}

/// The file's bytes, up to one more than a file may have. A pipe is as good as a file.
fn bytes(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(LONGEST as u64 + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// The error without its number.
fn reason(error: &io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or(&text).to_string()
}
