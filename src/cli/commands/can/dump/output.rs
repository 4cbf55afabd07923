//! Where frames go, and in which form.

use super::json;
use super::text::{Columns, Stamp};
use crate::commands::can::capture::Writer;
use crate::commands::can::log::{Line, Seen};
use crate::commands::run::Refusal;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

/// How frames are shown.
pub enum Form<'a> {
    /// As lines for people, with this time, and with more columns.
    Text(Stamp, bool),
    /// As candump's log.
    Log,
    /// As JSON.
    Json,
    /// As a capture in a file.
    Pcap(&'a Path),
}

type Out = BufWriter<Box<dyn Write>>;

/// Where they go.
pub struct Output {
    inner: Inner,
    columns: Columns,
    is_stdout: bool,
}

enum Inner {
    Text(Out),
    Log(Out),
    Json(Out),
    Pcap(Writer<Out>),
}

impl Output {
    /// To stdout, or to the file of a capture.
    ///
    /// # Errors
    /// The file cannot be made.
    pub fn new(form: Form) -> Result<Output, Refusal> {
        let file = match form {
            Form::Pcap(path) if path != Path::new("-") => Some(path),
            _ => None,
        };
        let refused = |error: io::Error| {
            let name = file.map_or("stdout".into(), |path| path.display().to_string());
            Refusal::own(format!("{name}: {error}"))
        };
        let out: Box<dyn Write> = match file {
            Some(path) => Box::new(File::create(path).map_err(refused)?),
            // Not by lines, as stdout would be.
            None => {
                Box::new(File::from(rustix::io::dup(io::stdout()).map_err(|errno| refused(errno.into()))?))
            }
        };
        let out = BufWriter::with_capacity(64 * 1024, out);
        let columns = match form {
            Form::Text(stamp, extra) => Columns::new(stamp, extra),
            _ => Columns::new(Stamp::None, false),
        };
        let inner = match form {
            Form::Text(..) => Inner::Text(out),
            Form::Log => Inner::Log(out),
            Form::Json => Inner::Json(out),
            Form::Pcap(_) => Inner::Pcap(Writer::new(out).map_err(refused)?),
        };
        Ok(Output { inner, columns, is_stdout: file.is_none() })
    }

    /// An interface that frames may come from.
    pub fn name(&mut self, name: &str) {
        self.columns.name(name);
    }

    /// Whether it goes to stdout.
    pub fn is_stdout(&self) -> bool {
        self.is_stdout
    }

    /// Writes a frame.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn write(&mut self, seen: &Seen, is_own: bool) -> io::Result<()> {
        match &mut self.inner {
            Inner::Text(out) => writeln!(out, "{}", self.columns.line(seen, is_own)),
            Inner::Log(out) => writeln!(out, "{}", Line(seen, self.columns.name(&seen.interface))),
            Inner::Json(out) => writeln!(out, "{}", json::line(seen)),
            Inner::Pcap(writer) => writer.frame(seen),
        }
    }

    /// Hands on what there is.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn flush(&mut self) -> io::Result<()> {
        match &mut self.inner {
            Inner::Text(out) | Inner::Log(out) | Inner::Json(out) => out.flush(),
            Inner::Pcap(writer) => writer.flush(),
        }
    }
}
