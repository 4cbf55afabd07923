//! Rule files that were good once: valid files with random edits. None may panic, each error must point into its file,
//! and rules that are still understood must be like any others.
//!
//! `SOCKSHIM_FUZZ` says how many files; 20,000 without it. `SOCKSHIM_SEED` repeats a run.
//! `scripts/fuzz-rules.sh` makes 10 million.

#![expect(
    clippy::disallowed_macros,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "the streams are this test's own"
)]

use sockshim_core::net::address::SockAddr;
use sockshim_core::rules::{Call, Error, Rule, Rules, Sort, Subject, file, options};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

/// Valid files, which have every key and every kind of value between them.
const CORPUS: [&str; 9] = [
    "[[rule]]\nname = \"flaky-database\"\ncall = \"connect\"\nfamily = \"inet\"\ntype = \"stream\"\nprotocol = \"tcp\"\n\
     remote = \"10.0.0.0/8:5432\"\nlocal = \"*:8000-8999\"\nprogram = \"psql\"\nuid = 1000\nfail = \"ECONNREFUSED\"\n\
     when = \"1..2\"\nscope = \"process\"\nchance = 0.05\nseed = 7\n",
    "# two rules\n[[rule]]\ncall = [\"bind\", \"connect\"]\nto = '127.0.0.1:8080'\nhide = true\n\n[[rule]]\n\
     call = [\"send\", \"recv\"]\nlimit = 1\nremote = [\"[fe80::]/10:80\", \"loopback\", \"beyond-loopback:1-2\"]\n",
    "[[rule]]\ncall = \"socket\"\nbecome = \"inet/stream/mptcp\"\nfallback = false\n[[rule]]\ncall = \"socket\"\n\
     option = { \"SOL_SOCKET/SO_KEEPALIVE\" = 1, SO_LINGER = [1, 0x5], TCP_CONGESTION = \"cubic\", SO_RCVTIMEO = \"5s\" }\n",
    "[[rule]]\ncall = \"resolve\"\nremote = [\"*.example.com\", 'a{b,c}[d-e]?']\nfail = \"EAI_AGAIN\"\n[[rule]]\n\
     call = \"resolve\"\nfiles = true\n[[rule]]\ncall = 'resolve'\ndelay = \"1m 30s\"\nwhen = \"2+3\"\n",
    "[[rule]]\ncall = \"connect\"\nremote = [\"unix:/run/**/*.sock\", \"@abstract*\", '[::ffff:10.0.0.1]:443']\n\
     fail = \"ETIMEDOUT\"\nasync = true\nscope = \"tree\"\nwhen = 3\n",
    "[[rule]]\ncall = [\"setsockopt\", \"getsockopt\"]\noptname = [\"SO_REUSEPORT\", \"IPPROTO_TCP/TCP_NODELAY\", \"1/2\"]\n\
     fail = 92\n[[rule]]\ncall = 'recv'\nfail = 'EAGAIN'\nforce = true\nuid = [0, 1, 4294967295]\n",
    "rule = [{ call = 'io_uring_setup', fail = 'ENOSYS' }, { call = 'accept', delay = '50ms' }]\n",
    "[[rule]]\nname = \"\"\"\nmulti \\\n  line\"\"\"\ncall = 'listen'\nallow = true\n[[rule]]\ncall = \"shut\\u0064own\"\n\
     allow = true\nprotocol = [0, \"udp\", \"NETLINK_ROUTE\"]\nfamily = [1, 'AF_INET6', 'pf_netlink']\n",
    "[[rule]]\ncall.x = 1\n[[module]]\nfamily = 29\n[rule.option]\nSO_DEBUG = true\n[a.b]\nc = 1979-05-27T07:32:00Z\n",
];

/// Valid values of options.
const VALUES: [&str; 16] = [
    "ENETUNREACH",
    "10.0.0.0/8:5432",
    "*.example.com",
    "connect=ECONNREFUSED",
    "connect:[::1]:80=EPERM,when=1..2,scope=tree",
    "connect:*:443=ETIMEDOUT,async,chance=0.5,seed=7",
    "recv=EAGAIN,force",
    "resolve:*.example.com=EAI_NONAME",
    "recv=1",
    "send:10.0.0.0/8=100",
    "accept=50ms,when=3+",
    "connect:10.1.0.0/16:5432=127.0.0.1:5433,hide",
    "connect:unix:/run/{a,b}=@x",
    "inet/stream/mptcp",
    "inet6",
    "io_uring",
];

