//! Which events are shown: `-e` as strace's, and `-P` with the TARGET of rules.

use super::event::Event;
use super::places;
use super::sockets::Sock;
use crate::hook_table::HOOKS;
use libc::c_int;
use sockshim_core::hook::Level;
use sockshim_core::net::address::SockAddr;
use sockshim_core::rules::{Call, Rules, Sort, Subject, options};

/// Classes of calls: by the socket's family, and what has to do with no socket.
const CLASSES: [(&str, &str); 9] = [
    ("%net", "calls on sockets"),
    ("%ipv4", "calls on AF_INET sockets"),
    ("%ipv6", "calls on AF_INET6 sockets"),
    ("%unix", "calls on AF_UNIX sockets"),
    ("%netlink", "calls on AF_NETLINK sockets"),
    ("%packet", "calls on AF_PACKET sockets"),
    ("%resolve", "getaddrinfo and its relatives"),
    ("%process", "fork, exec, exit, and how processes end"),
    ("%all", "everything"),
];

/// Calls that strace knows by one name, because they are one system call, or because nobody thinks of the other one.
const ALSO: [(&str, &str); 7] = [
    ("accept", "accept4"),
    ("sendto", "send"),
    ("recvfrom", "recv"),
    ("dup2", "dup3"),
    ("poll", "ppoll"),
    ("select", "pselect"),
    ("epoll_wait", "epoll_pwait"),
];

/// Calls on sockets, whatever the descriptor turns out to be.
const NET: [&str; 20] = [
    "socket",
    "socketpair",
    "bind",
    "listen",
    "accept",
    "accept4",
    "connect",
    "getsockname",
    "getpeername",
    "shutdown",
    "setsockopt",
    "getsockopt",
    "send",
    "sendto",
    "sendmsg",
    "sendmmsg",
    "recv",
    "recvfrom",
    "recvmsg",
    "recvmmsg",
];

/// What has become of a call, or of a process.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Status {
    /// It has failed; of a process: with an exit code, or by a signal.
    Failed,
    /// It has not.
    Successful,
    /// It has not ended yet.
    Unfinished,
    /// Nobody knows.
    Unknown,
}

/// The values of `-e status=`.
const STATUSES: [(&str, Status); 3] =
    [("failed", Status::Failed), ("successful", Status::Successful), ("unfinished", Status::Unfinished)];

/// What is shown.
#[derive(Default)]
pub struct Selection {
    /// Names and classes; empty for all.
    wanted: Vec<String>,
    unwanted: Vec<String>,
    /// Empty for all.
    statuses: Vec<Status>,
    targets: Vec<Rules>,
}

impl Selection {
    /// From the values of `-e` and `-P`.
    ///
    /// # Errors
    /// What cannot be understood.
    pub fn new(expressions: &[String], targets: &[String]) -> Result<Selection, String> {
        let mut selection = Selection::default();
        for expression in expressions {
            selection.add(expression)?;
        }
        for target in targets {
            let rule =
                options::allow(target).map_err(|error| error.to_string().replacen("--allow", "-P", 1))?;
            selection.targets.push(Rules::new(vec![rule]));
        }
        Ok(selection)
    }

    fn add(&mut self, expression: &str) -> Result<(), String> {
        if let Some(statuses) = expression.strip_prefix("status=") {
            for status in statuses.split(',') {
                match STATUSES.iter().find(|(name, _)| *name == status) {
                    Some((_, status)) => self.statuses.push(*status),
                    None => {
                        let expected = "expected failed, successful or unfinished";
                        return Err(format!("-e status={status}: {expected}"));
                    }
                }
            }
            return Ok(());
        }
        let calls = expression.strip_prefix("trace=").unwrap_or(expression);
        if let Some((word, part)) = calls.split(',').find_map(|part| Some((part.split_once('=')?.0, part))) {
            return Err(match word {
                "status" | "trace" => {
                    format!("-e {expression}: {part} is an expression of its own: -e {part}")
                }
                _ => format!("-e {expression}: no {word}=: expected CALL,…, trace=CALL,… or status=STATUS,…"),
            });
        }
        let (list, calls) = match calls.strip_prefix('!') {
            Some(calls) => (&mut self.unwanted, calls),
            None => (&mut self.wanted, calls),
        };
        for call in calls.split(',') {
            let call = match call {
                "all" => "%all",
                "%network" | "network" => "%net",
                "process" => "%process",
                "%inet" => "%ipv4",
                "%inet6" => "%ipv6",
                call => call,
            };
            check(call)?;
            list.push(call.to_owned());
        }
        Ok(())
    }

    /// Whether data calls are among what is shown: if not, they need not be logged.
    pub fn has_data_calls(&self) -> bool {
        let is_control = |wanted: &String| {
            matches!(wanted.as_str(), "%process" | "%resolve")
                || HOOKS.iter().any(|hook| hook.name() == wanted && hook.level != Level::Io)
        };
        self.wanted.is_empty() || !self.wanted.iter().all(is_control)
    }

