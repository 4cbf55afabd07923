//! Tables that fit the terminal. Without a terminal nothing is wrapped or cut, so that grep(1) finds every row as one
//! line.

use crate::output::terminal_width;
use comfy_table::presets::NOTHING;
use comfy_table::{ColumnConstraint, ContentArrangement, Table, TableComponent};
use std::io::{self, Write};

/// Spaces between two columns.
const GAP: usize = 2;

/// The smallest width at which wrapped text is easier to read than a long line that the terminal breaks.
const READABLE: usize = 20;

/// Prints a header, a rule, and the rows. `elastic` are the columns whose text is wrapped on a narrow terminal; the
/// others hold names, which are never cut.
///
/// # Errors
/// What `out` reports.
pub fn table<const N: usize>(
    out: &mut dyn Write,
    header: [&str; N],
    rows: impl IntoIterator<Item = [String; N]>,
    elastic: &[usize],
) -> io::Result<()> {
    let mut table = plain();
    table.set_header(header).add_rows(rows);
    fit(&mut table, elastic, own_width());
    finish(out, table)
}

fn fit(table: &mut Table, elastic: &[usize], width: Option<u16>) {
    let widths = table.column_max_content_widths();
    let names = widths.iter().enumerate().filter(|(index, _)| !elastic.contains(index));
    let taken: usize = names.map(|(_, width)| GAP + usize::from(*width)).sum();
    let Some(width) = width.filter(|width| taken + elastic.len() * (GAP + READABLE) <= usize::from(*width))
    else {
        return;
    };
    table.set_width(width).set_content_arrangement(ContentArrangement::Dynamic);
    for (index, column) in table.column_iter_mut().enumerate() {
        if !elastic.contains(&index) {
            column.set_constraint(ColumnConstraint::ContentWidth);
        }
    }
}

/// A table with one column per object and one row per member.
pub struct Matrix {
    /// The header of the column with the members' names.
    pub title: String,
    /// The names of the rows.
    pub members: Vec<&'static str>,
    /// The columns: a name, and a cell for each member.
    pub columns: Vec<(&'static str, Vec<&'static str>)>,
}

impl Matrix {
    /// Prints the matrix. If it is wider than the terminal, it is printed in parts, each with title and members.
    ///
    /// # Errors
    /// What `out` reports.
    pub fn print(&self, out: &mut dyn Write) -> io::Result<()> {
        self.print_within(out, own_width())
    }

    fn print_within(&self, out: &mut dyn Write, width: Option<u16>) -> io::Result<()> {
        let mut rest = &self.columns[..];
        while !rest.is_empty() {
            let (part, after) = rest.split_at(self.fitting(rest, width));
            let mut table = plain();
            table.set_header([self.title.as_str()].into_iter().chain(part.iter().map(|(name, _)| *name)));
            for (row, member) in self.members.iter().enumerate() {
                table.add_row([*member].into_iter().chain(part.iter().map(|(_, cells)| cells[row])));
            }
            finish(out, table)?;
            if !after.is_empty() {
                writeln!(out)?;
            }
            rest = after;
        }
        Ok(())
    }

    /// How many of the columns fit beside each other: at least one, because names are never cut.
    fn fitting(&self, columns: &[(&str, Vec<&str>)], width: Option<u16>) -> usize {
        let Some(width) = width else { return columns.len() };
        let mut used = widest(self.members.iter().copied().chain([self.title.as_str()]));
        let fit = columns.iter().take_while(|(name, cells)| {
            used += GAP + widest(cells.iter().copied().chain([*name]));
            used <= usize::from(width)
        });
        fit.count().max(1)
    }
}

/// The width of the widest name. Names are ASCII, so a byte is a column.
fn widest<'a>(names: impl Iterator<Item = &'a str>) -> usize {
    names.map(str::len).max().unwrap_or(0)
}

/// The width of the terminal, if stdout is one.
fn own_width() -> Option<u16> {
    terminal_width(&io::stdout()).and_then(|width| u16::try_from(width).ok())
}

fn plain() -> Table {
    let mut table = Table::new();
    table.load_preset(NOTHING).set_style(TableComponent::HeaderLines, '-');
    table
}

fn finish(out: &mut dyn Write, mut table: Table) -> io::Result<()> {
    for column in table.column_iter_mut() {
        column.set_padding((0, GAP as u16));
    }
    // Remove the last column's padding, which would be trailing spaces.
    if let Some(last) = table.column_count().checked_sub(1).and_then(|last| table.column_mut(last)) {
        last.set_padding((0, 0));
    }
    writeln!(out, "{}", table.trim_fmt())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(columns: Vec<(&'static str, Vec<&'static str>)>, width: Option<u16>) -> String {
        let matrix = Matrix { title: "AF_X".to_string(), members: vec!["bind", "poll"], columns };
        let mut out = Vec::new();
        matrix.print_within(&mut out, width).expect("writing to memory");
        String::from_utf8(out).expect("text")
    }

    fn three(width: Option<u16>) -> String {
        let columns = vec![
            ("one", vec!["inet_bind", "NULL"]),
            ("two", vec!["unix_bind", "NULL"]),
            ("three", vec!["xsk_bind", "xsk_poll"]),
        ];
        text(columns, width)
    }

    const WHOLE: &str = "\
AF_X  one        two        three
------------------------------------
bind  inet_bind  unix_bind  xsk_bind
poll  NULL       NULL       xsk_poll
";

    #[test]
    fn without_a_terminal_all_is_in_one_piece() {
        assert_eq!(three(None), WHOLE);
    }

    #[test]
    fn what_fits_is_not_cut() {
        let widest = WHOLE.lines().map(str::len).max().expect("lines");
        assert_eq!(three(Some(widest as u16)), WHOLE);
        assert_ne!(three(Some(widest as u16 - 1)), WHOLE);
    }

    #[test]
    fn what_does_not_fit_continues_below() {
        let narrow = three(Some(30));
        let lines: Vec<&str> = narrow.lines().collect();
        assert_eq!(lines[0], "AF_X  one        two", "{narrow}");
        assert_eq!(lines[4], "", "{narrow}");
        assert_eq!(lines[5], "AF_X  three", "{narrow}");
        assert_eq!(lines[7], "bind  xsk_bind", "{narrow}");
    }

    #[test]
    fn no_name_is_ever_cut() {
        assert_eq!(three(Some(1)).matches("AF_X").count(), 3);
        assert!(three(Some(1)).contains("\nbind  unix_bind\n"));
    }

    fn wrapped(width: Option<u16>) -> String {
        let mut table = plain();
        table.set_header(["symbol", "prototype"]);
        table.add_row(["accept4", "int accept4(int fd, struct sockaddr *addr, int flags)"]);
        fit(&mut table, &[1], width);
        let mut out = Vec::new();
        finish(&mut out, table).expect("writing to memory");
        String::from_utf8(out).expect("text")
    }

    #[test]
    fn text_is_wrapped_and_names_are_not() {
        let text = wrapped(Some(40));
        assert!(text.lines().all(|line| line.len() <= 40), "{text}");
        assert_eq!(text.lines().count(), 4, "{text}");
        assert!(text.contains("\naccept4  int accept4(int fd, "), "{text}");
    }

    #[test]
    fn a_row_is_one_line_without_a_terminal_and_on_one_that_is_too_narrow() {
        assert_eq!(wrapped(None).lines().count(), 3);
        assert_eq!(wrapped(Some(20)), wrapped(None));
    }

    #[test]
    fn nothing_prints_nothing() {
        assert_eq!(text(Vec::new(), None), "");
        assert_eq!(text(Vec::new(), Some(80)), "");
    }
}
