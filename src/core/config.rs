//! The variables that a user sets: `SOCKSHIM_LOG`, `SOCKSHIM_LOG_FORMAT`, `SOCKSHIM_LOG_FILE`,
//! `SOCKSHIM_PROPAGATE`, `SOCKSHIM_DISABLE`, `SOCKSHIM_CONFIG`, `SOCKSHIM_CAN`, `SOCKSHIM_CAN_BUS`, `SOCKSHIM_MODULES`; and what `sockshim run` hands on: `SOCKSHIM_RULES`,
//! `SOCKSHIM_SHARED`, `SOCKSHIM_LOG_BYTES`, `SOCKSHIM_TAP`.

use crate::decimal::number;
use crate::hook::Level;

/// How events are written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Format {
    /// For people.
    Text,
    /// One object a line.
    Json,
}

/// Whether children get the library's variables when the program does not pass them on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Propagate {
    /// Only what the program passes on in its environment.
    Env,
    /// Always, whatever environment the program passes on.
    Always,
}

/// The longest log path, `PATH_MAX` of `limits.h`.
pub const PATH_MAX: usize = libc::PATH_MAX as usize;

/// What the environment asks for. It borrows from the environment and is read once, before anything can change it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Config<'a> {
    /// `SOCKSHIM_DISABLE=1`.
    pub disable: bool,
    /// `SOCKSHIM_LOG`.
    pub level: Level,
    /// `SOCKSHIM_LOG_FORMAT`.
    pub format: Format,
    /// `SOCKSHIM_LOG_FILE`; stderr without it.
    pub file: Option<&'a [u8]>,
    /// `SOCKSHIM_PROPAGATE`.
    pub propagate: Propagate,
    /// `SOCKSHIM_RULES`: rules as `sockshim run` hands them on. They count if no file is named.
    pub rules: Option<&'a [u8]>,
    /// `SOCKSHIM_CONFIG`: a file with rules.
    pub rule_file: Option<&'a [u8]>,
    /// `SOCKSHIM_LOG_BYTES`: how many bytes of what is sent and received are in the log.
    pub bytes: u8,
    /// `SOCKSHIM_SHARED`: the counters that the processes of a `sockshim run` share.
    pub shared: Option<&'a [u8]>,
    /// `SOCKSHIM_TAP`: the memory into which packets are put ([`tap`](crate::tap)).
    pub tap: Option<i32>,
    /// Whether `SOCKSHIM_CAN` or `SOCKSHIM_MODULES` is set: families come from modules.
    pub modules: bool,
    /// The first value that could not be used.
    pub complaint: Option<Complaint<'a>>,
}

/// A value that could not be used, and what the variable accepts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Complaint<'a> {
    /// The variable.
    pub variable: &'static str,
    /// Its value.
    pub value: &'a [u8],
    /// The values that the variable accepts.
    pub takes: &'static str,
}

