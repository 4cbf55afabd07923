//! A call in words: `connect inet stream tcp 10.0.0.1:80`.

use super::address::Address;
use crate::commands::explain::question::Question as SocketCall;
use libc::c_int;
use rustix::process::geteuid;
use sockshim_core::net;
use sockshim_core::net::address::SockAddr;
use sockshim_core::rules::{Call, Sort, Subject};
use sockshim_core::spelling::{self, lookup};
use sockshim_core::uapi::{
    FAMILIES, IP, IPV6, LEVELS, Named, Names, SO, TCP, TYPES, options_of, protocols_of,
};
use sockshim_host::LiveKernel;
use std::fmt::{self, Display};

/// The levels whose options can be named alone.
const LEVELS_ALONE: [(c_int, Names); 4] =
    [(libc::SOL_SOCKET, SO), (libc::SOL_TCP, TCP), (libc::SOL_IP, IP), (libc::SOL_IPV6, IPV6)];

/// A call that nobody makes.
pub struct Question {
    /// The call.
    pub call: Call,
    /// The program's name or path; empty if it is not said.
    pub program: String,
    sort: Option<Sort>,
    remote: Option<SockAddr>,
    local: Option<SockAddr>,
    host: Option<String>,
    optname: Option<(c_int, c_int)>,
    uid: u32,
    nonblocking: bool,
    /// The words but for those of `sort`, as they were given.
    words: Vec<String>,
}

/// The words, as far as they are understood.
#[derive(Default)]
struct Words {
    family: Option<c_int>,
    ty: Option<c_int>,
    protocol: Option<c_int>,
    remote: Option<Address>,
    local: Option<Address>,
    host: Option<String>,
    optname: Option<(c_int, c_int)>,
    program: String,
    uid: Option<u32>,
    nonblocking: bool,
    kept: Vec<String>,
}

impl Question {
    /// The call that a text describes. What is not said is taken to be as usual: a stream, with the protocol that protocol 0
    /// stands for, made by the user who asks.
    ///
    /// # Errors
    /// What a word is not.
    pub fn parse(text: &str) -> Result<Question, String> {
        let mut rest = text.split_whitespace();
        let name = rest.next().unwrap_or_default();
        let call = Call::of_name(name).ok_or_else(|| {
            let all: Vec<_> = Call::ALL.into_iter().map(Call::name).collect();
            format!("'{name}' is no call: expected one of {}", all.join(" "))
        })?;
        let mut words = Words::default();
        rest.try_for_each(|word| words.take(call, word))?;
        let sort = words.sort(call);
        let family = sort.map_or(libc::AF_INET, |sort| sort.family);
        let address = |address: &Option<Address>| address.as_ref().map(|address| address.of_family(family));
        Ok(Question {
            call,
            sort,
            remote: address(&words.remote),
            local: address(&words.local),
            program: words.program,
            host: words.host,
            optname: words.optname,
            uid: words.uid.unwrap_or_else(|| geteuid().as_raw()),
            nonblocking: words.nonblocking,
            words: words.kept,
        })
    }
}

impl Words {
    fn take(&mut self, call: Call, word: &str) -> Result<(), String> {
        if self.name(call, word) {
            return Ok(());
        }
        self.kept.push(word.to_string());
        let no = |what: &str| Err(format!("'{word}' is no {what}"));
        match word.split_once('=') {
            Some(("program", name)) => self.program = name.to_string(),
            Some(("uid", number)) => match number.parse() {
                Ok(number) => self.uid = Some(number),
                Err(_) => return no("user's number"),
            },
            Some((key @ ("local" | "remote"), address)) => match Address::parse(address) {
                Some(address) if key == "local" => self.local = Some(address),
                Some(address) => self.remote = Some(address),
                None => return no("address"),
            },
            Some(("optname", name)) => match option(name) {
                Some(name) => self.optname = Some(name),
                None => return no("socket option"),
            },
            _ if word == "nonblock" => self.nonblocking = true,
            _ if call == Call::Resolve && self.host.is_none() => self.host = Some(word.to_string()),
            _ => match Address::parse(word) {
                Some(address) if call == Call::Bind => self.local = Some(address),
                Some(address) => self.remote = Some(address),
                None => {
                    return no(
                        "word of a call: expected a family, a type, a protocol, an address, nonblock, local=, remote=, \
                               program=, uid= or optname=",
                    );
                }
            },
        }
        Ok(())
    }

    /// Takes a word of the sort, in the order of socket(2)'s arguments.
    fn name(&mut self, call: Call, word: &str) -> bool {
        if call == Call::Resolve {
            return false;
        }
        let mut free = |slot: fn(&mut Words) -> &mut Option<c_int>, number: Option<c_int>| {
            let slot = slot(self);
            let taken = slot.is_none() && number.is_some();
            if taken {
                *slot = number;
            }
            taken
        };
        free(|words| &mut words.family, spelling::family(word))
            || free(|words| &mut words.ty, spelling::socket_type(word))
            || free(|words| &mut words.protocol, spelling::protocol(word))
    }

