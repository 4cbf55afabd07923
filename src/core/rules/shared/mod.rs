//! Counters that all processes of one `sockshim run` share, in memory that each of them attaches.
//!
//! The command makes the memory and reads it at the end; the library counts in it. A process may be killed between any
//! two steps, a signal handler may count in the middle of a count, and any process of the tree can write anything to
//! it. So there is no lock: a number is one atomic addition. What takes more than one word, such as a rule's
//! first call, is written to a record that nobody else writes, and shown when it is complete. A record that is never
//! completed is lost; there are some to spare.

#[cfg(test)]
pub(crate) mod tests;

use crate::cells::{self, Cells, add, begin_list, put};
use crate::net::address::SockAddr;
use arrayvec::ArrayVec;
use core::fmt;
use core::sync::atomic::{AtomicU64, Ordering};

/// "sockshim", as the first word.
const MAGIC: u64 = u64::from_le_bytes(*b"sockshim");
/// The version of the layout. Processes of one tree may have different builds of the library.
const VERSION: u64 = 1;

/// The header's words.
mod header {
    pub const MAGIC: usize = 0;
    pub const VERSION: usize = 1;
    pub const RULES: usize = 2;
    pub const PROCESSES: usize = 3;
    pub const IO_URINGS: usize = 4;
    pub const UNCOVERED: usize = 5;
    pub const MORE_UNCOVERED: usize = 6;
    pub const WORDS: usize = 8;
}

/// The words of one rule.
mod of_rule {
    pub const COUNT: usize = 0;
    pub const HITS: usize = 1;
    /// How many have begun to write the first call; see [`super::SHOWN`].
    pub const FIRST: usize = 2;
    pub const RECORDS: usize = 3;
    pub const WORDS: usize = RECORDS + super::ATTEMPTS * super::record::WORDS;
}

/// The words of a first call.
mod record {
    /// 1 when the record is complete.
    pub const COMPLETE: usize = 0;
    pub const TIME: usize = 1;
    pub const PID: usize = 2;
    pub const PROGRAM: usize = 3;
    pub const CALL: usize = 5;
    /// What the call was about: its kind, and its length above it.
    pub const ABOUT: usize = 8;
    pub const BYTES: usize = 9;
    pub const WORDS: usize = BYTES + super::HOST.div_ceil(8);
}

/// The words of a program that is not covered.
mod program {
    /// 1 when the record is complete.
    pub const COMPLETE: usize = 0;
    pub const STARTS: usize = 1;
    /// The lengths of the path and the reason.
    pub const LENGTHS: usize = 2;
    pub const PATH: usize = 3;
    pub const REASON: usize = PATH + super::PATH.div_ceil(8);
    pub const WORDS: usize = REASON + super::REASON.div_ceil(8);
}

/// How many may try to write a rule's first call, if those before were killed in the middle of it.
const ATTEMPTS: usize = 4;
/// In [`of_rule::FIRST`]: a record is complete, so nobody need write another.
const SHOWN: u64 = 1 << 32;

/// The longest name of a call.
pub const CALL: usize = 24;
/// The longest host name, and more than the longest address.
pub const HOST: usize = 255;
/// How much of an uncovered program's path is kept.
pub const PATH: usize = 512;
/// How much of the reason why a program is not covered is kept.
pub const REASON: usize = 64;
/// How many different uncovered programs are kept.
pub const PROGRAMS: usize = 64;

/// The shared counters.
#[derive(Clone, Copy)]
pub struct Shared<'a> {
    words: &'a [AtomicU64],
    rules: usize,
}

/// The first call that a rule changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct First {
    /// Nanoseconds since 1970, by CLOCK_REALTIME.
    pub time: u64,
    /// The process.
    pub pid: i32,
    /// The process's name as in `/proc/PID/comm`, padded with zeros.
    pub program: [u8; 16],
    /// The call's name.
    pub call: ArrayVec<u8, CALL>,
    /// What the call was about.
    pub about: About,
}

/// What a call was about.
#[derive(Clone)]
pub enum About {
    /// Nothing that has an address.
    Nothing,
    /// A socket address.
    Address(SockAddr),
    /// A host name.
    Host(ArrayVec<u8, HOST>),
}

/// A program that was started and that the library is not loaded into.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Uncovered {
    /// Its path, as far as it is kept.
    pub path: Vec<u8>,
    /// Why the library is not loaded into it.
    pub reason: String,
    /// How often it was started.
    pub starts: u64,
}

/// As much of a text as there is room for. Collecting it would bring the standard library's panic report with it.
pub fn kept<const N: usize>(text: &[u8]) -> ArrayVec<u8, N> {
    let mut all = ArrayVec::new();
    // It fits.
    let _ = all.try_extend_from_slice(&text[..text.len().min(N)]);
    all
}

