//! The first line of a script, as the kernel reads it.

/// As much of a file as the kernel looks at to find out what it is (`BINPRM_BUF_SIZE`).
pub const HEAD: usize = 256;
/// How many interpreters the kernel follows before it returns ELOOP.
pub const NESTING: usize = 5;

/// A `#!` line: the interpreter, and its one optional argument.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Script<'a> {
    /// The interpreter's path.
    pub interpreter: &'a [u8],
    /// The rest of the line, which the kernel passes as one argument.
    pub argument: Option<&'a [u8]>,
}

/// Whether the file begins as a script.
pub fn is_script(head: &[u8]) -> bool {
    head.starts_with(b"#!")
}

/// Parses the line from the first [`HEAD`] bytes of a file (or from a shorter file). `None` for what the kernel
/// refuses (ENOEXEC): no interpreter, or one whose name may continue after the bytes that it reads.
pub fn parse(head: &[u8]) -> Option<Script<'_>> {
    let rest = head.get(..head.len().min(HEAD))?.strip_prefix(b"#!")?;
    let end = rest.iter().position(|byte| *byte == b'\n');
    // The kernel keeps the last byte of its buffer for a terminator.
    let line = &rest[..end.unwrap_or(rest.len().min(HEAD - 3))];
    let line = &line[..line.iter().position(|byte| *byte == 0).unwrap_or(line.len())];
    let start = line.iter().position(|byte| !is_blank(*byte))?;
    let line = &line[start..];
    let split = line.iter().position(|byte| is_blank(*byte));
    if end.is_none() && split.is_none() && head.len() >= HEAD {
        return None;
    }
    let (interpreter, argument) = line.split_at(split.unwrap_or(line.len()));
    let argument = argument.trim_ascii();
    Some(Script { interpreter, argument: (!argument.is_empty()).then_some(argument) })
}

fn is_blank(byte: u8) -> bool {
    byte == b' ' || byte == b'\t'
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(head: &[u8]) -> Option<(&str, Option<&str>)> {
        let text = |bytes| core::str::from_utf8(bytes).expect("these are text");
        parse(head).map(|script| (text(script.interpreter), script.argument.map(text)))
    }

    #[test]
    fn one_interpreter_and_one_argument() {
        assert_eq!(parsed(b"#!/bin/sh\n"), Some(("/bin/sh", None)));
        assert_eq!(parsed(b"#!/bin/sh"), Some(("/bin/sh", None)));
        assert_eq!(parsed(b"#! \t/bin/sh -e  \nrest"), Some(("/bin/sh", Some("-e"))));
        assert_eq!(parsed(b"#!/usr/bin/env -S a  b\n"), Some(("/usr/bin/env", Some("-S a  b"))));
    }

    #[test]
    fn what_the_kernel_refuses() {
        for head in [&b""[..], b"#", b"#!", b"#!\n", b"#!  \t\n/bin/sh", b"\x7fELF"] {
            assert_eq!(parsed(head), None);
        }
        let mut long = b"#!/".to_vec();
        long.resize(300, b'a');
        assert_eq!(parsed(&long), None);
        long[200] = b' ';
        assert_eq!(parsed(&long).map(|(interpreter, _)| interpreter.len()), Some(198));
    }
}
