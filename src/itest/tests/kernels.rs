//! What kernels of different versions answer in different ways is settled by a question to the running one, and the log says so.

use serde_json::Value;
use sockshim_itest::{RunLevel, Scratch, by_call, cc, command, events, run};
use std::time::Duration;

/// The events of setsockopt(2) in a program of `c-tests/`, with the fact of this name in their paths.
fn with_fact(program: &str, fact: &str) -> Vec<(Value, Value)> {
    let scratch = Scratch::new();
    let directory = Scratch::new();
    let mut command = command(RunLevel::Call, Some(scratch.path()), cc(program, &[]));
    let output = run(command.current_dir(directory.path()), b"", Duration::from_secs(60));
    assert!(output.status.success(), "{output:?}");
    let events = events(scratch.path());
    let found = by_call(&events, "setsockopt").into_iter().filter_map(|event| {
        let steps = event["path"].as_array().expect("a path");
        let step = steps.iter().find(|step| step["fact"] == fact)?;
        Some((event.clone(), step.clone()))
    });
    found.collect()
}

/// Each event is predicted, and rightly.
fn are_settled(found: &[(Value, Value)]) {
    for (event, step) in found {
        assert_eq!(step["source"], "probe", "{event}");
        let answer = if event["errno"].is_null() { &Value::from("ok") } else { &event["errno"] };
        assert_eq!(&event["predicted"], answer, "{event}");
    }
}

#[test]
fn a_length_before_or_after_the_descriptor() {
    let found = with_fact("setsockopt/order.c", "Linux 6.7 (do_sock_setsockopt)");
    assert_eq!(found.len(), 2, "a closed descriptor and a file: {found:?}");
    are_settled(&found);
}

#[test]
fn an_option_that_tcp_has_got() {
    let found = with_fact("setsockopt/generic.c", "Linux 6.9 (tcp_set_peek_off)");
    assert!(!found.is_empty(), "there are TCP sockets");
    are_settled(&found);
    assert!(found.iter().all(|(event, _)| event["args"]["optname"] == "SO_PEEK_OFF"), "{found:?}");
}
