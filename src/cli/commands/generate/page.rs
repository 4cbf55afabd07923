//! The man pages: one for the command, and one for each subcommand.
//!
//! clap_mangen makes of a command what clap knows of it. It would run the texts behind the options together to one
//! paragraph, so these are set here: their titles become headings, and their columns entries.

use clap::Command;
use clap_mangen::Man;
use clap_mangen::roff::{Roff, bold, roman};
use std::io;

/// The name and the text of each page.
///
/// # Errors
/// None, because nothing is written but memory.
pub fn pages(command: Command) -> io::Result<Vec<(String, Vec<u8>)>> {
    // `sockshim help` says what `--help` says.
    let mut command = command.disable_help_subcommand(true);
    command.build();
    let mut commands = Vec::new();
    collect(&command, &mut commands);
    let names: Vec<String> = commands.iter().map(|command| name(command)).collect();
    let pages = commands.into_iter().zip(&names);
    pages.map(|(command, own)| Ok((own.clone(), page(command.clone(), own, &names)?))).collect()
}

/// A command, and what is below it.
fn collect<'a>(command: &'a Command, into: &mut Vec<&'a Command>) {
    into.push(command);
    command.get_subcommands().for_each(|below| collect(below, into));
}

/// `sockshim`, `sockshim-run`.
fn name(command: &Command) -> String {
    command.get_display_name().unwrap_or(command.get_name()).to_owned()
}

fn page(mut command: Command, own: &str, names: &[String]) -> io::Result<Vec<u8>> {
    let after = command.get_after_long_help().or(command.get_after_help());
    let after = after.map(ToString::to_string).unwrap_or_default();
    let has_subcommands = command.has_subcommands();
    // The line that `--help` shows: clap_mangen's own leaves out the values of options, and that there may be several.
    let usage = command.render_usage().to_string();
    let man = Man::new(command.override_usage(usage.trim_start_matches("Usage: ").to_owned()));
    let mut text = title(own).into_bytes();
    man.render_name_section(&mut text)?;
    man.render_synopsis_section(&mut text)?;
    man.render_description_section(&mut text)?;
    man.render_options_section(&mut text)?;
    if has_subcommands {
        man.render_subcommands_section(&mut text)?;
    }
    let mut roff = Roff::new();
    sections(&mut roff, &after);
    roff.control("SH", ["SEE ALSO"]);
    let others = names.iter().filter(|name| *name != own).map(|name| format!("{name}(1)"));
    roff.text([roman(others.chain(["strace(1)".into(), "ld.so(8)".into()]).collect::<Vec<_>>().join(", "))]);
    roff.to_writer(&mut text)?;
    // A terminal without Unicode has no such character, of which man complains.
    Ok(String::from_utf8_lossy(&text).replace('…', "...").into_bytes())
}

/// The first lines. There is no date, so that the same source makes the same page; roff would leave out an empty argument.
/// Lines are not stretched and words not parted, because many of them are options and addresses.
fn title(name: &str) -> String {
    const VERSION: &str = env!("CARGO_PKG_VERSION");
    format!(".TH {} 1 \"\" \"sockshim {VERSION}\" \"User Commands\"\n.ad l\n.nh\n", name.to_uppercase())
}

/// The texts behind the options. They consist of titles, which end in a colon, and of indented lines below them.
fn sections(roff: &mut Roff, text: &str) {
    let mut lines = text.lines().peekable();
    let (mut is_code, mut has_entries) = (false, false);
    if lines.peek().is_some_and(|line| indentation(line) == 0 && !line.ends_with(':')) {
        roff.control("SH", ["NOTES"]);
    }
    while let Some(line) = lines.next() {
        if line.is_empty() {
            roff.control("PP", []);
        } else if let Some(title) = line.strip_suffix(':').filter(|_| indentation(line) == 0) {
            (is_code, has_entries) = (title == "Examples", false);
            heading(roff, title);
        } else if indentation(line) == 0 {
            roff.text([roman(line)]);
        } else {
            let has_more = |line: &&str| indentation(line) > 2;
            let more: Vec<&str> = std::iter::from_fn(|| lines.next_if(has_more)).map(str::trim).collect();
            let line = line.trim();
            if more.is_empty() && !line.contains(GAP) {
                if is_code || has_entries {
                    roff.control("PP", []);
                }
                roff.text([if is_code { bold(line) } else { roman(line) }]);
            } else {
                entry(roff, line, &more);
                has_entries = true;
            }
        }
    }
}