/// What is put in, beside random bytes: what means something to TOML or to a rule.
const WORDS: [&str; 48] = [
    "[[rule]]",
    "\n",
    "=",
    "\"",
    "'",
    "[",
    "]",
    "{",
    "}",
    ",",
    "#",
    ".",
    ":",
    "/",
    "-",
    "..",
    "+",
    "*",
    "@",
    "unix:",
    "!",
    "\\",
    "\"\"\"",
    "'''",
    "true",
    "false",
    "0",
    "1",
    "-1",
    "65536",
    "18446744073709551616",
    "1e400",
    "nan",
    "0x",
    "_",
    "\r\n",
    "\t",
    "\0",
    "\u{1b}[",
    "é",
    "\u{202e}",
    "call",
    "fail",
    "connect",
    "ECONNREFUSED",
    "1979-05-27",
    "::1",
    "%",
];

/// SplitMix64.
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `end`, 0 if there is none.
    fn below(&mut self, end: usize) -> usize {
        (self.next() % end.max(1) as u64) as usize
    }

    /// A range of up to `most` within `len`.
    fn range(&mut self, len: usize, most: usize) -> std::ops::Range<usize> {
        let start = self.below(len + 1);
        start..(start + self.below(most + 1)).min(len)
    }

    /// One of these texts with one edit or more, each time half as often.
    fn edited(&mut self, texts: &[&str]) -> Vec<u8> {
        let mut file = texts[self.below(texts.len())].as_bytes().to_vec();
        loop {
            self.edit(&mut file);
            if self.below(2) == 0 {
                return file;
            }
        }
    }

    /// Where a word stands in a file: letters, digits, and what addresses and numbers have between them.
    fn word(&mut self, file: &[u8]) -> std::ops::Range<usize> {
        let is_word = |byte: &u8| byte.is_ascii_alphanumeric() || b"_-./:*+@".contains(byte);
        let at = self.below(file.len());
        let start = file[at..].iter().position(is_word).map_or(file.len(), |more| at + more);
        let start = file[..start].iter().rposition(|byte| !is_word(byte)).map_or(0, |last| last + 1);
        let len = file[start..].iter().position(|byte| !is_word(byte)).unwrap_or(file.len() - start);
        start..start + len
    }

    fn edit(&mut self, file: &mut Vec<u8>) {
        let len = file.len();
        match self.below(12) {
            0 => {
                let at = self.below(len);
                if let Some(byte) = file.get_mut(at) {
                    *byte = self.next() as u8;
                }
            }
            1 => drop(file.drain(self.range(len, 12))),
            2 => {
                let word = WORDS[self.below(WORDS.len())];
                let at = self.range(len, 6);
                file.splice(at, word.bytes());
            }
            3 => {
                let word = WORDS[self.below(WORDS.len())];
                let at = self.below(len + 1);
                file.splice(at..at, word.bytes());
            }
            4 => {
                let copy = file[self.range(len, 80)].to_vec();
                let at = self.below(len + 1);
                file.splice(at..at, copy);
            }
            5 => {
                let other = CORPUS[self.below(CORPUS.len())].as_bytes();
                let part = other[self.range(other.len(), 60)].to_vec();
                let at = self.range(len, 60);
                file.splice(at, part);
            }
            6..9 => {
                // A word for another one: what is still TOML, and perhaps a rule.
                let other = CORPUS[self.below(CORPUS.len())].as_bytes();
                let word = other[self.word(other)].to_vec();
                let at = self.word(file);
                file.splice(at, word);
            }
            _ => {
                // One letter for another one: a misspelt name.
                let at = self.below(len);
                if let Some(byte) = file.get_mut(at).filter(|byte| byte.is_ascii_alphanumeric()) {
                    *byte = b"aEix07-_"[self.below(8)];
                }
            }
        }
    }
}

/// A call that has an answer to every question.
struct Call7(SockAddr);

impl Subject for Call7 {
    fn sort(&self) -> Option<Sort> {
        Some(Sort { family: libc::AF_INET, ty: libc::SOCK_STREAM, protocol: libc::IPPROTO_TCP })
    }
    fn remote(&self) -> Option<&SockAddr> {
        Some(&self.0)
    }
    fn local(&self) -> Option<&SockAddr> {
        Some(&self.0)
    }
    fn host(&self) -> Option<&[u8]> {
        Some(b"www.example.com")
    }
    fn optname(&self) -> Option<(i32, i32)> {
        Some((1, 15))
    }
    fn uid(&self) -> u32 {
        1000
    }
    fn is_nonblocking(&self) -> bool {
        true
    }
}

/// How far a file was understood.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Understood {
    No,
    Toml,
    Rules,
}