    /// Whether the event is shown. `sock` is the socket that it is about.
    pub fn shows(&self, event: &Event, sock: Option<&Sock>) -> bool {
        // An error that is told later is one, too.
        let has_failed = event.is_failed() || event.told_error().is_some();
        let status = if has_failed { Status::Failed } else { Status::Successful };
        self.has_status(status) && self.is_about(event, sock)
    }

    /// Whether a call is shown that has not ended yet.
    pub fn shows_unfinished(&self, event: &Event, sock: Option<&Sock>) -> bool {
        self.has_status(Status::Unfinished) && self.is_about(event, sock)
    }

    /// Whether the end of a process is shown: it is of `%process`, and about no address.
    pub fn shows_end(&self, status: Status) -> bool {
        let is_in = |list: &[String]| list.iter().any(|call| call == "%process" || call == "%all");
        self.has_status(status)
            && (self.wanted.is_empty() || is_in(&self.wanted))
            && !is_in(&self.unwanted)
            && self.targets.is_empty()
    }

    fn has_status(&self, status: Status) -> bool {
        self.statuses.is_empty() || self.statuses.contains(&status)
    }

    fn is_about(&self, event: &Event, sock: Option<&Sock>) -> bool {
        let is_in = |list: &[String]| list.iter().any(|wanted| is_of(event, wanted));
        if (!self.wanted.is_empty() && !is_in(&self.wanted)) || is_in(&self.unwanted) {
            return false;
        }
        self.targets.is_empty() || self.targets.iter().any(|target| is_about(target, event, sock))
    }
}

/// Whether there is such a call or class.
fn check(call: &str) -> Result<(), String> {
    if let Some(class) = call.strip_prefix('%') {
        let known = CLASSES.iter().any(|(name, _)| name.strip_prefix('%') == Some(class));
        let all = || CLASSES.map(|(name, _)| name).join(" ");
        return if known { Ok(()) } else { Err(format!("-e {call}: no such class. There are: {}", all())) };
    }
    if HOOKS.iter().any(|hook| hook.name() == call) {
        return Ok(());
    }
    let near = HOOKS.iter().map(|hook| (strsim::damerau_levenshtein(hook.name(), call), hook.name())).min();
    let hint = match near {
        Some((distance, name)) if distance <= 2 => format!(": did you mean {name}?"),
        _ => ": 'sockshim hooks --names' has all".into(),
    };
    Err(format!("-e {call}: no such call{hint}"))
}

/// Whether an event is of a call, under whatever symbol, or of a class.
fn is_of(event: &Event, wanted: &str) -> bool {
    let family = |name: &str| {
        let ops = event.ops.as_deref().unwrap_or_default();
        let prot = event.prot.as_deref().unwrap_or_default();
        let of_address = || event.arg("addr").and_then(|addr| addr.get("family"));
        let argument = event.arg("family").or_else(of_address).and_then(|family| family.as_str());
        let argument = argument.unwrap_or_default();
        match name {
            "AF_INET" => ops.starts_with("inet_") || (ops == "mptcp_stream_ops") || argument == name,
            "AF_INET6" => ops.starts_with("inet6_") || prot.ends_with("v6_prot") || argument == name,
            _ => {
                let short = name.trim_start_matches("AF_").to_lowercase();
                ops.starts_with(&format!("{short}_")) || argument == name
            }
        }
    };
    match wanted {
        "%all" => true,
        "%net" => event.ops.is_some() || NET.contains(&event.name()),
        "%ipv4" => family("AF_INET"),
        "%ipv6" => family("AF_INET6"),
        "%unix" => family("AF_UNIX"),
        "%netlink" => family("AF_NETLINK"),
        "%packet" => family("AF_PACKET"),
        "%resolve" => {
            event.reason == "resolver" || event.arg("node").is_some() || event.arg("name").is_some()
        }
        "%process" => {
            matches!(&*event.reason, "process" | "result-unknown") || event.reason.starts_with("exec-")
        }
        call => event.call == call || event.name() == call || ALSO.contains(&(call, event.name())),
    }
}

/// Whether the event is about an address that a TARGET describes: its own, the socket's, the peer's, or a host's name.
fn is_about(target: &Rules, event: &Event, sock: Option<&Sock>) -> bool {
    let matches = |subject: &About| {
        let call = if subject.host.is_some() { Call::Resolve } else { Call::Connect };
        target.decide(call, subject, |_, _| true).is_some()
    };
    let host = ["node", "name"].iter().find_map(|key| event.arg(key)?.as_str());
    if host.is_some_and(|host| matches(&About { remote: None, host: Some(host.as_bytes()) })) {
        return true;
    }
    let own = event.arg("addr").and_then(places::place);
    let names = own.as_deref().into_iter().chain(sock.into_iter().flat_map(Sock::names));
    let mut addresses = names.filter_map(places::sockaddr);
    addresses.any(|remote| matches(&About { remote: Some(remote), host: None }))
}

