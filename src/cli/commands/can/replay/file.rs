//! A recording: what kind it is, and the frames in it.

use crate::commands::can::capture::{Reader, is_new};
use crate::commands::can::log::{self, Seen};
use crate::commands::run::Refusal;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Chain, Cursor, Read};
use std::path::Path;

/// The file again, with what was looked at in front.
type Whole = Chain<Cursor<Vec<u8>>, Box<dyn Read>>;

/// A recording that is being read.
pub struct Recording {
    name: String,
    inner: Inner,
}

enum Inner {
    Capture(Reader<Whole>),
    Log { lines: BufReader<Whole>, number: usize },
}

/// Longer than any line of a frame, with 2048 bytes of data.
const LONGEST: u64 = 16 * 1024;

/// Whether it is stdin that is meant.
pub fn is_stdin(path: &Path) -> bool {
    path == Path::new("-")
}

impl Recording {
    /// Opens it, and looks what it is: a capture begins with one of four numbers, and everything else is taken for a log.
    ///
    /// # Errors
    /// It cannot be read, or it is no capture although it must be one.
    pub fn open(path: &Path, must_be_capture: bool) -> Result<Recording, Refusal> {
        let name = if is_stdin(path) { "stdin".to_owned() } else { path.display().to_string() };
        let refused = |why: String| Refusal::own(format!("{name}: {why}"));
        let mut file: Box<dyn Read> = if is_stdin(path) {
            Box::new(io::stdin())
        } else {
            Box::new(File::open(path).map_err(|error| refused(error.to_string()))?)
        };
        let mut start = Vec::new();
        file.by_ref().take(4).read_to_end(&mut start).map_err(|error| refused(error.to_string()))?;
        let kind = is_new(&start);
        let whole = Cursor::new(start).chain(file);
        let inner = match kind {
            Some(is_new) => Inner::Capture(Reader::new(whole, is_new).map_err(refused)?),
            None if must_be_capture => return Err(refused("it is no capture (pcap or pcapng)".to_owned())),
            None => Inner::Log { lines: BufReader::new(whole), number: 0 },
        };
        Ok(Recording { name, inner })
    }

    /// The next frame.
    ///
    /// # Errors
    /// What comes next is none.
    pub fn next(&mut self) -> Result<Option<Seen>, Refusal> {
        let name = &self.name;
        match &mut self.inner {
            Inner::Capture(reader) => {
                let seen = reader.next().transpose();
                seen.map_err(|why| Refusal::own(format!("{name}: {why}")))
            }
            Inner::Log { lines, number } => loop {
                let mut line = Vec::new();
                let read = lines.by_ref().take(LONGEST).read_until(b'\n', &mut line);
                read.map_err(|error| Refusal::own(format!("{name}: {error}")))?;
                if line.is_empty() {
                    return Ok(None);
                }
                *number += 1;
                let wrong = |why: String| Refusal::own(format!("{name}:{number}: {why}"));
                if line.len() as u64 == LONGEST {
                    return Err(wrong("it is no log of CAN frames: a line is too long".to_owned()));
                }
                match log::parse(String::from_utf8_lossy(&line).trim_end()) {
                    None => {}
                    Some(Ok(seen)) => return Ok(Some(seen)),
                    Some(Err(error)) => return Err(wrong(error.to_string())),
                }
            },
        }
    }
}