    /// What the socket is, if anything is said of it.
    fn sort(&self, call: Call) -> Option<Sort> {
        if matches!(call, Call::Resolve | Call::IoUringSetup) {
            return None;
        }
        let of_address = |address: &Option<Address>| address.as_ref().and_then(Address::family);
        let said = self.family.or_else(|| of_address(&self.remote)).or_else(|| of_address(&self.local));
        let family = said.unwrap_or(libc::AF_INET);
        let ty = self.ty.unwrap_or(match self.protocol {
            Some(libc::IPPROTO_UDP | libc::IPPROTO_UDPLITE) => libc::SOCK_DGRAM,
            _ => libc::SOCK_STREAM,
        });
        let protocol = self.protocol.filter(|protocol| *protocol != 0);
        Some(Sort { family, ty, protocol: protocol.unwrap_or_else(|| usual_protocol(family, ty)) })
    }
}

/// What protocol 0 stands for, by the tables.
fn usual_protocol(family: c_int, ty: c_int) -> c_int {
    net::init();
    let call = SocketCall { family, ty, protocol: 0 };
    call.walk(&LiveKernel::new()).sock.sk.protocol.into()
}

/// A socket option: `SO_REUSEADDR`, `SOL_SOCKET/SO_REUSEADDR`.
fn option(text: &str) -> Option<(c_int, c_int)> {
    if let Some((level, name)) = text.split_once('/') {
        let level = spelling::number(level).or_else(|| lookup(LEVELS, "SOL_", level))?;
        return Some((level, spelling::number(name).or_else(|| lookup(options_of(level), "", name))?));
    }
    LEVELS_ALONE.iter().find_map(|(level, names)| Some((*level, lookup(*names, "", text)?)))
}

impl Subject for Question {
    fn sort(&self) -> Option<Sort> {
        self.sort
    }

    fn remote(&self) -> Option<&SockAddr> {
        self.remote.as_ref()
    }

    fn local(&self) -> Option<&SockAddr> {
        self.local.as_ref()
    }

    fn host(&self) -> Option<&[u8]> {
        self.host.as_ref().map(|host| host.as_bytes())
    }

    fn optname(&self) -> Option<(c_int, c_int)> {
        self.optname
    }

    fn uid(&self) -> u32 {
        self.uid
    }

    fn is_nonblocking(&self) -> bool {
        self.nonblocking
    }
}

/// With what was taken to be as usual.
impl Display for Question {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.call.name())?;
        if let Some(Sort { family, ty, protocol }) = self.sort {
            let parts = [
                ("AF_", Named(FAMILIES, family)),
                ("SOCK_", Named(TYPES, ty)),
                ("IPPROTO_", Named(protocols_of(family), protocol)),
            ];
            for (prefix, name) in parts {
                let name = name.to_string().to_ascii_lowercase();
                let short = name.strip_prefix(&prefix.to_ascii_lowercase()).unwrap_or(&name);
                write!(f, " {short}")?;
            }
        }
        self.words.iter().try_for_each(|word| write!(f, " {word}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_said_is_as_usual() {
        for (text, whole) in [
            ("connect 10.0.0.1:80", "connect inet stream tcp 10.0.0.1:80"),
            ("connect inet stream tcp 10.0.0.1:80", "connect inet stream tcp 10.0.0.1:80"),
            ("connect AF_INET6 10.0.0.1:80", "connect inet6 stream tcp 10.0.0.1:80"),
            ("send udp [::1]:53", "send inet6 dgram udp [::1]:53"),
            ("bind unix:/a program=x", "bind unix stream 0 unix:/a program=x"),
            ("bind inet dgram :80", "bind inet dgram udp :80"),
            ("socket inet stream mptcp", "socket inet stream mptcp"),
            ("resolve inet", "resolve inet"),
            ("io_uring_setup", "io_uring_setup"),
            ("setsockopt optname=SO_REUSEADDR", "setsockopt inet stream tcp optname=SO_REUSEADDR"),
        ] {
            assert_eq!(Question::parse(text).map(|question| question.to_string()), Ok(whole.into()));
        }
    }

    #[test]
    fn words_have_their_places() {
        let question =
            Question::parse("bind :80 uid=7 program=/bin/x nonblock optname=SOL_IP/IP_TTL").expect("words");
        assert_eq!(question.local.map(|local| local.port()), Some(80));
        assert!(question.remote.is_none() && question.nonblocking);
        assert_eq!((question.uid, question.program.as_str()), (7, "/bin/x"));
        assert_eq!(question.optname, Some((libc::SOL_IP, libc::IP_TTL)));
        let question = Question::parse("accept 1.2.3.4:5 local=127.0.0.1:80").expect("words");
        assert_eq!(question.remote.map(|remote| remote.port()), Some(5));
        assert_eq!(question.local.map(|local| local.port()), Some(80));
        assert_eq!(
            Question::parse("resolve a.example.com").expect("words").host.as_deref(),
            Some("a.example.com")
        );
    }

    #[test]
    fn other_words_are_refused() {
        for text in
            ["", "conect", "connect nonsense", "connect uid=x", "bind local=x", "setsockopt optname=x"]
        {
            assert!(Question::parse(text).is_err(), "{text}");
        }
    }
}