/// An address or a name, as rules look at it.
struct About<'a> {
    remote: Option<SockAddr>,
    host: Option<&'a [u8]>,
}

impl Subject for About<'_> {
    fn sort(&self) -> Option<Sort> {
        None
    }

    fn remote(&self) -> Option<&SockAddr> {
        self.remote.as_ref()
    }

    fn local(&self) -> Option<&SockAddr> {
        None
    }

    fn host(&self) -> Option<&[u8]> {
        self.host
    }

    fn optname(&self) -> Option<(c_int, c_int)> {
        None
    }

    fn uid(&self) -> u32 {
        u32::MAX
    }

    fn is_nonblocking(&self) -> bool {
        false
    }

    fn directory(&self) -> Option<&[u8]> {
        None
    }
}

/// The classes, for the help.
pub fn classes() -> String {
    CLASSES.iter().map(|(name, what)| format!("  {name:<10} {what}\n")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shows(expressions: &[&str], targets: &[&str], line: &str) -> bool {
        let texts = |list: &[&str]| list.iter().map(|text| text.to_string()).collect::<Vec<_>>();
        let selection = Selection::new(&texts(expressions), &texts(targets)).expect("a selection");
        selection.shows(&serde_json::from_str(line).expect("an event"), None)
    }

    const CONNECT: &str = r#"{"v":1,"ts":1,"pid":7,"tid":8,"comm":"c","call":"connect","fd":3,"args":{"fd":3,"addr":{"family":"AF_INET",
        "address":"10.1.2.3","port":80}},"path":[],"ops":"inet_stream_ops","prot":"tcp_prot","handler":null,"outcome":"host",
        "reason":"host-owned","ret":-1,"errno":"ECONNREFUSED","predicted":null,"ns":12}"#;

    #[test]
    fn calls_classes_and_statuses() {
        for expressions in [
            &["connect"][..],
            &["trace=bind,connect"],
            &["%ipv4"],
            &["!close"],
            &["status=failed"],
            &["%all", "!bind"],
        ] {
            assert!(shows(expressions, &[], CONNECT), "{expressions:?}");
        }
        for expressions in [&["bind"][..], &["!connect"], &["%ipv6"], &["status=successful"], &["%resolve"]] {
            assert!(!shows(expressions, &[], CONNECT), "{expressions:?}");
        }
    }

    #[test]
    fn an_end_is_of_processes() {
        let shows = |expressions: &[&str], status| {
            let texts: Vec<String> = expressions.iter().map(|text| text.to_string()).collect();
            Selection::new(&texts, &[]).expect("a selection").shows_end(status)
        };
        for status in [Status::Failed, Status::Successful, Status::Unknown] {
            assert!(shows(&[], status) && shows(&["%process"], status) && shows(&["!close"], status));
            assert!(!shows(&["connect"], status) && !shows(&["!%process"], status));
            assert_eq!(shows(&["status=failed"], status), status == Status::Failed);
        }
    }

    #[test]
    fn targets_are_those_of_rules() {
        for target in ["10.0.0.0/8", "*:80", "10.1.2.3:80"] {
            assert!(shows(&[], &[target], CONNECT), "{target}");
        }
        for target in ["10.0.0.0/16", "*:81", "unix:/x", "loopback", "*.example.com"] {
            assert!(!shows(&[], &[target], CONNECT), "{target}");
        }
    }

    #[test]
    fn what_is_wrong_is_explained() {
        let wrong = |expression: &str| Selection::new(&[expression.to_owned()], &[]).err().expect("an error");
        assert_eq!(wrong("conect"), "-e conect: no such call: did you mean connect?");
        assert!(wrong("%ip").starts_with("-e %ip: no such class. There are: %net %ipv4"));
        assert_eq!(wrong("status=x"), "-e status=x: expected failed, successful or unfinished");
        let combined =
            "-e connect,status=failed: status=failed is an expression of its own: -e status=failed";
        assert_eq!(wrong("connect,status=failed"), combined);
        let other = "-e inject=connect: no inject=: expected CALL,…, trace=CALL,… or status=STATUS,…";
        assert_eq!(wrong("inject=connect"), other);
        let target = Selection::new(&[], &["1.2.3.4:x".to_owned()]).err().expect("an error");
        assert!(target.starts_with("-P: no such port"), "{target}");
    }

    #[test]
    fn control_calls_alone_need_no_log_of_data_calls() {
        let has =
            |expression: &str| Selection::new(&[expression.to_owned()], &[]).expect("one").has_data_calls();
        assert_eq!(
            ["connect,bind", "%process", "send", "%net", "!send"].map(has),
            [false, false, true, true, true]
        );
    }
}