/// A title. What follows a comma, or begins in lower case, is no heading of its own.
fn heading(roff: &mut Roff, title: &str) {
    if title.starts_with(char::is_lowercase) {
        roff.control("SS", [capitalized(title).as_str()]);
        return;
    }
    let (title, of) = title.split_once(", ").map_or((title, None), |(title, of)| (title, Some(of)));
    // Options keep their case.
    let upper = |word: &str| if word.starts_with('-') { word.to_owned() } else { word.to_uppercase() };
    let title = title.split(' ').map(upper).collect::<Vec<_>>().join(" ");
    roff.control("SH", [title.as_str()]);
    if let Some(of) = of {
        roff.text([roman(format!("{}:", capitalized(of)))]);
    }
}

/// What stands between two columns.
const GAP: &str = "  ";

/// A term, and what it means, which goes on in `more`.
fn entry(roff: &mut Roff, line: &str, more: &[&str]) {
    // If the lines below have columns of their own, the meaning is a table, which stays as it is.
    let is_table = more.iter().any(|line| line.contains(GAP));
    // Else only the last column is the meaning.
    let split = if is_table { line.split_once(GAP) } else { line.rsplit_once(GAP) };
    let (term, meaning) = split.map_or((line, None), |(term, meaning)| (term, Some(meaning.trim())));
    roff.control("TP", []);
    roff.text([bold(term.split_whitespace().collect::<Vec<_>>().join(" "))]);
    if is_table {
        roff.control("nf", []);
    }
    for line in meaning.iter().chain(more) {
        roff.text([roman(*line)]);
    }
    if is_table {
        roff.control("fi", []);
    }
}

fn indentation(line: &str) -> usize {
    line.len() - line.trim_start().len()
}

fn capitalized(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or(String::new(), |first| first.to_uppercase().chain(chars).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(text: &str) -> String {
        let mut roff = Roff::new();
        sections(&mut roff, text);
        roff.to_roff()
    }

    #[test]
    fn columns_become_entries() {
        assert_eq!(
            set("Words:\n  CALL    socket\n          bind"),
            ".SH WORDS\n.TP\n\\fBCALL\\fR\nsocket\nbind\n"
        );
        assert_eq!(set("Notes:\n  One line.\n  Another."), ".SH NOTES\nOne line.\nAnother.\n");
    }

    #[test]
    fn more_columns_are_one_term_or_a_table() {
        assert_eq!(
            set("Exit codes:\n  0    fine   all is well"),
            ".SH \"EXIT CODES\"\n.TP\n\\fB0 fine\\fR\nall is well\n"
        );
        let table = "Words:\n  ,…  a=1  one\n      b=2  two";
        assert_eq!(set(table), ".SH WORDS\n.TP\n\\fB,…\\fR\n.nf\na=1  one\nb=2  two\n.fi\n");
    }

    #[test]
    fn prose_before_a_title_and_behind_entries() {
        assert_eq!(
            set("Any case.\n\nJSON:\n  a  b\n  More."),
            ".SH NOTES\nAny case.\n.PP\n.SH JSON\n.TP\n\\fBa\\fR\nb\n.PP\nMore.\n"
        );
    }

    #[test]
    fn titles_become_headings() {
        assert_eq!(set("JSON of --report:"), ".SH \"JSON OF --report\"\n");
        assert_eq!(set("Exit codes, of the first:"), ".SH \"EXIT CODES\"\nOf the first:\n");
        assert_eq!(set("with --try:"), ".SS \"With --try\"\n");
    }

    #[test]
    fn examples_stay_lines() {
        let text = "Examples:\n  sockshim a\n  sockshim b\n             Why?";
        let expected = ".SH EXAMPLES\n.PP\n\\fBsockshim a\\fR\n.TP\n\\fBsockshim b\\fR\nWhy?\n";
        assert_eq!(set(text), expected);
    }
}
