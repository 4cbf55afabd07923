//! The file as a whole.

use crate::rules::error::{Error, Source};
use crate::rules::file::module::{self, Module};
use crate::rules::file::table;
use crate::rules::file::value::{in_order, type_name};
use crate::rules::list::Rules;
use crate::rules::rule::Rule;
use crate::rules::text::wrong::{Wrong, quoted};
use std::ops::Range;
use toml::de::{DeTable, DeValue};

/// The longest file in bytes.
pub const LONGEST: usize = 1 << 20;

/// What a file says.
pub(super) struct Document<'a> {
    pub source: Source<'a>,
    pub rules: Vec<Rule>,
    /// Where each rule begins.
    pub spans: Vec<Range<usize>>,
    pub modules: Vec<Module>,
}

/// Reads a file's bytes.
pub(super) fn read<'a>(bytes: &'a [u8], name: &'a str) -> Result<Document<'a>, Error> {
    if bytes.len() > LONGEST {
        return Err(Error::of_file(name, "is longer than 1 MiB"));
    }
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => {
            let good = bytes.get(..error.valid_up_to()).and_then(|good| std::str::from_utf8(good).ok());
            let text = good.unwrap_or_default();
            let source = Source { name, text, has_lines: true };
            return Err(source.error(text.len()..text.len(), Wrong::new("not UTF-8", "")));
        }
    };
    let source = Source { name, text, has_lines: true };
    if let Some(at) = text.find('\0') {
        return Err(source.error(at..at + 1, Wrong::new("a NUL byte", "")));
    }
    let root = DeTable::parse(text).map_err(|error| {
        let wrong = Wrong::new("not TOML: ".to_string() + error.message(), "");
        source.error(error.span().unwrap_or_default(), wrong)
    })?;
    let mut document = Document { source, rules: Vec::new(), spans: Vec::new(), modules: Vec::new() };
    for (key, value) in in_order(root.get_ref()) {
        match (key.get_ref().as_ref(), value.get_ref()) {
            ("rule", DeValue::Array(tables)) => {
                for table in tables.iter() {
                    document.push(table.span(), table.get_ref())?;
                }
            }
            ("module", DeValue::Array(tables)) => {
                for table in tables.iter() {
                    document.push_module(table.span(), table.get_ref())?;
                }
            }
            (one @ ("rule" | "module"), _) => {
                let what = ["one ", one, " where a list is expected"].concat();
                let wrong = Wrong::new(what, ["expected [[", one, "]]"].concat());
                return Err(source.error(key.span(), wrong));
            }
            (other, _) => {
                let wrong = Wrong::unknown("key", other, ["rule", "module"].into_iter(), "[[rule]]");
                return Err(source.error(key.span(), wrong));
            }
        }
    }
    Ok(document)
}

impl Document<'_> {
    /// Adds a rule.
    fn push(&mut self, span: Range<usize>, value: &DeValue) -> Result<(), Error> {
        let DeValue::Table(keys) = value else {
            let wrong = Wrong::new("not a rule: ".to_string() + type_name(value), "expected [[rule]]");
            return Err(self.source.error(span, wrong));
        };
        if self.rules.len() == Rules::MOST {
            let wrong = Wrong::new("too many rules", "a list of addresses is one rule");
            return Err(self.source.error(span, wrong));
        }
        let (rule, name) = table::read(&self.source, span.clone(), keys, self.rules.len() + 1)?;
        if let Some(name) = name
            && self.rules.iter().any(|earlier| earlier.name == rule.name)
        {
            let wrong = Wrong::new("a second rule with the name ".to_string() + &quoted(&rule.name), "");
            return Err(self.source.error(name, wrong));
        }
        self.rules.push(rule);
        self.spans.push(span);
        Ok(())
    }

    /// Adds a module.
    fn push_module(&mut self, span: Range<usize>, value: &DeValue) -> Result<(), Error> {
        let DeValue::Table(keys) = value else {
            let wrong = Wrong::new("not a module: ".to_string() + type_name(value), "expected [[module]]");
            return Err(self.source.error(span, wrong));
        };
        if self.modules.len() == Module::MOST {
            return Err(self.source.error(span, Wrong::new("too many modules", "expected at most 31")));
        }
        self.modules.push(module::read(&self.source, span, keys)?);
        Ok(())
    }
}
