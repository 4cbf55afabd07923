//! Whether a command has printed what a page shows. Times, process ids and how long something took differ from run to run.

/// What stands before a number that differs.
const BEFORE: [&str; 4] = ["\"time\": ", "\"pid\": ", " after ", " in "];

/// Whether these lines are as shown.
pub fn is_as_shown(shown: &[String], printed: &[String]) -> bool {
    match shown.split_first() {
        None => printed.is_empty(),
        Some((first, rest)) if first == "…" => {
            (0..=printed.len()).any(|from| is_as_shown(rest, &printed[from..]))
        }
        Some((first, rest)) => printed
            .split_first()
            .is_some_and(|(line, others)| is_line(first, line) && is_as_shown(rest, others)),
    }
}

/// Whether a line is as shown, where `…` stands for anything.
fn is_line(shown: &str, printed: &str) -> bool {
    let (shown, printed) = (steady(shown), steady(printed));
    let mut parts = shown.split('…');
    let Some(mut rest) = parts.next().and_then(|first| printed.strip_prefix(first)) else { return false };
    let parts: Vec<&str> = parts.collect();
    let Some((last, middle)) = parts.split_last() else { return rest.is_empty() };
    for part in middle {
        let Some(at) = rest.find(part) else { return false };
        rest = &rest[at + part.len()..];
    }
    rest.ends_with(last)
}

/// The line without what differs from run to run.
fn steady(line: &str) -> String {
    let mut steady = without_head(line.trim_end());
    for before in BEFORE {
        let mut from = 0;
        while let Some(at) = steady[from..].find(before) {
            from += at + before.len();
            let end =
                steady[from..].find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(steady.len() - from);
            if end > 0 {
                steady.replace_range(from..from + end, "0");
            }
        }
    }
    steady
}

/// A line of the log without its time and process: `06:10:52.838292 http[29714] `.
fn without_head(line: &str) -> String {
    let is_time =
        |word: &str| word.len() == 15 && word.chars().all(|c| c.is_ascii_digit() || ":.".contains(c));
    let of_log = line.split_once(' ').filter(|(time, _)| is_time(time));
    let rest =
        of_log.and_then(|(_, rest)| rest.split_once('[')?.1.split_once("] ").map(|(_, call)| (rest, call)));
    match rest {
        Some((rest, call)) => format!("{}: {call}", rest.split('[').next().unwrap_or_default()),
        None => line.into(),
    }
}
