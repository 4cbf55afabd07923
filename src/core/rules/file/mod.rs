//! Rule files: TOML with one table for each rule.
//!
//! [`parse`] is what a process does that was given a file. [`parse_with_warnings`] also looks for rules that are probably
//! not meant as they stand, which takes longer, and is for who can tell a user.

mod document;
mod table;
mod value;

use crate::rules::doubt::doubts;
use crate::rules::error::{Error, Warning};
use crate::rules::rule::Rule;

pub use document::LONGEST;
pub use table::KEYS;

/// The rules in a file's bytes. `name` is the file's, for the messages.
///
/// # Errors
/// The first thing that cannot be understood.
pub fn parse(bytes: &[u8], name: &str) -> Result<Vec<Rule>, Error> {
    document::read(bytes, name).map(|document| document.rules)
}

/// The rules in a file's bytes, and what is probably not meant as it stands.
///
/// # Errors
/// The first thing that cannot be understood.
pub fn parse_with_warnings(bytes: &[u8], name: &str) -> Result<(Vec<Rule>, Vec<Warning>), Error> {
    let document = document::read(bytes, name)?;
    let warnings = doubts(&document.rules).into_iter().filter_map(|doubt| {
        let span = document.spans.get(doubt.rule)?.clone();
        Some(document.source.warning(span, doubt.wrong()))
    });
    let warnings = warnings.collect();
    Ok((document.rules, warnings))
}

#[cfg(test)]
mod tests;