impl<'a> Shared<'a> {
    /// How many words the counters of this many rules take.
    pub const fn words(rules: usize) -> usize {
        (header::WORDS + PROGRAMS * program::WORDS).saturating_add(rules.saturating_mul(of_rule::WORDS))
    }

    /// Makes counters of zeros, as new memory has. The header comes last, so that nobody opens a half of it.
    ///
    /// # Panics
    /// If these are not [`Shared::words`].
    pub fn init(words: &[AtomicU64], rules: usize) {
        assert_eq!(words.len(), Shared::words(rules), "the words of {rules} rules");
        put(&words[header::RULES], rules as u64, Ordering::Relaxed);
        put(&words[header::VERSION], VERSION, Ordering::Relaxed);
        put(&words[header::MAGIC], MAGIC, Ordering::Release);
    }

    /// The counters in these words; `None` if they are not counters of this version, or not of so many rules.
    pub fn open(words: &'a [AtomicU64], rules: usize) -> Option<Shared<'a>> {
        let known = words.len() == Shared::words(rules)
            && words[header::MAGIC].load(Ordering::Acquire) == MAGIC
            && words[header::VERSION].load(Ordering::Relaxed) == VERSION
            && words[header::RULES].load(Ordering::Relaxed) == rules as u64;
        known.then_some(Shared { words, rules })
    }

    /// A process has begun to count here: a program was started with the library, or a process was forked.
    pub fn join(&self) {
        add(&self.words[header::PROCESSES], 1);
    }

    /// The number of this call among the calls of all processes for which the rule's keys hold, from 1. 0 if there is
    /// no such rule.
    pub fn count(&self, rule: usize) -> u64 {
        self.rule(rule).map_or(0, |words| add(&words[of_rule::COUNT], 1) + 1)
    }

    /// The rule changed a call. `first` describes the call, and is asked if no description is there yet.
    pub fn hit(&self, rule: usize, first: impl FnOnce() -> First) {
        let Some(words) = self.rule(rule) else { return };
        add(&words[of_rule::HITS], 1);
        // After the first hits nobody writes here any more, so this is one load of a word that all processes keep.
        if words[of_rule::FIRST].load(Ordering::Relaxed) >= ATTEMPTS as u64 {
            return;
        }
        let attempt = add(&words[of_rule::FIRST], 1) as usize;
        if attempt >= ATTEMPTS {
            return;
        }
        let record = &words[of_rule::RECORDS + attempt * record::WORDS..][..record::WORDS];
        write_first(record, &first());
        put(&record[record::COMPLETE], 1, Ordering::Release);
        add(&words[of_rule::FIRST], SHOWN);
    }

    /// A program was started that the library is not loaded into. The reason is a word, as in [`REASON`] bytes. The end
    /// of a path says more than its begin, so that is what is kept of a long one.
    pub fn uncovered(&self, path: &[u8], reason: &str) {
        let path = &path[path.len().saturating_sub(PATH)..];
        let reason = &reason.as_bytes()[..reason.len().min(REASON)];
        let known = self.programs().find(|words| {
            let (kept, why) = program_texts(words);
            is_complete(words) && kept.is(path) && why.is(reason)
        });
        if let Some(words) = known {
            add(&words[program::STARTS], 1);
            return;
        }
        let Some(index) = begin_list(&self.words[header::UNCOVERED], PROGRAMS) else {
            add(&self.words[header::MORE_UNCOVERED], 1);
            return;
        };
        let Some(words) = self.programs().nth(index) else { return };
        put(&words[program::STARTS], 1, Ordering::Relaxed);
        put(&words[program::LENGTHS], (path.len() | reason.len() << 32) as u64, Ordering::Relaxed);
        Cells(&words[program::PATH..program::REASON]).write(path);
        Cells(&words[program::REASON..]).write(reason);
        put(&words[program::COMPLETE], 1, Ordering::Release);
    }

    /// An io_uring was made. What goes through it is not seen.
    pub fn io_uring(&self) {
        add(&self.words[header::IO_URINGS], 1);
    }

    /// How many processes have counted here.
    pub fn processes(&self) -> u64 {
        self.words[header::PROCESSES].load(Ordering::Relaxed)
    }

    /// How many calls the rule has changed.
    pub fn hits(&self, rule: usize) -> u64 {
        self.rule(rule).map_or(0, |words| words[of_rule::HITS].load(Ordering::Relaxed))
    }

    /// The first call that the rule has changed, if its description is complete.
    pub fn first(&self, rule: usize) -> Option<First> {
        let records = &self.rule(rule)?[of_rule::RECORDS..];
        records.chunks_exact(record::WORDS).find(|record| is_complete(record)).map(read_first)
    }

    /// The programs that were started and that the library is not loaded into, in the order in which they were seen.
    pub fn uncovered_programs(&self) -> Vec<Uncovered> {
        let mut found: Vec<Uncovered> = Vec::new();
        for words in self.programs().filter(|words| is_complete(words)) {
            let (path, reason) = program_texts(words);
            let (path, reason) = (path.read(), String::from_utf8_lossy(&reason.read()).into_owned());
            let starts = words[program::STARTS].load(Ordering::Relaxed);
            // Two processes may have begun a record for the same program at once.
            match found.iter_mut().find(|known| known.path == path && known.reason == reason) {
                Some(known) => known.starts = known.starts.saturating_add(starts),
                None => found.push(Uncovered { path, reason, starts }),
            }
        }
        found
    }

    /// How many starts of uncovered programs are not among [`Shared::uncovered_programs`].
    pub fn more_uncovered(&self) -> u64 {
        let begun = self.words[header::UNCOVERED].load(Ordering::Acquire).min(PROGRAMS as u64);
        let complete = self.programs().filter(|words| is_complete(words)).count() as u64;
        let more = self.words[header::MORE_UNCOVERED].load(Ordering::Relaxed);
        more.saturating_add(begun.saturating_sub(complete))
    }

    /// How many times an io_uring was made.
    pub fn io_urings(&self) -> u64 {
        self.words[header::IO_URINGS].load(Ordering::Relaxed)
    }

    fn rule(&self, rule: usize) -> Option<&'a [AtomicU64]> {
        let from = Shared::words(0) + rule.min(self.rules) * of_rule::WORDS;
        (rule < self.rules).then(|| &self.words[from..from + of_rule::WORDS])
    }

