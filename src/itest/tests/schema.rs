//! The published schema of the JSON log is true: every event of programs that make every call is valid, and anything
//! else is not.

use std::collections::BTreeSet;
use std::fs;
use std::time::Duration;

use jsonschema::Validator;
use serde_json::{Map, Value, json};
use sockshim_itest::{RunLevel, Scratch, by_call, cc, command, events, run, workspace};

const DEADLINE: Duration = Duration::from_secs(120);

fn schema() -> Value {
    let path = workspace().join("src/core/trace/event.schema.json");
    let text = fs::read_to_string(path).expect("the schema");
    serde_json::from_str(&text).expect("the schema is JSON")
}

fn validator() -> Validator {
    let schema = schema();
    jsonschema::meta::validate(&schema).expect("the schema obeys its own schema");
    jsonschema::draft202012::new(&schema).expect("the schema compiles")
}

/// Runs a program of `c-tests/stress` with the fullest log, and returns its events.
fn events_of(program: &str, args: &[&str], variables: &[(&str, &str)]) -> Vec<Value> {
    let scratch = Scratch::new();
    let report = scratch.path().join("report");
    let mut command = command(RunLevel::Io, Some(scratch.path()), cc(&format!("stress/{program}.c"), &[]));
    command.args(args.iter().map(|arg| if *arg == "REPORT" { report.as_os_str() } else { arg.as_ref() }));
    let output = run(command.envs(variables.iter().copied()), b"", DEADLINE);
    assert!(!output.timed_out && output.status.code().is_some(), "{program}: {output:?}");
    let events = events(scratch.path());
    assert!(!events.is_empty(), "{program} has logged nothing");
    events
}

/// The events of programs that together make every call, with success and with failure.
fn varied_events() -> Vec<Value> {
    let runs: [(&str, &[&str]); 7] = [
        ("calls", &[]),
        ("chat", &["3"]),
        ("lifetime", &["REPORT"]),
        ("vfork", &[]),
        ("hostile", &["nofile"]),
        ("namespaces", &["threads"]),
        ("churn", &["4000"]),
    ];
    runs.iter().flat_map(|(program, args)| events_of(program, args, &[])).collect()
}

#[test]
fn real_events_obey_the_schema() {
    let validator = validator();
    let events = varied_events();
    for event in &events {
        if let Err(error) = validator.validate(event) {
            panic!("{error}\nat {}: {event}", error.instance_path);
        }
    }

    // Check that the run was as varied as intended.
    let seen = |field: &str| events.iter().map(|event| event[field].to_string()).collect::<BTreeSet<_>>();
    assert!(seen("call").len() >= 40, "{:?}", seen("call"));
    assert!(seen("errno").len() >= 8, "{:?}", seen("errno"));
    assert!(seen("ops").len() >= 5, "{:?}", seen("ops"));
    assert!(seen("handler").len() >= 20, "{:?}", seen("handler"));
    assert!(
        by_call(&events, "socket").iter().any(|event| event["path"].as_array().is_some_and(|p| p.len() > 3))
    );
}

#[test]
fn events_have_the_documented_fields() {
    let schema = schema();
    let names =
        |object: &Value| object.as_object().expect("an object").keys().cloned().collect::<BTreeSet<_>>();
    let documented = names(&schema["properties"]);
    let addresses = names(&schema["$defs"]["address"]["properties"]);
    for event in events_of("calls", &[], &[]) {
        // The schema itself requires the mandatory ones.
        assert!(names(&event).is_subset(&documented), "{event}");
        let addr = &event["args"]["addr"];
        assert!(!addr.is_object() || names(addr).is_subset(&addresses), "{event}");
        for step in event["path"].as_array().expect("a path") {
            for field in step.as_object().expect("a step").keys() {
                let properties = &schema["$defs"]["step"]["properties"];
                assert!(properties.get(field).is_some(), "{field} of a step is not documented: {step}");
            }
        }
    }
}

#[test]
fn a_message_obeys_the_schema() {
    let validator = validator();
    let events = events_of("chat", &["3"], &[("SOCKSHIM_LOG", "loud")]);
    let message = by_call(&events, "sockshim")[0];
    assert!(validator.is_valid(message), "{message}");
    let mut without = message.clone();
    without["args"] = json!({});
    assert!(!validator.is_valid(&without));
}

/// A valid event that was not made by the library, so that the tests below test the schema alone.
fn bind_event() -> Map<String, Value> {
    let event = json!({
        "v": 1, "ts": 1754300000.123456, "pid": 42, "tid": 43, "comm": "http", "call": "bind", "fd": 3,
        "args": {"fd": 3, "addr": {"family": "AF_INET", "address": "127.0.0.1", "port": 80}, "addrlen": 16},
        "path": [{"fn": "__sys_bind"}, {"fn": "inet_bind", "state": "SS_UNCONNECTED", "sk_state": "TCP_CLOSE"}],
        "ops": "inet_stream_ops", "prot": "tcp_prot", "handler": "inet_bind", "outcome": "host",
        "reason": "host-owned", "ret": -1, "errno": "EADDRINUSE", "predicted": null, "ns": 1200,
    });
    event.as_object().expect("an object").clone()
}