impl<'a> Config<'a> {
    /// Everything off.
    pub const OFF: Config<'static> = Config {
        disable: false,
        level: Level::Off,
        format: Format::Text,
        file: None,
        propagate: Propagate::Env,
        rules: None,
        rule_file: None,
        shared: None,
        tap: None,
        bytes: 0,
        modules: false,
        complaint: None,
    };

    /// Reads the variables from `lines` of the form `NAME=value`. Of two equal names the first counts, as for
    /// getenv(3). An empty value counts as unset.
    pub fn read(lines: impl Iterator<Item = &'a [u8]>) -> Config<'a> {
        let mut values: [Option<&'a [u8]>; NAMES.len()] = [None; NAMES.len()];
        for line in lines {
            if let Some((index, value)) = variable(line) {
                values[index].get_or_insert(value);
            }
        }
        let [log, format, file, disable, propagate, rules, rule_file, shared, bytes, tap, can, _, modules] =
            values.map(|value| value.filter(|value| !value.is_empty()));
        let [bytes, tap] = [bytes, tap].map(|text| text.and_then(number));
        let bytes = bytes.map_or(0, |bytes| bytes.clamp(0, MOST_BYTES.into()) as u8);
        let modules = can.or(modules).is_some();
        let disable_is = disable == Some(b"1");
        let mut config =
            Config { disable: disable_is, rules, rule_file, shared, tap, bytes, modules, ..Self::OFF };
        let mut bad_file = false;
        let mut complain = |index: usize, value, takes| {
            config.complaint.get_or_insert(Complaint { variable: NAMES[index], value, takes });
        };
        match log {
            None | Some(b"off") => {}
            Some(b"decision") => config.level = Level::Decision,
            Some(b"call") => config.level = Level::Call,
            Some(b"io") => config.level = Level::Io,
            Some(value) => complain(0, value, "off, decision, call or io"),
        }
        match format {
            None | Some(b"text") => {}
            Some(b"json") => config.format = Format::Json,
            Some(value) => complain(1, value, "text or json"),
        }
        match file {
            Some(value) if value.len() >= PATH_MAX => {
                complain(2, &value[..64], "a path of at most 4095 bytes");
                bad_file = true;
            }
            file => config.file = file,
        }
        if let Some(value) = disable.filter(|value| *value != b"1" && *value != b"0") {
            complain(3, value, "1");
        }
        match propagate {
            None | Some(b"env") => {}
            Some(b"always") => config.propagate = Propagate::Always,
            Some(value) => complain(4, value, "env or always"),
        }
        if bad_file {
            // Do not fall back to stderr: a user who names a file does not want the log in the program's output.
            config.level = Level::Off;
        }
        config
    }
}

/// Which of [`NAMES`] a line of an environment sets, and its value.
#[inline(never)]
pub fn variable(line: &[u8]) -> Option<(usize, &[u8])> {
    let rest = line.strip_prefix(PREFIX)?;
    NAMES.iter().enumerate().find_map(|(index, name)| {
        let value = rest.strip_prefix(&name.as_bytes()[PREFIX.len()..])?.strip_prefix(b"=")?;
        Some((index, value))
    })
}

/// What the names of all variables begin with.
pub const PREFIX: &[u8] = b"SOCKSHIM_";
/// The variable that names the log.
pub const LOG_FILE: &str = "SOCKSHIM_LOG_FILE";
/// The variable with rules as `sockshim run` hands them on.
pub const RULES: &str = "SOCKSHIM_RULES";
/// The variable that names a file with rules.
pub const RULE_FILE: &str = "SOCKSHIM_CONFIG";
/// The variable with the number of the memory that a tree counts in.
pub const SHARED: &str = "SOCKSHIM_SHARED";
/// The variables that nobody sets: they hand on what another process has made.
pub const HANDED_ON: [&str; 4] = [RULES, SHARED, BYTES, TAP];
/// The variable with the number of bytes that `sockshim trace` shows of what is sent and received.
pub const BYTES: &str = "SOCKSHIM_LOG_BYTES";
/// The most of them: an event has room for these beside an address.
pub const MOST_BYTES: u8 = 96;
/// The variable with the number of the memory into which packets are put.
pub const TAP: &str = "SOCKSHIM_TAP";
/// The variable with the interfaces of a CAN bus.
pub const CAN: &str = "SOCKSHIM_CAN";
/// The variable with the directory of the CAN bus.
pub const CAN_BUS: &str = "SOCKSHIM_CAN_BUS";
/// The variable with the files of modules.
pub const MODULES: &str = "SOCKSHIM_MODULES";
/// The variables.
pub const NAMES: [&str; 13] = [
    "SOCKSHIM_LOG",
    "SOCKSHIM_LOG_FORMAT",
    LOG_FILE,
    "SOCKSHIM_DISABLE",
    "SOCKSHIM_PROPAGATE",
    RULES,
    RULE_FILE,
    SHARED,
    BYTES,
    TAP,
    CAN,
    CAN_BUS,
    MODULES,
];

#[cfg(test)]
mod tests {
    use super::*;

    fn read<'a>(lines: &[&'a str]) -> Config<'a> {
        let lines: Vec<&'a [u8]> = lines.iter().map(|line| line.as_bytes()).collect();
        Config::read(lines.into_iter())
    }

    #[test]
    fn nothing_set_is_off() {
        assert_eq!(read(&["PATH=/bin", "SOCKSHIM_LOGX=io"]), Config::OFF);
        assert_eq!(read(&["SOCKSHIM_LOG="]), Config::OFF);
    }

    #[test]
    fn everything_set() {
        let config = read(&[
            "SOCKSHIM_LOG=io",
            "SOCKSHIM_LOG_FORMAT=json",
            "SOCKSHIM_LOG_FILE=/tmp/a",
            "SOCKSHIM_LOG=off",
            "SOCKSHIM_PROPAGATE=always",
        ]);
        assert_eq!(config.propagate, Propagate::Always);
        assert_eq!(config.level, Level::Io);
        assert_eq!(config.format, Format::Json);
        assert_eq!(config.file, Some(b"/tmp/a".as_slice()));
        assert_eq!(config.complaint, None);
        assert!(read(&["SOCKSHIM_DISABLE=1"]).disable);
    }

    #[test]
    fn the_first_bad_value_is_named() {
        let config = read(&["SOCKSHIM_LOG=loud", "SOCKSHIM_LOG_FORMAT=xml"]);
        let complaint = config.complaint.expect("a complaint");
        assert_eq!((complaint.variable, complaint.value), ("SOCKSHIM_LOG", b"loud".as_slice()));
        assert_eq!(config.level, Level::Off);
    }
}