    fn programs(&self) -> impl Iterator<Item = &'a [AtomicU64]> + use<'a> {
        self.words[header::WORDS..Shared::words(0)].chunks_exact(program::WORDS)
    }
}

impl fmt::Debug for About {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            About::Nothing => f.write_str("Nothing"),
            About::Address(address) => f.debug_tuple("Address").field(&address.bytes()).finish(),
            About::Host(name) => write!(f, "Host({})", name.escape_ascii()),
        }
    }
}

impl PartialEq for About {
    fn eq(&self, other: &About) -> bool {
        match (self, other) {
            (About::Nothing, About::Nothing) => true,
            (About::Address(one), About::Address(two)) => one.bytes() == two.bytes(),
            (About::Host(one), About::Host(two)) => one == two,
            _ => false,
        }
    }
}

impl Eq for About {}

fn is_complete(words: &[AtomicU64]) -> bool {
    words[0].load(Ordering::Acquire) == 1
}

/// The path and the reason of an uncovered program.
fn program_texts<'a>(words: &'a [AtomicU64]) -> (cells::Text<'a>, cells::Text<'a>) {
    let lengths = words[program::LENGTHS].load(Ordering::Relaxed);
    let text = |cells, length: u64, most| cells::Text { cells, length: (length as usize).min(most) };
    (
        text(Cells(&words[program::PATH..program::REASON]), lengths & 0xffff_ffff, PATH),
        text(Cells(&words[program::REASON..]), lengths >> 32, REASON),
    )
}

fn write_first(words: &[AtomicU64], first: &First) {
    let (kind, bytes) = match &first.about {
        About::Nothing => (0, &[][..]),
        About::Address(address) => (1, address.bytes()),
        About::Host(name) => (2, &name[..]),
    };
    put(&words[record::TIME], first.time, Ordering::Relaxed);
    put(&words[record::PID], u64::from(first.pid as u32), Ordering::Relaxed);
    Cells(&words[record::PROGRAM..record::CALL]).write(&first.program);
    Cells(&words[record::CALL..record::ABOUT]).write(&first.call);
    put(&words[record::ABOUT], kind | (bytes.len() as u64) << 32, Ordering::Relaxed);
    Cells(&words[record::BYTES..]).write(bytes);
}

fn read_first(words: &[AtomicU64]) -> First {
    let number = |index: usize| words[index].load(Ordering::Relaxed);
    let mut bytes = [0; HOST];
    let bytes = Cells(&words[record::BYTES..]).read_into(&mut bytes, (number(record::ABOUT) >> 32) as usize);
    let (mut program, mut call) = ([0; 16], [0; CALL]);
    Cells(&words[record::PROGRAM..record::CALL]).read_into(&mut program, 16);
    let call = Cells(&words[record::CALL..record::ABOUT]).read_into(&mut call, CALL);
    First {
        time: number(record::TIME),
        pid: number(record::PID) as i32,
        program,
        call: call.iter().copied().take_while(|byte| *byte != 0).collect(),
        about: match number(record::ABOUT) & 0xffff_ffff {
            1 => About::Address(SockAddr::new(bytes)),
            2 => About::Host(bytes.iter().copied().collect()),
            _ => About::Nothing,
        },
    }
}
