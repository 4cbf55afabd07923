//! Rule files: TOML with one table for each rule and each module.
//!
//! [`parse`] is what a process does that was given a file. [`parse_with_warnings`] also looks for rules that are probably
//! not meant as they stand, which takes longer, and is for who can tell a user.

mod document;
mod module;
mod table;
mod value;

use crate::rules::doubt::doubts;
use crate::rules::error::{Error, Warning};
use crate::rules::rule::Rule;

pub use document::LONGEST;
pub use module::Module;
pub use table::KEYS;

/// What a file says.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Contents {
    /// Its rules, in order.
    pub rules: Vec<Rule>,
    /// Its modules, in order.
    pub modules: Vec<Module>,
}

/// What a file's bytes say. `name` is the file's, for the messages.
///
/// # Errors
/// The first thing that cannot be understood.
pub fn parse(bytes: &[u8], name: &str) -> Result<Contents, Error> {
    document::read(bytes, name).map(|document| Contents { rules: document.rules, modules: document.modules })
}

/// What a file's bytes say, and what is probably not meant as it stands.
///
/// # Errors
/// The first thing that cannot be understood.
pub fn parse_with_warnings(bytes: &[u8], name: &str) -> Result<(Contents, Vec<Warning>), Error> {
    let document = document::read(bytes, name)?;
    let warnings = doubts(&document.rules).into_iter().filter_map(|doubt| {
        let span = document.spans.get(doubt.rule)?.clone();
        Some(document.source.warning(span, doubt.wrong()))
    });
    let warnings = warnings.collect();
    Ok((Contents { rules: document.rules, modules: document.modules }, warnings))
}

#[cfg(test)]
mod tests;
