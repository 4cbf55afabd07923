//! What `/proc` says of a process. Where there is no `/proc`, nothing is known.

use std::fs;

/// How many ancestors are looked at: enough for any tree, and an end if the tree changes meanwhile.
const GENERATIONS: usize = 1000;

/// A part of `/proc/PID/stat`.
#[derive(Debug, PartialEq, Eq)]
struct Stat {
    state: u8,
    parent: i32,
}

fn stat(pid: i32) -> Option<Stat> {
    parse(&fs::read(format!("/proc/{pid}/stat")).ok()?)
}

/// The fields behind the name, which may hold anything, also blanks and parentheses.
fn parse(line: &[u8]) -> Option<Stat> {
    let end = line.iter().rposition(|byte| *byte == b')')?;
    let rest = std::str::from_utf8(&line[end + 1..]).ok()?;
    let mut fields = rest.split_ascii_whitespace();
    Some(Stat { state: *fields.next()?.as_bytes().first()?, parent: fields.next()?.parse().ok()? })
}

/// The process's parent.
pub fn parent(pid: i32) -> Option<i32> {
    stat(pid).map(|stat| stat.parent)
}

/// Whether the process is there, and has not ended.
pub fn runs(pid: i32) -> bool {
    stat(pid).is_some_and(|stat| !matches!(stat.state, b'Z' | b'X'))
}

/// Whether the process is stopped.
pub fn is_stopped(pid: i32) -> bool {
    stat(pid).is_some_and(|stat| stat.state == b'T')
}

/// Whether one process is another one or descends from it.
pub fn descends(mut pid: i32, from: i32) -> bool {
    for _ in 0..GENERATIONS {
        if pid == from {
            return true;
        }
        match stat(pid) {
            Some(stat) if stat.parent > 0 => pid = stat.parent,
            _ => return false,
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::{Command, Stdio};

    #[test]
    fn names_do_not_confuse() {
        assert_eq!(parse(b"7 (a) R 9 (b)) S 3 1 1"), Some(Stat { state: b'S', parent: 3 }));
        for bad in [&b""[..], b"7 (a", b"7 (a)", b"7 (a) S", b"7 (a) S x", b"7 (a) \xff 1"] {
            assert_eq!(parse(bad), None);
        }
    }

    #[test]
    fn children_descend() {
        let own = std::process::id() as i32;
        let mut child = Command::new("cat").stdin(Stdio::piped()).spawn().expect("cat");
        let pid = child.id() as i32;
        assert!(descends(pid, own) && descends(own, own) && !descends(own, pid) && !descends(1, own));
        assert!(!is_stopped(pid) && !is_stopped(-1));
        drop(child.stdin.take());
        child.wait().expect("our own child");
    }
}
