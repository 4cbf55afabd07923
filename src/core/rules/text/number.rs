//! Errors, options, durations, ordinals and other numbers.

use crate::errno::Errno;
use crate::number_names;
use crate::rules::chance::Chance;
use crate::rules::text::wrong::{Wrong, quoted};
use crate::rules::verb::SockOption;
use crate::rules::when::When;
use crate::spelling::{lookup, number};
use crate::uapi::{IP, IPV6, LEVELS, Names, SO, TCP, options_of};
use libc::c_int;

/// Other names of errors.
const ERRNO_ALIASES: Names = number_names!(
    libc::EWOULDBLOCK => "EWOULDBLOCK",
    libc::ENOTSUP => "ENOTSUP",
    libc::EDEADLOCK => "EDEADLOCK",
);

/// The errors of getaddrinfo(3).
pub(in crate::rules) const EAI: Names = number_names!(
    libc::EAI_AGAIN => "EAI_AGAIN",
    libc::EAI_NONAME => "EAI_NONAME",
    libc::EAI_FAIL => "EAI_FAIL",
    libc::EAI_NODATA => "EAI_NODATA",
    libc::EAI_FAMILY => "EAI_FAMILY",
    libc::EAI_SOCKTYPE => "EAI_SOCKTYPE",
    libc::EAI_SERVICE => "EAI_SERVICE",
    libc::EAI_MEMORY => "EAI_MEMORY",
    libc::EAI_SYSTEM => "EAI_SYSTEM",
    libc::EAI_OVERFLOW => "EAI_OVERFLOW",
    libc::EAI_BADFLAGS => "EAI_BADFLAGS",
);

/// The names of levels that are also those of protocols.
const LEVEL_ALIASES: Names = number_names!(
    libc::IPPROTO_TCP => "IPPROTO_TCP",
    libc::IPPROTO_IP => "IPPROTO_IP",
    libc::IPPROTO_IPV6 => "IPPROTO_IPV6",
    libc::IPPROTO_UDP => "IPPROTO_UDP",
);

/// The highest error that a system call can return, `MAX_ERRNO`.
const MAX_ERRNO: c_int = 4095;

/// An error.
pub(in crate::rules) fn errno(text: &str) -> Result<Errno, Wrong> {
    let named = || lookup(Errno::names(), "", text).or_else(|| lookup(ERRNO_ALIASES, "", text));
    let errno = number(text).or_else(named);
    errno.filter(|errno| (1..=MAX_ERRNO).contains(errno)).map(Errno).ok_or_else(|| {
        let known = Errno::names().iter().chain(ERRNO_ALIASES.iter()).map(|(_, name)| name);
        Wrong::unknown("error", text, known, "a name of errno(3) such as ECONNREFUSED, or a number")
    })
}

/// An error of getaddrinfo(3).
pub(in crate::rules) fn eai(text: &str) -> Result<c_int, Wrong> {
    let eai = number(text).or_else(|| lookup(EAI, "EAI_", text));
    eai.filter(|eai| (-255..=-1).contains(eai)).ok_or_else(|| {
        let known = EAI.iter().map(|(_, name)| name);
        Wrong::unknown("error of a look-up", text, known, "a name of getaddrinfo(3) such as EAI_NONAME")
    })
}

/// A socket option: `SO_KEEPALIVE`, `SOL_SOCKET/SO_KEEPALIVE`, `1/9`.
pub(in crate::rules) fn optname(text: &str) -> Result<(c_int, c_int), Wrong> {
    let tables =
        || [(libc::SOL_SOCKET, SO), (libc::SOL_TCP, TCP), (libc::SOL_IP, IP), (libc::SOL_IPV6, IPV6)];
    let Some((level_text, name)) = text.split_once('/') else {
        let find = |(level, names): (c_int, Names)| lookup(names, "", text).map(|name| (level, name));
        return tables().into_iter().find_map(find).ok_or_else(|| {
            let known = tables().into_iter().flat_map(|(_, names)| names.iter()).map(|(_, name)| name);
            Wrong::unknown("option", text, known, "a name such as SO_KEEPALIVE, or LEVEL/OPTION")
        });
    };
    let level = number(level_text)
        .or_else(|| lookup(LEVELS, "SOL_", level_text))
        .or_else(|| lookup(LEVEL_ALIASES, "IPPROTO_", level_text))
        .ok_or_else(|| {
            let known = LEVELS.iter().map(|(_, name)| name);
            Wrong::unknown("level", level_text, known, "a level such as SOL_SOCKET, or its number")
                .at(0, level_text)
        })?;
    let names = options_of(level);
    let name = number(name).or_else(|| lookup(names, "", name)).ok_or_else(|| {
        let known = names.iter().map(|(_, name)| name);
        Wrong::unknown("option", name, known, "an option of this level, or its number")
            .at(level_text.len() + 1, name)
    })?;
    Ok((level, name))
}

/// Whether the option's value is a `struct timeval`.
pub(in crate::rules) fn is_timeout(option: &SockOption) -> bool {
    option.level == libc::SOL_SOCKET && matches!(option.name, libc::SO_RCVTIMEO | libc::SO_SNDTIMEO)
}

