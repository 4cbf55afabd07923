//! One module of a file: a family of sockets from a shared object.

use crate::rules::error::{Error, Source};
use crate::rules::file::value::{in_order, mistyped, one};
use crate::rules::text::sort;
use crate::rules::text::wrong::{Wrong, quoted};
use libc::c_int;
use std::ops::Range;
use toml::de::{DeTable, DeValue};

/// Every key of a module.
const KEYS: [&str; 2] = ["family", "file"];

/// Which shared object has a family of sockets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Module {
    /// The family; without one the module is asked for any that the kernel does not have.
    pub family: Option<c_int>,
    /// The path, from the directory of the rule file.
    pub file: Box<str>,
}

impl Module {
    /// The most modules that a file can name: `libsockshim_kmod.so` has places for one more, which is that of CAN.
    pub const MOST: usize = 31;

    /// The entry for `SOCKSHIM_MODULES`, where `directory` is that of the rule file.
    pub fn entry(&self, directory: &str) -> String {
        let mut entry = String::new();
        if let Some(family) = self.family {
            entry += &["net-pf-", &family.to_string(), "="].concat();
        }
        if !self.file.starts_with('/') {
            entry += &[directory.trim_end_matches('/'), "/"].concat();
        }
        entry + &self.file
    }
}

/// The module of a table whose header is at `span`.
pub(super) fn read(source: &Source, span: Range<usize>, table: &DeTable) -> Result<Module, Error> {
    let (mut family_of, mut file) = (None, None);
    for (key, value) in in_order(table) {
        match key.get_ref().as_ref() {
            "family" => family_of = Some(one(source, value, family)?),
            "file" => match value.get_ref() {
                DeValue::String(_) => file = Some(one(source, value, path)?),
                _ => return Err(mistyped(source, value, "a text")),
            },
            other => {
                let wrong = Wrong::unknown("key", other, KEYS.into_iter(), "a key of a module");
                return Err(source.error(key.span(), wrong));
            }
        }
    }
    let Some(file) = file else {
        let wrong = Wrong::new("a module without file", "expected file = \"./module.so\", or another one");
        return Err(source.error(span, wrong));
    };
    Ok(Module { family: family_of, file })
}

/// A family, or its alias.
fn family(text: &str) -> Result<c_int, Wrong> {
    sort::family(text.strip_prefix("net-pf-").unwrap_or(text))
}

/// A path that a list with colons can hold.
fn path(text: &str) -> Result<Box<str>, Wrong> {
    if text.is_empty() || text.contains(':') {
        let what = "not a file of a module: ".to_string() + &quoted(text);
        return Err(Wrong::new(what, "expected a path without a colon"));
    }
    Ok(text.into())
}
