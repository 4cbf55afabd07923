use super::*;
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::thread;

thread_local! {
    /// How many steps this thread may still make.
    static STEPS: Cell<Option<usize>> = const { Cell::new(None) };
}

/// What a stopped thread unwinds with.
struct Stopped;

/// Called before each change of a word: stops a thread that may make no more.
pub fn step() {
    match STEPS.get() {
        Some(0) => resume_unwind(Box::new(Stopped)),
        Some(left) => STEPS.set(Some(left - 1)),
        None => {}
    }
}

/// Does something, but is stopped for ever before the step after `steps`. Gives whether it came to its end.
fn stopped_after(steps: usize, work: impl FnOnce()) -> bool {
    STEPS.set(Some(steps));
    let ended = catch_unwind(AssertUnwindSafe(work)).is_ok();
    STEPS.set(None);
    ended
}

fn zeros(rules: usize) -> Vec<AtomicU64> {
    (0..Shared::words(rules)).map(|_| AtomicU64::new(0)).collect()
}

fn fresh(rules: usize) -> Vec<AtomicU64> {
    let words = zeros(rules);
    Shared::init(&words, rules);
    words
}

fn call(pid: i32) -> First {
    First {
        time: 1_700_000_000_000_000_000 + pid as u64,
        pid,
        program: *b"curl\0\0\0\0\0\0\0\0\0\0\0\0",
        call: b"connect".iter().copied().collect(),
        about: About::Address(SockAddr::of_v4([10, 0, 0, 1])),
    }
}

#[test]
fn what_was_counted_is_read() {
    let words = fresh(3);
    let shared = Shared::open(&words, 3).expect("its own");
    assert_eq!((shared.count(1), shared.count(1), shared.count(2)), (1, 2, 1));
    assert_eq!(shared.first(1), None);
    shared.hit(1, || call(7));
    shared.hit(1, || panic!("a first call is there"));
    assert_eq!((shared.hits(0), shared.hits(1), shared.hits(2)), (0, 2, 0));
    assert_eq!(shared.first(1), Some(call(7)));
    assert_eq!(shared.first(2), None);
    shared.io_uring();
    shared.join();
    assert_eq!((shared.io_urings(), shared.processes()), (1, 1));
    assert_eq!((shared.uncovered_programs().len(), shared.more_uncovered()), (0, 0));
}

#[test]
fn every_kind_of_call_comes_back_as_it_was() {
    let host = |length| About::Host(vec![b'x'; length].into_iter().collect());
    let unix = {
        let mut bytes = [b'/'; 110];
        bytes[..2].copy_from_slice(&(libc::AF_UNIX as u16).to_ne_bytes());
        About::Address(SockAddr::new(&bytes))
    };
    let longest = About::Address(SockAddr::new(&[255; 128]));
    for about in [About::Nothing, host(0), host(1), host(HOST), unix, longest] {
        let words = fresh(1);
        let shared = Shared::open(&words, 1).expect("its own");
        let call = First {
            time: u64::MAX,
            pid: -1,
            program: [0xff; 16],
            call: [b'c'; CALL].into_iter().collect(),
            about,
        };
        shared.hit(0, || call.clone());
        assert_eq!(shared.first(0), Some(call));
    }
}

#[test]
fn another_file_is_refused() {
    let words = fresh(3);
    for rules in [0, 1, 2, 4, usize::MAX] {
        assert!(Shared::open(&words, rules).is_none(), "{rules} rules");
    }
    assert!(Shared::open(&words[1..], 3).is_none());
    assert!(Shared::open(&words[..words.len() - 1], 3).is_none());
    assert!(Shared::open(&[], 0).is_none());
    assert!(Shared::open(&zeros(3), 3).is_none());
    for word in [header::MAGIC, header::VERSION, header::RULES] {
        let words = fresh(3);
        words[word].fetch_add(1, Ordering::Relaxed);
        assert!(Shared::open(&words, 3).is_none(), "word {word}");
    }
}

#[test]
fn rules_that_are_not_there_are_nobodys() {
    let words = fresh(1);
    let shared = Shared::open(&words, 1).expect("its own");
    for rule in [1, 2, usize::MAX] {
        assert_eq!((shared.count(rule), shared.hits(rule)), (0, 0));
        shared.hit(rule, || call(1));
        assert_eq!(shared.first(rule), None);
    }
    assert_eq!(shared.hits(0), 0);
}

#[test]
fn a_half_made_file_is_refused() {
    for steps in 0.. {
        let words = zeros(2);
        let ended = stopped_after(steps, || Shared::init(&words, 2));
        assert_eq!(Shared::open(&words, 2).is_some(), ended, "after {steps} steps");
        if ended {
            break;
        }
    }
}

#[test]
fn whoever_is_stopped_hurts_nobody() {
    let mut stopped = 0;
    for steps in 0.. {
        let words = fresh(2);
        let shared = Shared::open(&words, 2).expect("its own");
        let ended = stopped_after(steps, || shared.hit(1, || call(1)));
        let (hits, first) = (shared.hits(1), shared.first(1));
        assert_eq!(hits, u64::from(steps > 0));
        assert!(first.is_none() || first == Some(call(1)), "nothing half written: {first:?}");
        // The next one still counts, and describes itself if nothing else is there.
        shared.hit(1, || call(2));
        assert_eq!(shared.hits(1), hits + 1);
        assert_eq!(shared.first(1), Some(if first.is_some() { call(1) } else { call(2) }), "after {steps}");
        if ended {
            break;
        }
        stopped += 1;
    }
    assert!(stopped > 10, "{stopped}");
}

