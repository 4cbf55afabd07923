//! What stands below a line, and the last block, in the width of the terminal. A line itself is the terminal's to break, as that of
//! strace: who copies it gets it whole.

use textwrap::{Options, WordSplitter};

/// The smallest width at which wrapped text is easier to read than a long line that the terminal breaks.
const READABLE: usize = 20;

/// A width, in columns; `None` where there is no terminal.
pub type Width = Option<usize>;

/// The column that text goes on in, if there is enough left behind it, or else in one further left.
pub fn column(wanted: usize, narrow: usize, width: Width) -> usize {
    if width.is_none_or(|width| width >= wanted + READABLE) { wanted } else { narrow }
}

/// The text as it is written behind what there is on the line, which ends at the column `at`. What does not fit goes on below, in
/// the column `below`.
pub fn fit(text: &str, at: usize, below: usize, width: Width) -> String {
    let Some(width) = width.filter(|width| *width >= below + READABLE && !text.is_empty()) else {
        return text.to_owned();
    };
    let indent = " ".repeat(below);
    let first = text.split(' ').next().unwrap_or_default();
    let options = Options::new(width)
        .subsequent_indent(&indent)
        .break_words(false)
        .word_splitter(WordSplitter::NoHyphenation);
    if at > below && at + textwrap::core::display_width(first) > width {
        return format!("\n{}", textwrap::fill(text, options.initial_indent(&indent)));
    }
    let line = " ".repeat(at);
    textwrap::fill(text, options.initial_indent(&line)).split_off(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "the local addresses: the kernel decides";

    #[test]
    fn text_goes_on_below() {
        assert_eq!(fit(TEXT, 10, 4, Some(30)), "the local addresses:\n    the kernel decides");
        assert_eq!(fit(TEXT, 28, 4, Some(30)), "\n    the local addresses: the\n    kernel decides");
    }

    #[test]
    fn what_fits_or_has_no_terminal_is_one_line() {
        let whole = 10 + TEXT.len();
        assert_eq!(fit(TEXT, 10, 4, Some(whole)), TEXT);
        assert_ne!(fit(TEXT, 10, 4, Some(whole - 1)), TEXT);
        assert_eq!(fit("", 10, 4, Some(40)), "");
        assert_eq!((fit(TEXT, 10, 4, None), fit(TEXT, 10, 4, Some(20))), (TEXT.into(), TEXT.into()));
    }

    #[test]
    fn names_are_never_cut() {
        let name = "net-pf-2-proto-6-type-2-inet_port";
        assert_eq!(fit(name, 0, 0, Some(25)), name);
    }

    #[test]
    fn columns_move_where_it_is_narrow() {
        assert_eq!([None, Some(80), Some(53), Some(52)].map(|width| column(33, 8, width)), [33, 33, 33, 8]);
    }
}
