//! Every way to end in which a library can still run code: the log has all events.

use sockshim_itest::{ALL_SHIMMED, RunLevel, Scratch, by_call, events};

use crate::{dropped, stress};

/// Fewer than the queues hold, so that nothing is dropped even if the writer did not run before the end.
const CALLS: usize = 4000;

const WAYS: &str = "return exit _exit _Exit quick_exit syscall pthread_exit exec exec-fails child thread";

#[test]
fn nothing_is_lost() {
    for way in WAYS.split_whitespace() {
        for level in [RunLevel::Native, RunLevel::Off, RunLevel::Call, RunLevel::Io] {
            let log_dir = Scratch::new();
            let output = stress(level, log_dir.path(), "ending", &[&CALLS.to_string(), way]);
            assert!(output.status.success() && output.stdout.is_empty(), "{way} at {level:?}: {output:?}");
            if level == RunLevel::Call || level == RunLevel::Io {
                let events = events(log_dir.path());
                let logged = by_call(&events, "socket").len() + by_call(&events, "getsockname").len();
                assert_eq!((logged, events.iter().map(dropped).sum()), (CALLS, 0), "{way} at {level:?}");
            }
        }
    }
}

#[test]
fn short_lives_leave_whole_logs() {
    // The log of a process that ends at once is still being set up.
    for way in WAYS.split_whitespace() {
        for level in ALL_SHIMMED {
            for calls in 1..4 {
                let log_dir = Scratch::new();
                let output = stress(level, log_dir.path(), "ending", &[&calls.to_string(), way]);
                assert!(
                    output.status.success() && output.stdout.is_empty(),
                    "{way} at {level:?}: {output:?}"
                );
                if level != RunLevel::Off {
                    assert_eq!(by_call(&events(log_dir.path()), "socket").len(), 1, "{way} at {level:?}");
                }
            }
        }
    }
}