#[test]
fn the_same_may_be_stopped_again_and_again() {
    for steps in 2..8 {
        let words = fresh(1);
        let shared = Shared::open(&words, 1).expect("its own");
        for time in 1..=10 {
            assert!(!stopped_after(steps, || shared.hit(0, || call(1))) || time > ATTEMPTS as u64);
            assert_eq!((shared.hits(0), shared.first(0)), (time, None));
        }
    }
}

#[test]
fn a_handler_may_count_within_a_count() {
    let words = fresh(1);
    let shared = Shared::open(&words, 1).expect("its own");
    shared.hit(0, || {
        shared.hit(0, || call(2));
        call(1)
    });
    assert_eq!((shared.hits(0), shared.first(0)), (2, Some(call(1))), "the one that came first");
}

#[test]
fn uncovered_programs_are_kept_once() {
    let words = fresh(0);
    let shared = Shared::open(&words, 0).expect("its own");
    for _ in 0..3 {
        shared.uncovered(b"/usr/bin/hugo", "go");
    }
    shared.uncovered(b"/usr/bin/hugo", "static");
    shared.uncovered(b"/usr/bin/hug", "go");
    shared.uncovered(b"", "");
    let kept =
        |path: &str, reason: &str, starts| Uncovered { path: path.into(), reason: reason.into(), starts };
    let expected = [
        kept("/usr/bin/hugo", "go", 3),
        kept("/usr/bin/hugo", "static", 1),
        kept("/usr/bin/hug", "go", 1),
        kept("", "", 1),
    ];
    assert_eq!((shared.uncovered_programs(), shared.more_uncovered()), (expected.into(), 0));
}

#[test]
fn of_a_long_path_the_end_is_kept() {
    let words = fresh(0);
    let shared = Shared::open(&words, 0).expect("its own");
    let path: Vec<u8> = (0..2000).map(|at| at as u8).collect();
    for _ in 0..2 {
        shared.uncovered(&path, &"é".repeat(50));
    }
    let programs = shared.uncovered_programs();
    assert_eq!((programs.len(), programs[0].starts), (1, 2));
    assert_eq!(programs[0].path, path[2000 - PATH..]);
    assert_eq!(programs[0].reason, "é".repeat(REASON / 2));
}

#[test]
fn more_programs_than_fit_are_counted() {
    let words = fresh(0);
    let shared = Shared::open(&words, 0).expect("its own");
    for program in 0..PROGRAMS + 5 {
        shared.uncovered(format!("/bin/{program}").as_bytes(), "static");
    }
    shared.uncovered(b"/bin/1", "static");
    assert_eq!((shared.uncovered_programs().len(), shared.more_uncovered()), (PROGRAMS, 5));
    assert_eq!(shared.uncovered_programs()[1].starts, 2);
}

#[test]
fn a_program_half_written_is_counted_and_not_shown() {
    for steps in 0.. {
        let words = fresh(0);
        let shared = Shared::open(&words, 0).expect("its own");
        let ended = stopped_after(steps, || shared.uncovered(b"/usr/local/bin/hugo", "go"));
        let seen = shared.uncovered_programs().len() as u64 + shared.more_uncovered();
        assert_eq!(seen, u64::from(steps > 0), "after {steps} steps");
        shared.uncovered(b"/bin/busybox", "static");
        assert!(shared.uncovered_programs().iter().any(|program| program.path == b"/bin/busybox"));
        if ended {
            assert_eq!(shared.more_uncovered(), 0);
            break;
        }
    }
}

#[test]
fn many_at_once_lose_nothing() {
    let words = fresh(2);
    let numbers: Vec<u64> = thread::scope(|scope| {
        let threads: Vec<_> = (0..4)
            .map(|thread| {
                let words = &words;
                scope.spawn(move || {
                    let shared = Shared::open(words, 2).expect("its own");
                    let mut numbers = Vec::new();
                    for time in 0..1000 {
                        numbers.push(shared.count(0));
                        shared.hit(1, || call(thread));
                        shared.uncovered(format!("/bin/{}", time % 100).as_bytes(), "static");
                        if let Some(first) = shared.first(1) {
                            assert_eq!(first, call(first.pid));
                        }
                    }
                    numbers
                })
            })
            .collect();
        threads.into_iter().flat_map(|thread| thread.join().expect("no panic")).collect()
    });
    let shared = Shared::open(&words, 2).expect("its own");
    assert_eq!(shared.hits(1), 4000);
    assert!(shared.first(1).is_some());
    let mut sorted = numbers;
    sorted.sort_unstable();
    assert_eq!(sorted, (1..=4000).collect::<Vec<u64>>(), "each number was given once");
    let starts: u64 = shared.uncovered_programs().iter().map(|program| program.starts).sum();
    assert_eq!(starts + shared.more_uncovered(), 4000);
}

#[test]
fn whatever_the_words_hold_is_read() {
    for seed in 1..200_u64 {
        let mut random = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let words = fresh(1);
        for word in &words[3..] {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            word.store(if random.is_multiple_of(3) { 1 } else { random }, Ordering::Relaxed);
        }
        let shared = Shared::open(&words, 1).expect("the header is its own");
        shared.first(0);
        shared.uncovered_programs();
        shared.more_uncovered();
        shared.uncovered(b"/bin/true", "static");
        shared.count(0);
        shared.hit(0, || call(1));
        shared.io_uring();
    }
}
