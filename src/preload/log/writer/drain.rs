//! The writer's work: it fetches what the program's threads have sent, formats it, writes it, and sleeps.

use super::control;
use super::program::Program;
use crate::capture::tap;
use crate::log::merge::{Item, Merge};
use crate::log::output::LogFile;
use crate::log::queue;
use crate::log::refine::refine;
use crate::log::settings::Settings;
use crate::log::{credentials, notice};
use crate::panic::attempt;
use crate::{confined, identity, sys};
use sockshim_core::config::Format;
use sockshim_core::errno::Errno;
use sockshim_core::trace::event::{Event, Summary};
use sockshim_core::trace::line::{LONGEST, Line};
use sockshim_core::trace::pieces::Process;
use sockshim_core::trace::refusal::{Outside, take_back};
use sockshim_core::trace::{json, text};
use sockshim_core::verdict::{Predicted, Reason};

/// The longest time that an event waits: if the writer had nothing to do or much, and if it had little.
const LONGEST_SLEEP: i64 = 8_000_000;
const SLEEP: i64 = 4_000_000;
/// The shortest time where nobody wakes the writer.
const SHORTEST_SLEEP: i64 = 500_000;
/// As many events in one round are much: what one segment of a queue holds.
const MUCH: u64 = 1024;
/// How long to sleep after a round with so many events. Each wake-up costs the program time, and the kernel takes what is
/// written faster the more it is at once. Who fills some segments before wakes the writer. Nobody in a sandbox does, so there
/// it sleeps less the more there is to do.
fn next_sleep(sleep: i64, count: u64) -> i64 {
    match (count, identity::is_sandboxed()) {
        (0 | MUCH.., false) => LONGEST_SLEEP,
        (MUCH.., true) => (sleep / 2).clamp(SHORTEST_SLEEP, SLEEP),
        (..MUCH, _) => (sleep * 2).min(SLEEP),
    }
}

/// The present difference between CLOCK_REALTIME and CLOCK_MONOTONIC, in nanoseconds.
fn epoch() -> u64 {
    sys::realtime().wrapping_sub(sys::monotonic())
}

/// Whether there are events that were not fetched.
fn are_waiting() -> bool {
    queue::all().any(|queue| !queue.is_empty())
}

/// What is written at once: whole pages of it are resident only once they have been needed.
const BUFFER: usize = 256 * 1024;

/// The writer.
pub struct Writer {
    settings: &'static Settings,
    output: LogFile,
    process: Process,
    program: Program,
    /// The formatted lines, in its first `len` bytes.
    buffer: Box<[u8]>,
    len: usize,
    seen: Summary,
    /// Whether the program was started under a seccomp filter; `None` until that was asked.
    filtered: Option<bool>,
}

impl Writer {
    /// A writer that has written nothing yet.
    pub fn new(settings: &'static Settings, output: LogFile, mut program: Program, pid: i32) -> Writer {
        let process = Process::new(pid, program.first_name(&mut [0; 17]));
        Writer {
            settings,
            output,
            process,
            program,
            buffer: vec![0; BUFFER].into_boxed_slice(),
            len: 0,
            seen: Summary::default(),
            filtered: None,
        }
    }

    /// Writes a message of the writer's own.
    pub fn say(&mut self, text: &[u8]) {
        self.note(notice::message(text));
        self.write(0);
    }

    /// Works until the writer is to end, or the program has ended.
    pub fn run(&mut self) {
        let mut sleep = SLEEP;
        let mut merge = Merge::new();
        let mut rounds = 0_u32;
        loop {
            if sys::time::is_left() {
                sys::time::publish();
            }
            let asked = control::asked();
            // Asked before the last look for events: what is not there after the program's end will never be.
            let gone = self.program.is_gone();
            if credentials::are_pending() {
                // Calls from before the change were checked with the old credentials, so they are refined with these.
                self.drain(&mut merge, true, false);
                credentials::adopt();
                self.program.watch();
            }
            let flushes = asked.flushes() || gone;
            let count = self.drain(&mut merge, flushes, gone);
            if flushes && (control::take_ending() || gone) {
                self.summarize();
            }
            // Before the program goes on, which waits for it.
            self.program.follow();
            asked.finish();
            if asked.stop || gone {
                tap::close(gone);
                return;
            }
            rounds = rounds.wrapping_add(1);
            if rounds.is_multiple_of(128) && !identity::is_sandboxed() {
                queue::tidy(self.process.pid, sys::monotonic());
            }
            sleep = next_sleep(sleep, count);
            asked.sleep(sleep);
        }
    }

