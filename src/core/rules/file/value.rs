//! Values of TOML as the words and numbers that rules are made of.

use crate::rules::error::{Error, Source};
use crate::rules::text::wrong::Wrong;
use std::borrow::Cow;
use std::ops::Range;
use toml::Spanned;
use toml::de::{DeString, DeTable, DeValue};

/// A key of a table.
pub(super) type Key<'a> = Spanned<DeString<'a>>;
/// A value with its place.
pub(super) type Value<'a> = Spanned<DeValue<'a>>;

/// A table's entries in the order of the file.
pub(super) fn in_order<'t, 'a>(table: &'t DeTable<'a>) -> Vec<(&'t Key<'a>, &'t Value<'a>)> {
    let mut entries: Vec<_> = table.iter().collect();
    entries.sort_by_key(|(key, _)| key.span().start);
    entries
}

/// What a value is.
pub(super) fn type_name(value: &DeValue) -> &'static str {
    match value {
        DeValue::String(_) => "a text",
        DeValue::Integer(_) | DeValue::Float(_) => "a number",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}

/// The wrong type of a value.
pub(super) fn mistyped(source: &Source, value: &Value, expected: &str) -> Error {
    let what = "a wrong type: ".to_string() + type_name(value.get_ref());
    source.error(value.span(), Wrong::new(what, "expected ".to_string() + expected))
}

/// A text, or a number as its digits in decimal.
fn word<'t>(source: &Source, value: &'t Value) -> Result<Cow<'t, str>, Error> {
    match value.get_ref() {
        DeValue::String(text) => Ok(Cow::Borrowed(text)),
        DeValue::Integer(number) if number.radix() == 10 => Ok(Cow::Borrowed(number.as_str())),
        DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix())
            .map(|number| Cow::Owned(number.to_string()))
            .map_err(|_| source.error(value.span(), Wrong::new("too large a number", ""))),
        DeValue::Float(number) => Ok(Cow::Borrowed(number.as_str())),
        _ => Err(mistyped(source, value, "a text or a number")),
    }
}

/// What `read` makes of a text or number.
pub(super) fn one<T>(
    source: &Source,
    value: &Value,
    read: impl FnOnce(&str) -> Result<T, Wrong>,
) -> Result<T, Error> {
    let word = word(source, value)?;
    read(&word).map_err(|wrong| source.error(place(source, value.span(), &word, wrong.at.clone()), wrong))
}

/// What `read` makes of a text or number, or of each of a list.
pub(super) fn each(
    source: &Source,
    value: &Value,
    read: &mut dyn FnMut(&str) -> Result<(), Wrong>,
) -> Result<(), Error> {
    match value.get_ref() {
        DeValue::Array(list) if list.is_empty() => {
            Err(source
                .error(value.span(), Wrong::new("an empty list", "expected at least one, or no such key")))
        }
        DeValue::Array(list) => list.iter().try_for_each(|value| one(source, value, &mut *read)),
        _ => one(source, value, read),
    }
}

/// What `read` makes of a text or number, or of each of a list.
pub(super) fn list<T>(
    source: &Source,
    value: &Value,
    read: fn(&str) -> Result<T, Wrong>,
) -> Result<Vec<T>, Error> {
    let mut list = Vec::new();
    each(source, value, &mut |text| {
        list.push(read(text)?);
        Ok(())
    })?;
    Ok(list)
}

/// True or false.
pub(super) fn boolean(source: &Source, value: &Value) -> Result<bool, Error> {
    match value.get_ref() {
        DeValue::Boolean(value) => Ok(*value),
        _ => Err(mistyped(source, value, "true or false")),
    }
}

/// True, because the same as false is said by nothing.
pub(super) fn only_true(source: &Source, value: &Value) -> Result<(), Error> {
    match value.get_ref() {
        DeValue::Boolean(true) => Ok(()),
        DeValue::Boolean(false) => {
            Err(source.error(value.span(), Wrong::new("false does nothing", "expected true, or no such key")))
        }
        _ => Err(mistyped(source, value, "true")),
    }
}

/// The bytes of the file that hold a part of a value: of a text without escape sequences the part, else all of it.
fn place(source: &Source, span: Range<usize>, word: &str, part: Option<Range<usize>>) -> Range<usize> {
    let inner = span.start + 1..span.end.saturating_sub(1);
    match part {
        Some(part) if source.text.get(inner.clone()) == Some(word) => {
            inner.start + part.start..inner.start + part.end
        }
        _ => span,
    }
}
