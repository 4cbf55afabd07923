//! Random walks: sequences of calls, with prediction and state compared after each call.

use crate::argument::{Addr, Pointer::Good};
use crate::kernel;
use crate::kinds::{KINDS, Kind};
use crate::observe::observe;
use crate::remembered::Remembered;
use crate::setting::{ChildOutcome, LABORATORY, Setting, UNPRIVILEGED_LABORATORY};
use crate::subject::{BothAnswers, Subject};
use crate::tally::{Comparison, prediction};
use libc::c_int;
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestError, TestRng, TestRunner};
use std::collections::BTreeMap;
use std::io::Write;
use std::sync::Mutex;

/// How many calls a sequence has.
const STEPS: usize = 12;
/// The number of threads; more than processors, because binding and closing packet sockets waits.
const THREADS: u32 = 32;
/// How many failures are printed.
const PRINTED: usize = 3;
/// How many sockets a sequence may have at the same time.
const SOCKETS: usize = 6;

/// One call of a sequence, on one of its sockets.
#[derive(Clone, Debug)]
struct WalkStep {
    socket: usize,
    call: WalkCall,
}

#[derive(Clone, Debug)]
enum WalkCall {
    Open,
    Pair,
    Bind(AddressChoice),
    Connect(AddressChoice),
    Listen(c_int),
    Accept,
    Shutdown(c_int),
    Disconnect,
    SetOption(usize),
    Names,
    Close,
}

/// An address argument of a sequence.
#[derive(Clone, Debug)]
enum AddressChoice {
    Wildcard,
    Loopback,
    Chosen(u32),
    Privileged,
    Elsewhere,
    Nobody,
    OfSocket(usize),
    WrongFamily,
    Short(c_int),
}

fn name() -> impl Strategy<Value = AddressChoice> {
    prop_oneof![
        3 => Just(AddressChoice::Wildcard),
        3 => Just(AddressChoice::Loopback),
        3 => (1..4_u32).prop_map(AddressChoice::Chosen),
        1 => Just(AddressChoice::Privileged),
        1 => Just(AddressChoice::Elsewhere),
        2 => Just(AddressChoice::Nobody),
        6 => (0..SOCKETS).prop_map(AddressChoice::OfSocket),
        1 => Just(AddressChoice::WrongFamily),
        1 => (0..20_i32).prop_map(AddressChoice::Short),
    ]
}

fn step() -> impl Strategy<Value = WalkStep> {
    // proptest shrinks a failing sequence towards the first of these, which changes nothing.
    let call = prop_oneof![
        2 => Just(WalkCall::Names),
        1 => Just(WalkCall::Open),
        1 => Just(WalkCall::Pair),
        4 => name().prop_map(WalkCall::Bind),
        6 => name().prop_map(WalkCall::Connect),
        4 => (-1..4).prop_map(WalkCall::Listen),
        4 => Just(WalkCall::Accept),
        3 => (-1..4).prop_map(WalkCall::Shutdown),
        2 => Just(WalkCall::Disconnect),
        2 => (0..OPTIONS.len()).prop_map(WalkCall::SetOption),
        1 => Just(WalkCall::Close),
    ];
    (0..SOCKETS, call).prop_map(|(socket, call)| WalkStep { socket, call })
}

/// The options that the walks set; some of them change when a socket is bound.
const OPTIONS: &[(c_int, c_int, c_int)] = &[
    (libc::SOL_SOCKET, libc::SO_REUSEADDR, 1),
    (libc::SOL_SOCKET, libc::SO_REUSEPORT, 1),
    (libc::SOL_SOCKET, libc::SO_PASSCRED, 1),
    (libc::SOL_SOCKET, libc::SO_TYPE, 1),
    (libc::SOL_SOCKET, libc::SO_KEEPALIVE, 1),
    (libc::SOL_IP, libc::IP_BIND_ADDRESS_NO_PORT, 1),
    (libc::SOL_IP, libc::IP_FREEBIND, 1),
    (libc::SOL_TCP, libc::TCP_NODELAY, 1),
    (libc::SOL_IPV6, libc::IPV6_V6ONLY, 1),
    (libc::SOL_PACKET, 8, 1),
    (9999, 1, 1),
];

/// Runs `sequences` sequences with privileges, and a fifth of them without. `false` when a step is wrong.
pub fn run(sequences: u32, seed: u64) -> bool {
    let mut equal = true;
    for (setting, share) in
        [(&LABORATORY, sequences - sequences / 5), (&UNPRIVILEGED_LABORATORY, sequences / 5)]
    {
        equal &= setting.run(|| in_setting(setting, share, seed)) == ChildOutcome::Equal;
    }
    equal
}

/// The counts of one kind of call.
#[derive(Default)]
struct Figure {
    asked: u64,
    open: u64,
    succeeded: u64,
}

/// The counts by name of the call.
type Figures = Mutex<BTreeMap<&'static str, Figure>>;

