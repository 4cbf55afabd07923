//! Reading the shim's log.

use std::fs;
use std::path::Path;

use serde_json::Value;

/// Every event of every `*.jsonl` file of a directory, ordered by file name and line. Panics with the line when one
/// is not JSON or does not end with a newline.
pub fn events(log_dir: &Path) -> Vec<Value> {
    let entries = fs::read_dir(log_dir).unwrap_or_else(|error| panic!("{}: {error}", log_dir.display()));
    let mut files: Vec<_> = entries.map(|entry| entry.expect("a directory entry").path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "jsonl"));
    files.sort();
    files.iter().flat_map(|file| events_of(file)).collect()
}

fn events_of(file: &Path) -> Vec<Value> {
    let bytes = fs::read(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    let text = String::from_utf8(bytes).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    assert!(text.is_empty() || text.ends_with('\n'), "{}: the last line is cut off: {text}", file.display());
    let parse = |line: &str| {
        let event = serde_json::from_str::<Value>(line);
        let event = event.unwrap_or_else(|error| panic!("{}: {error}: {line}", file.display()));
        assert!(event.is_object(), "{}: not an object: {line}", file.display());
        event
    };
    text.lines().map(parse).collect()
}

/// The events of one call, such as `"accept4"`.
pub fn by_call<'a>(events: &'a [Value], call: &str) -> Vec<&'a Value> {
    events.iter().filter(|event| event["call"] == call).collect()
}

/// The events of calls that the program made, without the shim's records about itself.
pub fn without_special(events: &[Value]) -> Vec<&Value> {
    let special = |event: &&Value| {
        ["dropped", "divergence", "summary", "sockshim", "unseen"].iter().any(|call| event["call"] == *call)
    };
    events.iter().filter(|event| !special(event)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Scratch;

    #[test]
    fn files_and_lines_keep_their_order() {
        let log = Scratch::new();
        log.write("2.jsonl", "{\"call\":\"close\"}\n");
        log.write("1.jsonl", "{\"call\":\"socket\"}\n{\"call\":\"divergence\"}\n");
        log.write("other.txt", "not a log");
        let events = events(log.path());
        let calls: Vec<_> = events.iter().map(|event| event["call"].as_str().unwrap_or("")).collect();
        assert_eq!(calls, ["socket", "divergence", "close"]);
        assert_eq!((by_call(&events, "close").len(), without_special(&events).len()), (1, 2));
    }

    #[test]
    #[should_panic(expected = "half an ev")]
    fn half_a_line_is_an_error() {
        let log = Scratch::new();
        log.write("1.jsonl", "{}\nhalf an ev\n");
        events(log.path());
    }

    #[test]
    #[should_panic(expected = "cut off")]
    fn unfinished_line_is_an_error() {
        let log = Scratch::new();
        log.write("1.jsonl", "{}\n{}");
        events(log.path());
    }
}
