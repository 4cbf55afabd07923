//! How processes have ended. Of the program itself its parent knows, which is this command; of others it is known that they have
//! ended, and their exit code if they have asked for one with `_exit`.

use super::event::{Event, Kind};
use super::select::Status;
use super::style::Style;
use crate::commands::run::Ended;
use std::collections::HashSet;
use std::ffi::OsString;
use std::fmt::Write;
use std::path::Path;

/// How many characters of a name the kernel keeps.
const COMM: usize = 15;

/// How a process has ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum How {
    /// Its parent was told so.
    Known(Ended),
    /// It has called `_exit` with this code.
    Exits(u8),
    /// Nobody knows.
    Unknown,
}

impl How {
    /// Whether it has failed.
    pub fn status(self) -> Status {
        match self {
            How::Known(Ended::Exit(0)) | How::Exits(0) => Status::Successful,
            How::Known(_) | How::Exits(_) => Status::Failed,
            How::Unknown => Status::Unknown,
        }
    }

    /// `+++ killed by SIGSEGV +++`.
    pub fn write(self, style: Style, out: &mut String) {
        let colour = if self.status() == Status::Failed { style.bad() } else { style.dim() };
        let _ = write!(out, "{colour}+++ ");
        let _ = match self {
            How::Known(Ended::Exit(code)) | How::Exits(code) => write!(out, "exited with {code}"),
            How::Known(Ended::Signal(signal)) => match nix::sys::signal::Signal::try_from(signal) {
                Ok(signal) => write!(out, "killed by {signal}"),
                Err(_) => write!(out, "killed by signal {signal}"),
            },
            How::Unknown => write!(out, "ended"),
        };
        let _ = write!(out, " +++{}", style.plain());
    }
}

/// The ends of processes that events tell of.
pub struct Ends {
    /// The program, and its name at its last event.
    program: (i32, String),
    /// The program that has ended, whose last record may still come.
    ended: i32,
    /// Processes that have called `_exit`, whose end was told.
    told: HashSet<i32>,
}

impl Ends {
    /// The program is started from the first of these words. What the kernel calls it is not known before its first event.
    pub fn of_program(words: &[OsString]) -> Ends {
        let name = words.first().and_then(|path| Path::new(path).file_name()).unwrap_or_default();
        let name = name.to_string_lossy().chars().take(COMM).collect();
        Ends { program: (0, name), ended: 0, told: HashSet::new() }
    }

    /// The program has this number.
    pub fn program_is(&mut self, pid: i32) {
        self.program.0 = pid;
    }

    /// The program has ended: its number, which may be given to another process, and its name.
    pub fn program_ended(&mut self) -> (i32, String) {
        self.ended = self.program.0;
        std::mem::take(&mut self.program)
    }

    /// How the process has ended, if the event tells of that. The program's own end is told by its parent.
    pub fn of(&mut self, event: &Event) -> Option<How> {
        if event.pid == self.program.0 {
            if event.comm != self.program.1.as_str() {
                self.program.1 = event.comm.to_string();
            }
            return None;
        }
        // The last record of a process that has made calls on sockets. Others have none.
        let is_summary = event.kind() == Kind::Summary;
        if is_summary && event.pid == self.ended {
            self.ended = 0;
            return None;
        }
        if let Some(code) = event.exit_code() {
            return self.told.insert(event.pid).then_some(How::Exits(code));
        }
        // A number is given to another process later.
        let was_told = self.told.remove(&event.pid);
        (is_summary && !was_told).then_some(How::Unknown)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_as_strace_writes_them() {
        for (how, text, status) in [
            (How::Known(Ended::Exit(0)), "+++ exited with 0 +++", Status::Successful),
            (How::Exits(3), "+++ exited with 3 +++", Status::Failed),
            (How::Known(Ended::Signal(libc::SIGSEGV)), "+++ killed by SIGSEGV +++", Status::Failed),
            (How::Known(Ended::Signal(40)), "+++ killed by signal 40 +++", Status::Failed),
            (How::Unknown, "+++ ended +++", Status::Unknown),
        ] {
            let (mut marked, mut written) = (String::new(), String::new());
            how.write(Style::NONE, &mut marked);
            Style::NONE.finish(&marked, &mut written);
            assert_eq!((written.as_str(), how.status()), (text, status));
        }
    }

    #[test]
    fn every_end_is_told_once() {
        let mut ends = Ends::of_program(&["/bin/a-program-of-a-long-name".into()]);
        assert_eq!(ends.program.1, "a-program-of-a-");
        ends.program_is(1);
        let line = |pid: i32, call: &str| {
            format!(
                r#"{{"v":1,"ts":1,"pid":{pid},"tid":{pid},"comm":"c{pid}","call":"{call}","fd":null,"args":{{"status":3}},"path":[],
                "ops":null,"prot":null,"reason":"process","ret":0,"errno":null,"predicted":null,"ns":0}}"#
            )
        };
        let mut of =
            |pid: i32, call: &str| ends.of(&serde_json::from_str(&line(pid, call)).expect("an event"));
        assert_eq!([of(1, "_exit"), of(1, "summary")], [None, None]);
        assert_eq!([of(2, "_exit"), of(2, "summary")], [Some(How::Exits(3)), None]);
        assert_eq!([of(3, "socket"), of(3, "summary")], [None, Some(How::Unknown)]);
        // The same number, given anew after a process that has left no summary.
        assert_eq!(
            [of(4, "_exit"), of(4, "socket"), of(4, "summary")],
            [Some(How::Exits(3)), None, Some(How::Unknown)]
        );
        assert_eq!(ends.program_ended(), (1, "c1".into()));
        // From now on the number is any other's.
        assert_eq!(ends.of(&serde_json::from_str(&line(1, "_exit")).expect("an event")), Some(How::Exits(3)));
    }
}