fn in_setting(setting: &Setting, sequences: u32, seed: u64) -> bool {
    let facts = Remembered::new();
    let figures = Figures::default();
    let kinds: Vec<Kind> = KINDS
        .iter()
        .filter(|kind| kind.name != "xdp")
        .filter(|kind| match Subject::socket(&facts, kind.family, kind.ty, kind.protocol) {
            Some(subject) => {
                subject.close();
                true
            }
            None => false,
        })
        .copied()
        .collect();
    let failed = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS)
            .map(|thread| {
                let (facts, figures, kinds) = (&facts, &figures, &kinds);
                let cases = sequences / THREADS + u32::from(thread < sequences % THREADS);
                scope.spawn(move || walk_many(thread, cases, seed, facts, figures, kinds))
            })
            .collect();
        threads.into_iter().filter_map(|thread| thread.join().expect("no panic")).collect::<Vec<_>>()
    });
    report(setting, sequences, seed, &figures, &failed);
    failed.is_empty()
}

fn report(setting: &Setting, sequences: u32, seed: u64, figures: &Figures, failed: &[String]) {
    let mut out = std::io::stdout().lock();
    // The others are most likely the same failure, found by other threads.
    for failure in failed.iter().take(PRINTED) {
        let _ = writeln!(out, "    MISMATCH {failure}");
    }
    let figures = figures.lock().expect("no thread panics in here");
    let (steps, open) = figures.values().fold((0, 0), |sum, call| (sum.0 + call.asked, sum.1 + call.open));
    let _ = writeln!(
        out,
        "  {:<40} seed {seed:#x}: {sequences} sequences, {steps} predictions: {} wrong, {open} left to the host ({:.1} %)",
        setting.name,
        failed.len(),
        open as f64 / steps as f64 * 100.0,
    );
    for (call, Figure { asked, open, succeeded }) in figures.iter() {
        let share = *open as f64 / *asked as f64 * 100.0;
        let _ = writeln!(
            out,
            "      {call:<12} {asked:>7} predictions, {open:>6} left to the host ({share:4.1} %), {succeeded:>6} succeeded"
        );
    }
}

/// Runs one thread's share from its own seed. Returns the shortest failing sequence, if there is one.
fn walk_many(
    thread: u32,
    cases: u32,
    seed: u64,
    facts: &Remembered,
    figures: &Figures,
    kinds: &[Kind],
) -> Option<String> {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    bytes[8..12].copy_from_slice(&thread.to_le_bytes());
    let config = Config { cases, failure_persistence: None, max_shrink_iters: 4000, ..Config::default() };
    let mut runner = TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &bytes));
    let strategy = (0..kinds.len(), 0..BEGINNINGS.len(), prop::collection::vec(step(), STEPS));
    let outcome = runner.run(&strategy, |(kind, beginning, steps)| {
        let steps: Vec<WalkStep> = BEGINNINGS[beginning].iter().cloned().chain(steps).collect();
        walk(thread, &kinds[kind], &steps, facts, figures)
    });
    match outcome {
        Ok(()) => None,
        Err(TestError::Fail(reason, (kind, beginning, steps))) => {
            let steps = BEGINNINGS[beginning].iter().chain(&steps);
            let steps = steps.filter(|step| !matches!(step.call, WalkCall::Names));
            let steps: Vec<_> = steps.map(|step| format!("{}: {:?}", step.socket, step.call)).collect();
            Some(format!("{}: {reason}\n        {}", kinds[kind].name, steps.join("\n        ")))
        }
        Err(TestError::Abort(reason)) => Some(reason.to_string()),
    }
}

const fn on(socket: usize, call: WalkCall) -> WalkStep {
    WalkStep { socket, call }
}

/// What a sequence starts with before its random steps: nothing, a listening socket, or a connection, because chance
/// makes one too rarely.
const BEGINNINGS: [&[WalkStep]; 4] = [
    &[],
    &[on(0, WalkCall::Bind(AddressChoice::Loopback)), on(0, WalkCall::Listen(2))],
    &[
        on(0, WalkCall::Bind(AddressChoice::Loopback)),
        on(0, WalkCall::Listen(2)),
        on(1, WalkCall::Connect(AddressChoice::OfSocket(0))),
        on(0, WalkCall::Accept),
    ],
    &[
        on(0, WalkCall::Bind(AddressChoice::Chosen(4))),
        on(1, WalkCall::Bind(AddressChoice::Wildcard)),
        on(0, WalkCall::Listen(0)),
        on(1, WalkCall::Connect(AddressChoice::OfSocket(0))),
        on(0, WalkCall::Accept),
        on(1, WalkCall::Connect(AddressChoice::OfSocket(0))),
    ],
];

struct Walk<'a> {
    thread: u32,
    kind: &'a Kind,
    facts: &'a Remembered,
    figures: &'a Figures,
    sockets: Vec<Subject<'a>>,
}

impl Drop for Walk<'_> {
    fn drop(&mut self) {
        self.sockets.iter().for_each(Subject::close);
    }
}

fn walk(
    thread: u32,
    kind: &Kind,
    steps: &[WalkStep],
    facts: &Remembered,
    figures: &Figures,
) -> Result<(), TestCaseError> {
    let mut walk = Walk { thread, kind, facts, figures, sockets: Vec::new() };
    walk.open();
    walk.open();
    steps.iter().try_for_each(|step| walk.step(step)).map_err(TestCaseError::fail)
}

