//! The program that is started, as execvp(3) starts it.

use super::refusal::{NOT_EXECUTABLE, NOT_FOUND, Refusal};
use crate::commands::check::find::{self, Missing};
use nix::errno::Errno;
use std::ffi::{CStr, CString, OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};

/// What executes a file of commands that names no interpreter.
pub const SHELL: &CStr = c"/bin/sh";

/// A program with its arguments.
pub struct Program {
    /// As it was asked for.
    pub name: OsString,
    path: CString,
    arguments: Vec<CString>,
}

impl Program {
    /// Finds the program: the first word, which is looked for in PATH unless it has a slash.
    ///
    /// # Errors
    /// There is none, or it cannot be executed.
    pub fn find(words: &[OsString]) -> Result<Program, Refusal> {
        let name = words.first().cloned().unwrap_or_default();
        let refused = |code, why: &str| Refusal { code, why: format!("{}: {why}", name.display()) };
        let path = find::program(&name).map_err(|missing| match missing {
            Missing::NotFound => refused(NOT_FOUND, "there is no such program"),
            Missing::NotExecutable(_, why) => refused(NOT_EXECUTABLE, why),
        })?;
        // The words come from a vector of C strings, so none holds a NUL.
        let c_string = |text: &OsStr| CString::new(text.as_bytes()).unwrap_or_default();
        let arguments = words.iter().map(|word| c_string(word)).collect();
        Ok(Program { path: c_string(path.as_os_str()), arguments, name })
    }

    /// Has `start` start the program, given its file and arguments.
    ///
    /// # Errors
    /// The kernel refuses it.
    pub fn start<T>(&self, start: impl Fn(&CStr, &[CString]) -> nix::Result<T>) -> Result<T, Refusal> {
        let error = match start(&self.path, &self.arguments) {
            Err(Errno::ENOEXEC) => {
                let rest = self.arguments.iter().skip(1).cloned();
                let arguments: Vec<CString> =
                    [SHELL.to_owned(), self.path.clone()].into_iter().chain(rest).collect();
                start(SHELL, &arguments)
            }
            answer => answer,
        };
        error.map_err(|error| Refusal {
            code: if error == Errno::ENOENT { NOT_FOUND } else { NOT_EXECUTABLE },
            why: format!("{}: {}", self.name.display(), error.desc()),
        })
    }
}

/// The variables as exec takes them.
pub fn lines(variables: Vec<(OsString, OsString)>) -> Vec<CString> {
    let line = |(name, value): (OsString, OsString)| {
        let bytes = [name.into_vec(), value.into_vec()].join(&b'=');
        // What comes from an environment or a command line holds no NUL.
        CString::new(bytes).unwrap_or_default()
    };
    variables.into_iter().map(line).collect()
}
