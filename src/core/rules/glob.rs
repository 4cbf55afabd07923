//! Globs over paths and names.

use std::fmt;

/// A glob: `?`, `*` (not over a slash), `**`, `[a-z]`, `{a,b}`, `\` before a character that is meant as it is, and `!` in
/// front for what does not match. A `*` alone matches everything.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Glob(Box<str>);

impl Glob {
    /// The glob, if it is a whole one.
    ///
    /// # Errors
    /// The byte in `text` that is wrong, and why.
    pub fn new(text: &str) -> Result<Glob, (usize, &'static str)> {
        match fast_glob::validate(text) {
            Ok(()) => Ok(Glob(text.into())),
            Err(error) => Err((
                error.index,
                match error.kind {
                    fast_glob::ErrorKind::UnclosedBrace => "a { without a }",
                    fast_glob::ErrorKind::UnclosedBracket => "a [ without a ]",
                    fast_glob::ErrorKind::TrailingBackslash => "a \\ with nothing behind it",
                    _ => "too many { }",
                },
            )),
        }
    }

    /// Its text.
    pub fn text(&self) -> &str {
        &self.0
    }

    /// Whether it matches everything.
    pub fn is_everything(&self) -> bool {
        matches!(&*self.0, "*" | "**")
    }

    /// Whether it matches these bytes. It allocates nothing.
    pub fn matches(&self, bytes: &[u8]) -> bool {
        self.is_everything() || fast_glob::glob_match(self.0.as_bytes(), bytes)
    }

    /// Whether it matches this host name: in any case, with or without the dot of the root.
    pub fn matches_host(&self, host: &[u8]) -> bool {
        let host = host.strip_suffix(b".").unwrap_or(host);
        let mut lower = [0; LONGEST_HOST];
        match lower.get_mut(..host.len()) {
            Some(lower) => {
                lower.copy_from_slice(host);
                lower.make_ascii_lowercase();
                self.matches(lower)
            }
            None => self.is_everything(),
        }
    }

    /// Whether it matches a program: its name, or its path if the glob has a slash.
    pub fn matches_program(&self, path: &[u8]) -> bool {
        let name = path.rsplit(|byte| *byte == b'/').next().unwrap_or(path);
        self.matches(if self.0.contains('/') { path } else { name })
    }

    /// Whether it matches a path of AF_UNIX. A relative path is one below `directory` for a glob that begins at the
    /// root.
    pub fn matches_path(&self, path: &[u8], directory: Option<&[u8]>) -> bool {
        match directory {
            Some(directory) if self.0.starts_with('/') && !path.starts_with(b"/") => {
                self.matches_below(path, directory)
            }
            _ => self.matches(path),
        }
    }

    /// A function of its own, because it takes much of the stack.
    #[inline(never)]
    fn matches_below(&self, path: &[u8], directory: &[u8]) -> bool {
        let mut whole = Whole { bytes: [0; LONGEST_PATH], len: 0 };
        whole.walk(directory).and_then(|()| whole.walk(path)).is_some_and(|()| {
            let path = whole.bytes.get(..whole.len).unwrap_or_default();
            self.matches(path)
        })
    }
}

/// The longest host name that is compared, in bytes; DNS has names of up to 253.
const LONGEST_HOST: usize = 256;
/// The longest whole path, in bytes.
const LONGEST_PATH: usize = libc::PATH_MAX as usize;

/// An absolute path that is put together from its components. Links are not followed.
struct Whole {
    bytes: [u8; LONGEST_PATH],
    len: usize,
}

impl Whole {
    /// Goes on along `path`; `None` if there is no space.
    fn walk(&mut self, path: &[u8]) -> Option<()> {
        for component in path.split(|byte| *byte == b'/') {
            match component {
                b"" | b"." => {}
                b".." => {
                    let so_far = self.bytes.get(..self.len)?;
                    self.len = so_far.iter().rposition(|byte| *byte == b'/').unwrap_or(0);
                }
                _ => {
                    let end = self.len + 1 + component.len();
                    let (slash, rest) = self.bytes.get_mut(self.len..end)?.split_first_mut()?;
                    *slash = b'/';
                    rest.copy_from_slice(component);
                    self.len = end;
                }
            }
        }
        Some(())
    }
}

impl fmt::Display for Glob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn glob(text: &str) -> Glob {
        Glob::new(text).expect(text)
    }

    #[test]
    fn globs() {
        for (text, yes, no) in [
            ("/run/*.sock", "/run/a.sock", "/run/a/b.sock"),
            ("/run/**", "/run/a/b", "/tmp/a"),
            ("*", "/any/thing", "\0"),
            ("db?", "db1", "db"),
            ("{a,b}", "b", "c"),
            ("!a", "b", "a"),
            ("", "", "a"),
        ] {
            assert!(glob(text).matches(yes.as_bytes()), "{text} {yes}");
            assert!(text == "*" || !glob(text).matches(no.as_bytes()), "{text} {no}");
        }
        assert!(glob("*").matches(b"\xff\0"));
        for (text, index) in [("a{b", 1), ("[a", 0), ("ab\\", 2)] {
            assert_eq!(Glob::new(text).map_err(|error| error.0), Err(index), "{text}");
        }
    }

    #[test]
    fn hosts_have_no_case_and_may_end_with_a_dot() {
        assert!(glob("*.example.com").matches_host(b"A.b.Example.COM."));
        assert!(!glob("*.example.com").matches_host(b"example.com"));
        assert!(glob("*").matches_host(&[b'a'; 300]) && !glob("a*").matches_host(&[b'a'; 300]));
    }

    #[test]
    fn programs_by_name_or_path() {
        assert!(glob("python3*").matches_program(b"/usr/bin/python3.11"));
        assert!(!glob("python3*").matches_program(b"/usr/python3/ls"));
        assert!(glob("/usr/bin/*").matches_program(b"/usr/bin/ls"));
        assert!(!glob("/usr/bin/*").matches_program(b"ls"));
    }

    #[test]
    fn relative_paths_begin_at_the_directory() {
        let run = Some(b"/run/x".as_slice());
        for path in ["a.sock", "./a.sock", "../x/a.sock", "b//../a.sock", "../../../run/x/a.sock"] {
            assert!(glob("/run/x/*.sock").matches_path(path.as_bytes(), run), "{path}");
        }
        assert!(glob("*.sock").matches_path(b"a.sock", run));
        assert!(!glob("/run/x/*.sock").matches_path(b"../a.sock", run));
        assert!(!glob("/run/x/*.sock").matches_path(b"a.sock", None));
        assert!(glob("/a").matches_path(b"a", Some(b"/")));
        assert!(!glob("/**").matches_path(&[b'a'; 4096], run));
    }
}