impl<'a> Walk<'a> {
    fn open(&mut self) {
        if self.sockets.len() < SOCKETS {
            let kind = self.kind;
            self.sockets.extend(Subject::socket(self.facts, kind.family, kind.ty, kind.protocol));
        }
    }

    fn step(&mut self, step: &WalkStep) -> Result<(), String> {
        if self.sockets.is_empty() {
            self.open();
        }
        let Some(subject) = self.sockets.get(step.socket % self.sockets.len().max(1)).copied() else {
            return Ok(());
        };
        match &step.call {
            WalkCall::Open => self.open(),
            WalkCall::Pair => {
                if self.kind.family == libc::AF_UNIX && self.sockets.len() + 2 <= SOCKETS {
                    self.sockets.extend(Subject::pair(self.facts, self.kind.ty).into_iter().flatten());
                }
            }
            WalkCall::Bind(name) => self.check("bind", &subject, subject.bind(&self.addr(name)))?,
            WalkCall::Connect(name) => self.check("connect", &subject, subject.connect(&self.addr(name)))?,
            WalkCall::Disconnect => self.check("disconnect", &subject, subject.connect(&Addr::unspec(16)))?,
            WalkCall::Listen(backlog) => self.check("listen", &subject, subject.listen(*backlog))?,
            WalkCall::Shutdown(how) => self.check("shutdown", &subject, subject.shutdown(*how))?,
            WalkCall::SetOption(index) => {
                let (level, name, value) = OPTIONS[*index];
                self.check("setsockopt", &subject, subject.setsockopt(level, name, value, 4, Good))?;
            }
            WalkCall::Names => {
                self.check("getsockname", &subject, subject.getname(false, 128, Good, Good))?;
                self.check("getpeername", &subject, subject.getname(true, 128, Good, Good))?;
            }
            WalkCall::Accept => {
                let asked = subject.accept(libc::SOCK_NONBLOCK);
                if let Ok(fd) = asked.answer {
                    self.sockets.extend(subject.accepted(fd as c_int));
                }
                self.check("accept", &subject, asked)?;
            }
            WalkCall::Close => {
                let index = step.socket % self.sockets.len();
                self.sockets.swap_remove(index).close();
                return Ok(());
            }
        }
        observe(&subject).map_err(|difference| format!("{:?}: {difference}", step.call))
    }

    fn check(&self, call: &'static str, subject: &Subject, asked: BothAnswers) -> Result<(), String> {
        let comparison = crate::tally::compare(asked.predicted, asked.answer.err());
        {
            let mut figures = self.figures.lock().expect("no thread panics in here");
            let figure = figures.entry(call).or_default();
            figure.asked += 1;
            figure.open += u64::from(comparison == Comparison::Open);
            figure.succeeded += u64::from(asked.answer.is_ok());
        }
        match comparison {
            Comparison::Different => {
                let state = subject.sock().map(|sock| (sock.state, sock.sk.state, sock.sk.bound));
                Err(format!(
                    "{call}: predicted {}, the kernel says {} (afterwards {state:?})",
                    prediction(asked.predicted),
                    kernel::name(asked.answer.err())
                ))
            }
            _ => Ok(()),
        }
    }

    fn addr(&self, name: &AddressChoice) -> Addr {
        let kind = self.kind;
        let unique = |choice| self.thread * 8 + choice;
        match name {
            AddressChoice::Wildcard => kind.wildcard(),
            AddressChoice::Loopback => kind.local(0),
            AddressChoice::Chosen(choice) => kind.local(unique(*choice)),
            AddressChoice::Privileged if kind.family == libc::AF_INET6 => Addr::inet6([0; 16], 80),
            AddressChoice::Privileged => Addr::inet([0; 4], 80),
            AddressChoice::Elsewhere if kind.family == libc::AF_INET6 => {
                Addr::inet6([0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1], 0)
            }
            AddressChoice::Elsewhere => Addr::inet([192, 0, 2, 1], 0),
            AddressChoice::Nobody => kind.nobody(),
            AddressChoice::OfSocket(index) => match self.sockets.get(index % self.sockets.len().max(1)) {
                Some(socket) => self.reachable(socket.name()),
                None => kind.nobody(),
            },
            AddressChoice::WrongFamily => kind.wildcard().with_family(99),
            AddressChoice::Short(len) => kind.local(0).with_len(*len),
        }
    }

    /// The address at which a socket with this name can be reached: a wildcard address becomes a concrete one.
    fn reachable(&self, name: Option<Vec<u8>>) -> Addr {
        let mut name = name.unwrap_or_default();
        match self.kind.family {
            libc::AF_INET if name.len() >= 8 && name[4..8] == [0; 4] => {
                name[4..8].copy_from_slice(&[127, 0, 0, 1])
            }
            libc::AF_INET6 if name.len() >= 24 && name[8..24] == [0; 16] => name[23] = 1,
            _ => {}
        }
        Addr::new(&name)
    }
}