/// Reads one file.
fn read(bytes: &[u8]) -> Understood {
    let (contents, warnings) = match file::parse_with_warnings(bytes, "rules.toml") {
        Ok(read) => read,
        Err(error) => {
            let (shown, line) = (error.to_string(), error.one_line().to_string());
            assert!(!line.contains('\n') && line.starts_with("rules.toml"), "{line}");
            assert!(shown.lines().count() == 3, "{shown}");
            let lines = bytes.iter().filter(|byte| **byte == b'\n').count() + 1;
            assert!(error.line().is_some_and(|line| (1..=lines).contains(&line)), "{shown}");
            assert!(!shown.contains(|char: char| char.is_control() && char != '\n'), "{shown:?}");
            return if [": not TOML", ": not UTF-8", ": a NUL"].iter().any(|what| line.contains(what)) {
                Understood::No
            } else {
                Understood::Toml
            };
        }
    };
    assert_eq!(file::parse(bytes, "").as_ref().ok(), Some(&contents));
    let rules = contents.rules;
    assert!(warnings.len() <= rules.len());
    let lines: Vec<_> = rules.iter().map(ToString::to_string).collect();
    let rules = Rules::new(rules).for_program(b"/usr/bin/psql");
    let again = Rules::decode(rules.encode().expect("short enough").as_bytes()).expect("our own");
    assert!(again.iter().map(ToString::to_string).eq(lines));
    let subject = Call7(SockAddr::new(&[2, 0, 21, 56, 10, 1, 2, 3, 0, 0, 0, 0, 0, 0, 0, 0]));
    for call in Call::ALL {
        let decided = rules.decide(call, &subject, |_, _| true);
        assert!(decided.is_none() || rules.may_concern(call, Some(subject.0.bytes())));
    }
    Understood::Rules
}

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok().and_then(|text| text.parse().ok())
}

#[test]
fn edited_files() {
    let files = number("SOCKSHIM_FUZZ").unwrap_or(20_000);
    let seed = number("SOCKSHIM_SEED").unwrap_or(1);
    let mut counts = [0u64; 3];
    for index in 0..files {
        // Each file has dice of its own, so that one can be made again alone.
        let file = Dice(seed.wrapping_mul(1 << 40).wrapping_add(index)).edited(&CORPUS);
        match catch_unwind(AssertUnwindSafe(|| read(&file))) {
            Ok(understood) => counts[understood as usize] += 1,
            Err(panic) => {
                eprintln!("file {index} of SOCKSHIM_SEED={seed}:\n{}", String::from_utf8_lossy(&file));
                resume_unwind(panic);
            }
        }
    }
    let [not, toml, rules] = counts;
    println!("{files} files: {not} not TOML, {toml} with an error in a rule, {rules} understood");
    // Else little but the parser of TOML would be tested.
    assert!(toml > files / 10 && rules > files / 20);
}

/// Every option is given every value.
#[test]
fn edited_options() {
    type Option = fn(&str) -> Result<Rule, Error>;
    const OPTIONS: [Option; 6] =
        [options::allow, options::fail, options::limit, options::delay, options::redirect, options::without];
    // Each value is read seven times, and mostly ends in a search for what might have been meant.
    let values = number("SOCKSHIM_FUZZ").unwrap_or(20_000) / 10;
    let seed = number("SOCKSHIM_SEED").unwrap_or(1);
    let mut understood = 0u64;
    for index in 0..values {
        let bytes = Dice(seed.wrapping_mul(1 << 40).wrapping_add(index)).edited(&VALUES);
        let value = String::from_utf8_lossy(&bytes);
        let rules = OPTIONS.into_iter().map(|option| option(&value).map(|rule| vec![rule]));
        for rules in rules.chain([options::offline(Some(&value))]) {
            match rules {
                Ok(rules) => {
                    understood += 1;
                    let handed_on = Rules::new(rules.clone()).encode().expect("short enough");
                    let again = Rules::decode(handed_on.as_bytes()).expect("our own");
                    assert!(again.iter().eq(rules.iter()), "{value}");
                }
                Err(error) => {
                    let shown = error.to_string();
                    assert_eq!(shown.lines().count(), 3, "{shown}");
                    assert!(!shown.contains(|char: char| char.is_control() && char != '\n'), "{shown:?}");
                }
            }
        }
    }
    assert!(understood > values / 10, "{understood}");
}

#[test]
fn the_corpus_is_good() {
    let (bad, good) = CORPUS.split_last().expect("files");
    for file in good {
        assert_eq!(read(file.as_bytes()), Understood::Rules, "{file}");
    }
    assert_eq!(read(bad.as_bytes()), Understood::Toml);
}