/// A duration in nanoseconds: `50ms`, `1m 30s`.
pub(in crate::rules) fn duration(text: &str) -> Result<u64, Wrong> {
    let help = || "expected a number and a unit, such as 50ms, 2s or 1m 30s";
    match humantime::parse_duration(text).map(|duration| u64::try_from(duration.as_nanos())) {
        Ok(Ok(nanoseconds)) => Ok(nanoseconds),
        Ok(Err(_)) | Err(humantime::DurationError::NumberOverflow) => {
            Err(Wrong::new("too long a time: ".to_string() + &quoted(text), ""))
        }
        Err(_) => Err(Wrong::new("not a time: ".to_string() + &quoted(text), help())),
    }
}

/// Ordinals in strace's grammar.
pub(in crate::rules) fn when(text: &str) -> Result<When, Wrong> {
    let help = "expected FIRST[..LAST][+[STEP]], counted from 1, as in 3 or 1..2 or 5+";
    When::parse(text).ok_or_else(|| Wrong::new("not a range of calls: ".to_string() + &quoted(text), help))
}

/// A probability.
pub(in crate::rules) fn probability(text: &str) -> Result<f64, Wrong> {
    let probability = text.parse().ok().filter(|_| !text.starts_with('+'));
    let chance = probability.and_then(|probability| Chance { probability, seed: None }.sound());
    chance.map(|chance| chance.probability).ok_or_else(|| {
        Wrong::new(
            "not a probability: ".to_string() + &quoted(text),
            "expected a number from 0 to 1, such as 0.05",
        )
    })
}

/// A number that is not negative.
pub(in crate::rules) fn whole(text: &str) -> Result<u64, Wrong> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse()
        .ok()
        .filter(|_| digits)
        .ok_or_else(|| Wrong::new("not a whole number from 0 up: ".to_string() + &quoted(text), ""))
}

/// How many bytes a call may send or receive.
pub(in crate::rules) fn limit(text: &str) -> Result<u64, Wrong> {
    match whole(text)? {
        0 => Err(Wrong::new(
            "a limit of 0 bytes",
            "expected at least 1: 0 bytes received are the end of the stream",
        )),
        bytes => Ok(bytes),
    }
}

/// A user.
pub(in crate::rules) fn uid(text: &str) -> Result<u32, Wrong> {
    let uid = whole(text).ok().and_then(|uid| u32::try_from(uid).ok());
    uid.ok_or_else(|| {
        Wrong::new(
            "not a user: ".to_string() + &quoted(text),
            "expected a user's number, as `id -u` prints it",
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors() {
        for text in ["ECONNREFUSED", "econnrefused", "111", "0x6f"] {
            assert_eq!(errno(text).ok(), Some(Errno::ECONNREFUSED), "{text}");
        }
        assert_eq!(errno("EWOULDBLOCK").ok(), Some(Errno::EAGAIN));
        for text in ["CONNREFUSED", "0", "-1", "4096", "", "E", "EAI_AGAIN"] {
            assert!(errno(text).is_err(), "{text}");
        }
        for text in ["EAI_AGAIN", "again", "-3"] {
            assert_eq!(eai(text).ok(), Some(-3), "{text}");
        }
        assert!(eai("ECONNREFUSED").is_err() && eai("0").is_err() && eai("EAI_NONAM").is_err());
    }

    #[test]
    fn options() {
        for text in ["SO_KEEPALIVE", "SOL_SOCKET/SO_KEEPALIVE", "1/9", "socket/so_keepalive"] {
            assert_eq!(optname(text).ok(), Some((1, 9)), "{text}");
        }
        for text in ["TCP_NODELAY", "IPPROTO_TCP/TCP_NODELAY", "tcp/1", "SOL_TCP/TCP_NODELAY"] {
            assert_eq!(optname(text).ok(), Some((6, 1)), "{text}");
        }
        assert_eq!(
            optname("SO_KEEPALIV").map_err(|wrong| wrong.help),
            Err("did you mean SO_KEEPALIVE?".into())
        );
        assert_eq!(optname("SOL_SOCKT/1").map_err(|wrong| wrong.at), Err(Some(0..9)));
        assert_eq!(optname("SOL_SOCKET/TCP_NODELAY").map_err(|wrong| wrong.at), Err(Some(11..22)));
    }

    #[test]
    fn times_and_numbers() {
        assert_eq!(duration("50ms").ok(), Some(50_000_000));
        assert_eq!(duration("1m 30s").ok(), Some(90_000_000_000));
        for text in ["", "50", "ms", "-1s", "50 parsecs", "600years", "99999999999999999999s"] {
            assert!(duration(text).is_err(), "{text}");
        }
        for text in ["0", "1", "0.05", "1e-3", "1.0"] {
            assert!(probability(text).is_ok(), "{text}");
        }
        for text in ["", "-0.1", "1.01", "nan", "inf", "5%", "+0.5"] {
            assert!(probability(text).is_err(), "{text}");
        }
        assert_eq!(
            (limit("1").ok(), limit("0").ok(), limit("+1").ok(), limit("").ok()),
            (Some(1), None, None, None)
        );
        assert_eq!((uid("4294967295").ok(), uid("4294967296").ok()), (Some(u32::MAX), None));
        assert!(when("1..2").is_ok() && when("2..1").is_err());
    }
}
