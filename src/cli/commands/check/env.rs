//! `#!/usr/bin/env PROG`: which program env(1) will execute.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// What env(1) will execute.
#[derive(Debug, PartialEq, Eq)]
pub enum EnvTarget<'a> {
    /// This program, with the environment that env got.
    Program(&'a OsStr),
    /// This program, without `LD_PRELOAD`.
    Cleared(&'a OsStr),
    /// A program that the line alone does not determine.
    Unclear,
}

/// Whether the interpreter is env(1), by its name.
pub fn is_env(interpreter: &Path) -> bool {
    interpreter.file_name() == Some(OsStr::new("env"))
}

/// Parses the single argument that the kernel makes of the rest of a `#!` line.
pub fn asked(argument: &[u8]) -> EnvTarget<'_> {
    let split = argument.strip_prefix(b"-S").or_else(|| argument.strip_prefix(b"--split-string="));
    let Some(line) = split else {
        // Without -S, env gets the argument in one piece, with its blanks.
        return match argument {
            [] | [b'-', ..] => EnvTarget::Unclear,
            _ if argument.contains(&b'=') => EnvTarget::Unclear,
            _ => EnvTarget::Program(OsStr::from_bytes(argument)),
        };
    };
    // Quotes, escapes and variables follow env's own syntax, which is not parsed here.
    if line.iter().any(|byte| b"'\"\\$#".contains(byte)) {
        return EnvTarget::Unclear;
    }
    let mut cleared = false;
    let mut words = line.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
    while let Some(word) = words.next() {
        match word {
            b"-i" | b"-" | b"--ignore-environment" => cleared = true,
            b"-u" | b"-C" => {
                let name = words.next();
                cleared |= word == b"-u" && name == Some(b"LD_PRELOAD");
            }
            [b'-', ..] => return EnvTarget::Unclear,
            _ if word.starts_with(b"LD_PRELOAD=") => cleared = true,
            _ if word.contains(&b'=') => {}
            _ if cleared => return EnvTarget::Cleared(OsStr::from_bytes(word)),
            _ => return EnvTarget::Program(OsStr::from_bytes(word)),
        }
    }
    EnvTarget::Unclear
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_are_found_in_the_argument() {
        let program = |name| EnvTarget::Program(OsStr::new(name));
        assert_eq!(asked(b"python3"), program("python3"));
        assert_eq!(asked(b"python3 -u"), program("python3 -u"));
        assert_eq!(asked(b"-S python3 -u"), program("python3"));
        assert_eq!(asked(b"-S A=1 -u B -C / perl -w"), program("perl"));
        assert_eq!(asked(b"-Snode"), program("node"));
        assert_eq!(asked(b"-S -i python3"), EnvTarget::Cleared(OsStr::new("python3")));
        assert_eq!(asked(b"-S -u LD_PRELOAD python3"), EnvTarget::Cleared(OsStr::new("python3")));
    }

    #[test]
    fn what_is_not_understood_is_left_alone() {
        for argument in ["", "-i", "-S", "-S -0 x", "-S 'a b'", "A=1", "-S ${HOME}/x"] {
            assert_eq!(asked(argument.as_bytes()), EnvTarget::Unclear, "{argument}");
        }
    }
}