#[test]
fn every_field_is_required_and_more_are_allowed() {
    let validator = validator();
    let event = bind_event();
    assert!(validator.is_valid(&event.clone().into()));
    let mut more = event.clone();
    more.insert("cpu".into(), json!(1));
    assert!(validator.is_valid(&more.into()));
    for field in event.keys() {
        let mut less = event.clone();
        less.remove(field);
        assert!(!validator.is_valid(&less.into()), "valid without {field}");
    }
}

#[test]
fn wrong_values_are_refused() {
    let validator = validator();
    let wrong = [
        ("v", json!([2, "1", null])),
        ("ts", json!(["1.5", -1, null])),
        ("pid", json!([0, "42", 4.5, null])),
        ("tid", json!([-1, "43", null])),
        ("comm", json!([1, null, []])),
        ("comm_bytes", json!(["0", "0X", 12, null])),
        ("call", json!(["", 49, null])),
        ("fd", json!(["3", 3.5, []])),
        (
            "args",
            json!([
                [], null, "fd=3", {"via": "vdso"}, {"rights": "1"}, {"truncated": false}, {"bytes": "f"},
                {"addr": 16}, {"addr": {}}, {"addr": {"family": "AF_UNIX", "path": "a", "kind": "file"}},
                {"addr": {"family": "AF_INET6", "scope_id": 0}}, {"addr": {"family": "AF_INET", "truncated": 1}},
                {"addr": {"family": "AF_PACKET", "hwaddr": "0:1"}}, {"addresses": 0}, {"address": "here"}, {"hints": {}},
                {"h_errnop": "ENOENT"}, {"node": 1}, {"errno": null}
            ]),
        ),
        (
            "path",
            json!([{}, null, ["inet_bind"], [{}], [{"fn": 1}], [{"fn": "inet_create", "protocol": "TCP"}]]),
        ),
        ("ops", json!([1, "", "inet stream ops", {}])),
        ("prot", json!([1, "", "TCP protocol", {}])),
        ("handler", json!([1, "", "inet_bind()", {}])),
        ("outcome", json!(["HOST", "maybe", null, 0])),
        ("reason", json!(["", "Host owned", null, 7])),
        ("ret", json!(["-1", null, 0.5])),
        ("errno", json!([98, "in use", "", "OK", "EAI NONAME", "GOT_IT"])),
        ("predicted", json!([98, "OK", "", true])),
        ("ns", json!([-1, "1200", 0.5, null])),
    ];
    assert_eq!(wrong.len(), bind_event().len() + 1);
    for (field, values) in wrong {
        for value in values.as_array().expect("values") {
            let mut event = bind_event();
            event.insert(field.into(), value.clone());
            assert!(!validator.is_valid(&event.into()), "{field} may be {value}");
        }
    }
}

#[test]
fn special_records_have_their_arguments() {
    let validator = validator();
    let cases = [
        ("dropped", json!({"count": 7}), true),
        ("dropped", json!({"count": 0}), false),
        ("dropped", json!({"count": "7"}), false),
        ("dropped", json!({}), false),
        ("sockshim", json!({"message": "SOCKSHIM_LOG=loud is not a level"}), true),
        ("sockshim", json!({"message": ""}), false),
        ("sockshim", json!({}), false),
        ("divergence", json!({}), true),
        ("summary", json!({"events": 9, "predicted": 3, "divergences": 0, "dropped": 0}), true),
        ("summary", json!({"events": 9, "predicted": 3, "divergences": 0}), false),
        ("summary", json!({}), false),
    ];
    for (call, args, valid) in cases {
        let mut event = bind_event();
        event.insert("call".into(), call.into());
        event.insert("args".into(), args.clone());
        assert_eq!(validator.is_valid(&event.into()), valid, "{call} {args}");
    }
}

/// Everything that has a type or a value has a description.
#[test]
fn everything_is_described() {
    fn walk(properties: &Value, at: &str) {
        for (name, property) in properties.as_object().expect("properties") {
            let description = property["description"].as_str().unwrap_or_default();
            assert!(description.ends_with('.'), "{at}/{name} has no description");
            if let Some(inner) = property.get("properties") {
                walk(inner, &format!("{at}/{name}"));
            }
        }
    }
    let schema = schema();
    walk(&schema["properties"], "");
    walk(&schema["$defs"], "$defs");
}
