//! The options that are rules. They keep the order in which they were given, because the first rule that holds counts.

use clap::{Arg, ArgAction, ArgMatches, Args, Command, FromArgMatches};
use sockshim_core::rules::{Error, Rule, options};

/// One option.
struct RuleOption {
    /// Its name, without the hyphens.
    name: &'static str,
    /// What its value is called; empty if it takes none.
    value: &'static str,
    /// Its line of the help.
    help: &'static str,
    /// The rules that a value means.
    parse: fn(&str) -> Result<Vec<Rule>, Error>,
}

/// All of them.
const OPTIONS: [RuleOption; 8] = [
    RuleOption {
        name: "allow",
        value: "TARGET",
        help: "No later rule is about this address or host name",
        parse: |text| options::allow(text).map(|rule| vec![rule]),
    },
    RuleOption {
        name: "fail",
        value: "CALL[:TARGET]=ERRNO[,…]",
        help: "Calls fail, and the kernel is not asked",
        parse: |text| options::fail(text).map(|rule| vec![rule]),
    },
    RuleOption {
        name: "limit",
        value: "CALL[:TARGET]=BYTES[,…]",
        help: "A send or recv on a stream moves at most so many bytes",
        parse: |text| options::limit(text).map(|rule| vec![rule]),
    },
    RuleOption {
        name: "delay",
        value: "CALL[:TARGET]=TIME[,…]",
        help: "Calls wait first, such as 50ms or 2s",
        parse: |text| options::delay(text).map(|rule| vec![rule]),
    },
    RuleOption {
        name: "redirect",
        value: "CALL:TARGET=ADDR:PORT[,…]",
        help: "bind, connect and send use another address; with ',hide' the program is told its own",
        parse: |text| options::redirect(text).map(|rule| vec![rule]),
    },
    RuleOption {
        name: "mptcp",
        value: "",
        help: "TCP sockets become MPTCP sockets, where the kernel has it",
        parse: |_| Ok(vec![options::mptcp()]),
    },
    RuleOption {
        name: "without",
        value: "FAMILY[/TYPE[/PROTOCOL]]",
        help: "There are no such sockets; also 'io_uring'",
        parse: |text| options::without(text).map(|rule| vec![rule]),
    },
    RuleOption {
        name: OFFLINE,
        value: "ERRNO",
        help: "What goes beyond loopback fails, with ENETUNREACH unless said, and names are looked up in files only",
        parse: |text| options::offline(Some(text).filter(|text| !text.is_empty())),
    },
];

/// The option whose rules come last of all, also behind those of a file: an `allow` there could not be reached otherwise.
const OFFLINE: &str = "offline";

/// Whether a rule's name is that of a rule of `--offline`.
pub fn is_fence(name: &str) -> bool {
    name.strip_prefix("--")
        .and_then(|rest| rest.strip_prefix(OFFLINE))
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('='))
}

/// The options as they were given, in order.
#[derive(Default)]
pub struct RuleOptions {
    given: Vec<(&'static RuleOption, String)>,
}

impl RuleOptions {
    /// The rules of the options with those of a file at their place: behind the options, before `--offline`.
    ///
    /// # Errors
    /// An option that cannot be understood.
    pub fn around(&self, file: Vec<Rule>) -> Result<Vec<Rule>, Error> {
        let (last, first): (Vec<_>, Vec<_>) =
            self.given.iter().partition(|(option, _)| option.name == OFFLINE);
        let mut rules = Vec::new();
        for (option, value) in first {
            rules.extend((option.parse)(value)?);
        }
        rules.extend(file);
        for (option, value) in last {
            rules.extend((option.parse)(value)?);
        }
        Ok(rules)
    }
}

impl Args for RuleOptions {
    fn augment_args(command: Command) -> Command {
        OPTIONS.iter().fold(command, |command, option| {
            let arg = Arg::new(option.name).long(option.name).help(option.help).help_heading("Rules");
            command.arg(match (option.name, option.value) {
                (_, "") => arg.action(ArgAction::SetTrue),
                // No value is an empty one.
                (OFFLINE, value) => arg
                    .value_name(value)
                    .num_args(0..=1)
                    .require_equals(true)
                    .default_missing_value("")
                    .hide_default_value(true),
                (_, value) => arg.value_name(value).action(ArgAction::Append),
            })
        })
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for RuleOptions {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let mut given = Vec::new();
        for option in &OPTIONS {
            let places = matches.indices_of(option.name).into_iter().flatten();
            if option.value.is_empty() {
                let is_set = matches.get_flag(option.name);
                given.extend(places.filter(|_| is_set).map(|place| (place, option, String::new())));
            } else {
                let values = matches.get_many::<String>(option.name).into_iter().flatten();
                given.extend(places.zip(values).map(|(place, value)| (place, option, value.clone())));
            }
        }
        given.sort_by_key(|(place, ..)| *place);
        Ok(RuleOptions { given: given.into_iter().map(|(_, option, value)| (option, value)).collect() })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(args: &[&str]) -> Vec<String> {
        let command = RuleOptions::augment_args(Command::new("run"));
        let matches = command
            .try_get_matches_from(["run"].iter().chain(args))
            .unwrap_or_else(|error| panic!("{error}"));
        let options = RuleOptions::from_arg_matches(&matches).expect("options");
        options.given.iter().map(|(option, value)| format!("{} {value}", option.name)).collect()
    }

    #[test]
    fn the_order_is_that_of_the_command_line() {
        let args = ["--mptcp", "--fail", "a=1", "--offline", "--allow=b", "--fail=c", "--limit", "d"];
        let expected = ["mptcp ", "fail a=1", "offline ", "allow b", "fail c", "limit d"];
        assert_eq!(given(&args), expected);
        assert_eq!(given(&["--allow=x", "--mptcp"]), ["allow x", "mptcp "]);
        assert_eq!(given(&["--offline=EPERM"]), ["offline EPERM"]);
        assert!(given(&[]).is_empty());
    }
}
