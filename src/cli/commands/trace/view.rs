//! What becomes of each event: it is selected, shown or counted, and kept in mind.

use super::counts::Counts;
use super::ends::{Ends, How};
use super::event::{Event, Kind};
use super::line::{self, LineStyle};
use super::output::Output;
use super::path;
use super::select::Selection;
use super::sockets::Sockets;
use super::style::one_line;
use super::summary::Summary;
use super::waits::{self, Waits};
use sockshim_core::tap::UNREACHABLE;
use std::borrow::Cow;
use std::fmt::Write as _;
use std::io;

/// What time stands before a line.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Clock {
    /// None.
    None,
    /// The time of day, in seconds.
    Day,
    /// With microseconds.
    DayMicros,
    /// The time since the line before.
    Since,
}

/// What is shown of an event.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Form {
    /// A line, with the path below a call that failed.
    Failed,
    /// A line, with the path below every call.
    Paths,
    /// A line.
    Lines,
    /// The event itself, in JSON.
    Json,
    /// Nothing: calls are counted.
    Nothing,
}

/// How events are shown.
pub struct View {
    /// Where they go.
    pub out: Output,
    /// Which are shown.
    pub selection: Selection,
    /// As what.
    pub form: Form,
    /// What time is before them.
    pub clock: Clock,
    /// How a line looks.
    pub line: LineStyle,
    /// With `-c`.
    pub counts: Option<Counts>,
    /// The last block.
    pub summary: Summary,
    /// What is known of descriptors.
    pub sockets: Sockets,
    /// How processes have ended.
    pub ends: Ends,
    /// Which calls wait.
    pub waits: Waits,
    /// How many programs could not reach the memory of a capture.
    pub unreached: u64,
    /// The time of the line before, in microseconds.
    pub last: Option<u64>,
    /// A line that is being made, and as it is written.
    pub text: [String; 2],
}

impl View {
    /// Takes a line of the log.
    pub fn line(&mut self, bytes: &[u8]) {
        let Ok(event) = serde_json::from_slice::<Event>(bytes) else { return self.summary.lose(1) };
        self.waits.has_gone_on(event.tid);
        let message = event.arg("message").and_then(serde_json::Value::as_str);
        self.unreached += u64::from(message == Some(UNREACHABLE));
        self.sockets.apply(&event);
        let sock = event.fd.and_then(|fd| self.sockets.get(event.pid, fd));
        if event.kind() != Kind::Summary && self.selection.shows(&event, sock.as_ref()) {
            self.summary.add(&event);
            if let Some(counts) = &mut self.counts {
                counts.add(&event);
            }
            self.show(&event, bytes);
        }
        if let Some(how) = self.ends.of(&event) {
            self.show_end(event.micros(), &event.comm, event.pid, how);
        }
        self.sockets.after(&event);
    }

    /// The program itself has ended.
    pub fn program_ended(&mut self, micros: u64, how: How) {
        let (pid, comm) = self.ends.program_ended();
        self.show_end(micros, &comm, pid, how);
    }

    fn show(&mut self, event: &Event, bytes: &[u8]) {
        match self.form {
            Form::Nothing => return,
            Form::Json => return self.out.event(bytes),
            _ => {}
        }
        let has_path = self.form == Form::Paths
            || (self.form == Form::Failed && event.is_failed() && !event.is_pending());
        self.write(event.micros(), &event.comm, event.tid, |view, text| {
            line::write(event, &view.sockets, &view.line, text);
            if let Some(path) = event.path.filter(|_| has_path) {
                path::write(path.get(), view.line.style, view.line.width, text);
            }
        });
    }

    /// Whether calls have lines.
    pub fn has_lines(&self) -> bool {
        !matches!(self.form, Form::Nothing | Form::Json)
    }

    /// Shows the calls in which threads of a process wait, if it was not done before.
    pub fn show_waits(&mut self, pid: i32) {
        for bytes in self.waits.news(pid) {
            let Ok(mut event) = serde_json::from_slice::<Event>(&bytes) else { continue };
            let sock = event.fd.and_then(|fd| self.sockets.get(pid, fd));
            if sock.is_none() && waits::is_of_any_file(&event) {
                continue;
            }
            if let Some(sock) = &sock {
                [event.ops, event.prot] = sock.tables.clone().map(|name| name.map(Cow::Owned));
            }
            if self.selection.shows_unfinished(&event, sock.as_ref()) {
                self.write(event.micros(), &event.comm, event.tid, |view, text| {
                    line::unfinished(&event, &view.sockets, &view.line, text);
                });
            }
        }
    }

    /// Shows how a process has ended.
    fn show_end(&mut self, micros: u64, comm: &str, pid: i32, how: How) {
        let is_shown = matches!(self.form, Form::Failed | Form::Paths);
        if is_shown && self.selection.shows_end(how.status()) {
            self.write(micros, comm, pid, |view, text| how.write(view.line.style, text));
        }
    }

    /// A line, with what is before each.
    fn write(&mut self, micros: u64, comm: &str, tid: i32, what: impl FnOnce(&View, &mut String)) {
        let [mut text, mut finished] = std::mem::take(&mut self.text);
        text.clear();
        finished.clear();
        self.head(micros, comm, tid, &mut text);
        what(self, &mut text);
        text.push('\n');
        self.line.style.finish(&text, &mut finished);
        self.out.event(finished.as_bytes());
        self.text = [text, finished];
    }

    /// The time, and who has made the call.
    fn head(&mut self, micros: u64, comm: &str, tid: i32, text: &mut String) {
        let second = micros / 1_000_000;
        let _ = match self.clock {
            Clock::None => Ok(()),
            Clock::Since => {
                let since = micros.saturating_sub(self.last.unwrap_or(micros));
                write!(text, "{:>6}.{:06} ", since / 1_000_000, since % 1_000_000)
            }
            Clock::Day | Clock::DayMicros => {
                let (hours, minutes, seconds) = super::clock::of_day(second);
                let _ = write!(text, "{hours:02}:{minutes:02}:{seconds:02}");
                if self.clock == Clock::DayMicros {
                    write!(text, ".{:06} ", micros % 1_000_000)
                } else {
                    write!(text, " ")
                }
            }
        };
        self.last = Some(micros);
        let (dim, plain) = (self.line.style.dim(), self.line.style.plain());
        let _ = write!(text, "{dim}{}[{}]{plain} ", one_line(comm), tid);
    }

    /// Counts events that are missing.
    pub fn lose(&mut self, events: u64) {
        self.summary.lose(events);
    }

    /// Hands on what was shown.
    pub fn flush(&mut self) {
        self.out.flush();
    }

    /// What is left to say at the end, with what is known of uncovered programs.
    ///
    /// # Errors
    /// What the output has reported.
    pub fn end(mut self, quiet: bool, uncovered: &[(String, String)]) -> io::Result<()> {
        self.out.flush();
        self.summary.lose(self.out.lost());
        let mut last = Vec::new();
        if let Some(counts) = &self.counts {
            counts.write(&mut last)?;
            self.summary.write_missing(uncovered, &mut last)?;
        }
        if !quiet && matches!(self.form, Form::Failed | Form::Paths | Form::Lines) {
            self.summary.write(&self.sockets, uncovered, &self.line, &mut last)?;
        }
        let mut finished = String::new();
        self.line.style.finish(&String::from_utf8_lossy(&last), &mut finished);
        self.out.end(finished.as_bytes())
    }
}