    /// Writes everything that waits; how many events that were.
    /// With `all`, nothing is kept for the next time. When the program has `ended`, what is not whole never will be.
    fn drain(&mut self, merge: &mut Merge, all: bool, ended: bool) -> u64 {
        let waiting = are_waiting();
        let lost = queue::take_dropped();
        if !waiting && lost == 0 {
            return 0;
        }
        control::set_writing(true);
        self.process.epoch = epoch();
        let (mut count, mut written) = (0, 0);
        merge.read(all, ended);
        while let Some(item) = merge.next() {
            if self.len + 2 * LONGEST > BUFFER {
                written += count;
                self.write(std::mem::take(&mut count));
            }
            match item {
                Item::Data(event) => self.put(event),
                Item::Event(event) => self.put_settled(event),
            }
            count += 1;
        }
        self.write(count);
        if lost > 0 {
            self.seen.dropped += lost;
            self.note(notice::dropped(lost));
            self.write(lost);
        }
        control::set_writing(false);
        self.read_name();
        written + count
    }

    /// Appends the event, without what is uncertain.
    fn put_settled(&mut self, event: &mut Event) {
        if let Some(name) = notice::new_name(event) {
            return self.process.rename(name);
        }
        if event.errno == Some(libc::ENOTSOCK) {
            event.is_no_sockets();
        }
        let filtered = self.is_filtered();
        if filtered && event.reason == Reason::Mispredicted {
            // The filter may have answered.
            return;
        }
        // The program's thread has compared the answer with its own predictions only.
        let diverges = event.undecided && event.is_divergence();
        if !filtered && (diverges || refine(event)) {
            self.put(&notice::divergence(event));
        }
        if event.predicted == Predicted::Errno(Errno::EFAULT) && event.errno != Some(libc::EFAULT) {
            // The kernel has seen what the library could not look at.
            event.predicted = Predicted::Unknown;
        }
        take_back(event, Outside { filter: filtered, landlock: confined::by_landlock() });
        self.put(event);
    }

    /// Whether a seccomp filter may answer the program's calls.
    fn is_filtered(&mut self) -> bool {
        identity::is_sandboxed() || *self.filtered.get_or_insert_with(confined::by_filter)
    }

    /// Counts the event and appends its line.
    fn put(&mut self, event: &Event) {
        self.count(event);
        self.format(event);
    }

    fn count(&mut self, event: &Event) {
        match event.reason {
            Reason::Mispredicted => self.seen.divergences += 1,
            // These are not about a call on a socket.
            Reason::Shim | Reason::UnseenClose => {}
            reason if reason.is_about_process() => {}
            _ => {
                self.seen.events += 1;
                self.seen.predicted += u64::from(event.predicted != Predicted::Unknown);
            }
        }
    }

    /// The process ends. A process without events, as many children of fork are, writes no summary.
    fn summarize(&mut self) {
        if self.seen != Summary::default() {
            self.note(notice::summary(self.seen));
            self.write(0);
        }
    }

    /// Appends a record that no call made; it is not counted.
    fn note(&mut self, mut event: Event) {
        event.tid = self.process.pid;
        self.process.epoch = epoch();
        self.format(&event);
    }

    /// Writes the buffer. What cannot be written counts as lost.
    fn write(&mut self, count: u64) {
        let lines = &self.buffer[..self.len];
        if !lines.is_empty() && !self.output.write(lines, self.settings) {
            queue::add_dropped(count);
        }
        self.len = 0;
    }

    fn format(&mut self, event: &Event) {
        let mut line = Line::new(&mut self.buffer[self.len..]);
        let formatted = attempt(|| match self.settings.format {
            Format::Json => json::write(event, &mut self.process, &mut line),
            Format::Text => text::write(event, &mut self.process, &mut line),
        });
        if formatted.is_ok() {
            self.len += line.len();
        }
    }

    /// The name for the events to come. A change that a hook has seen says so itself, among the events; so where there are
    /// some already the next round asks again, for they may have been made under the name before.
    fn read_name(&mut self) {
        if let Some(name) = self.program.name(&mut [0; 17])
            && !are_waiting()
        {
            self.process.rename(name);
        }
    }
}
