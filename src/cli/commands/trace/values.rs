//! Names for numbers that the log has as numbers.

use super::event::Event;
use sockshim_core::errno::Errno;

/// A bit and its name.
type Bits = [(i64, &'static str)];

/// Flags of open(2) that fcntl(F_SETFL) takes and F_GETFL returns.
const STATUS: &Bits = &[
    (libc::O_APPEND as i64, "O_APPEND"),
    (libc::O_NONBLOCK as i64, "O_NONBLOCK"),
    (libc::O_ASYNC as i64, "O_ASYNC"),
    (libc::O_DIRECT as i64, "O_DIRECT"),
    (libc::O_NOATIME as i64, "O_NOATIME"),
];
const CLOSE_RANGE: &Bits = &[
    (libc::CLOSE_RANGE_UNSHARE as i64, "CLOSE_RANGE_UNSHARE"),
    (libc::CLOSE_RANGE_CLOEXEC as i64, "CLOSE_RANGE_CLOEXEC"),
];
const CLONE: &Bits = &[
    (libc::CLONE_VM as i64, "CLONE_VM"),
    (libc::CLONE_FS as i64, "CLONE_FS"),
    (libc::CLONE_FILES as i64, "CLONE_FILES"),
    (libc::CLONE_SIGHAND as i64, "CLONE_SIGHAND"),
    (libc::CLONE_VFORK as i64, "CLONE_VFORK"),
    (libc::CLONE_PARENT as i64, "CLONE_PARENT"),
    (libc::CLONE_THREAD as i64, "CLONE_THREAD"),
    (libc::CLONE_NEWNS as i64, "CLONE_NEWNS"),
    (libc::CLONE_SYSVSEM as i64, "CLONE_SYSVSEM"),
    (libc::CLONE_NEWUTS as i64, "CLONE_NEWUTS"),
    (libc::CLONE_NEWIPC as i64, "CLONE_NEWIPC"),
    (libc::CLONE_NEWUSER as i64, "CLONE_NEWUSER"),
    (libc::CLONE_NEWPID as i64, "CLONE_NEWPID"),
    (libc::CLONE_NEWNET as i64, "CLONE_NEWNET"),
    (libc::CLONE_NEWCGROUP as i64, "CLONE_NEWCGROUP"),
];

/// What gai_strerror(3) and hstrerror(3) say of the resolver's errors.
const OF_RESOLVER: [(&str, &str); 17] = [
    ("EAI_BADFLAGS", "Bad value for ai_flags"),
    ("EAI_NONAME", "Name or service not known"),
    ("EAI_AGAIN", "Temporary failure in name resolution"),
    ("EAI_FAIL", "Non-recoverable failure in name resolution"),
    ("EAI_NODATA", "No address associated with hostname"),
    ("EAI_FAMILY", "ai_family not supported"),
    ("EAI_SOCKTYPE", "ai_socktype not supported"),
    ("EAI_SERVICE", "Servname not supported for ai_socktype"),
    ("EAI_ADDRFAMILY", "Address family for hostname not supported"),
    ("EAI_MEMORY", "Memory allocation failure"),
    ("EAI_SYSTEM", "System error"),
    ("EAI_INTR", "Interrupted by a signal"),
    ("EAI_IDN_ENCODE", "Parameter string not correctly encoded"),
    ("HOST_NOT_FOUND", "Unknown host"),
    ("TRY_AGAIN", "Host name lookup failure"),
    ("NO_RECOVERY", "Unknown server error"),
    ("NO_DATA", "No address associated with name"),
];

/// What libc says of an error.
pub fn said(errno: &str) -> Option<String> {
    if let Some((_, said)) = OF_RESOLVER.iter().find(|(name, _)| *name == errno) {
        return Some((*said).to_owned());
    }
    let number = Errno::from_name(errno)?.0;
    let said = std::io::Error::from_raw_os_error(number).to_string();
    Some(said.split(" (os error").next()?.to_owned())
}

/// Whether the call does not look at this argument.
pub fn is_unused(event: &Event, key: &str) -> bool {
    let takes_none =
        ["F_GETFD", "F_GETFL", "F_GETOWN", "F_GETSIG", "F_GETLEASE", "F_GETPIPE_SZ", "F_GET_SEALS"];
    key == "arg" && event.arg("cmd").and_then(|cmd| cmd.as_str()).is_some_and(|cmd| takes_none.contains(&cmd))
}

/// What a call that has succeeded has returned, in words.
pub fn named_result(event: &Event) -> Option<String> {
    match (event.name(), event.arg("cmd")?.as_str()?) {
        ("fcntl", "F_GETFL") => Some(format!("{:#x} ({})", event.ret, fcntl_argument("F_SETFL", event.ret)?)),
        ("fcntl", "F_GETFD") => Some(format!("{:#x} ({})", event.ret, fcntl_argument("F_SETFD", event.ret)?)),
        _ => None,
    }
}

/// The number of an argument in words, where it has some.
pub fn named(event: &Event, key: &str, number: i64) -> Option<String> {
    match (event.name(), key) {
        ("getsockopt", "optval") if event.told_error().is_some() => Some(
            Errno(number as i32).name().map_or_else(|| format!("[{number}]"), |name| format!("[{name}]")),
        ),
        ("getsockopt" | "setsockopt", "optval") => Some(format!("[{number}]")),
        ("fcntl", "arg") => fcntl_argument(event.arg("cmd")?.as_str()?, number),
        ("close_range", "flags") => Some(bits(CLOSE_RANGE, number)),
        ("close_range", "last") if number == i64::from(u32::MAX) => Some("~0U".into()),
        ("clone" | "unshare", "flags") => Some(bits(CLONE, number)),
        ("setns", "nstype") if number != 0 => Some(bits(CLONE, number)),
        ("shutdown", "how") => ["SHUT_RD", "SHUT_WR", "SHUT_RDWR"]
            .get(usize::try_from(number).ok()?)
            .map(|name| name.to_string()),
        _ => None,
    }
}

/// A number that the log has in hexadecimal, in words.
pub fn named_text(event: &Event, key: &str, text: &str) -> Option<String> {
    // Other numbers of that kind are pointers.
    if !matches!(key, "flags" | "nstype") {
        return None;
    }
    let number = i64::from_str_radix(text.strip_prefix("0x")?, 16).ok()?;
    named(event, key, number)
}

/// getaddrinfo(3)'s hints in the order of their structure.
pub fn hints(hints: &serde_json::Value) -> String {
    let fields = ["flags", "family", "socktype", "protocol"].map(|field| {
        let value = hints.get(field).and_then(serde_json::Value::as_str).unwrap_or("0");
        format!("ai_{field}={value}")
    });
    format!("{{{}}}", fields.join(", "))
}

fn fcntl_argument(cmd: &str, number: i64) -> Option<String> {
    match cmd {
        "F_SETFD" => Some(bits(&[(libc::FD_CLOEXEC as i64, "FD_CLOEXEC")], number)),
        "F_SETFL" => {
            let mode = ["O_RDONLY", "O_WRONLY", "O_RDWR", "O_ACCMODE"]
                [(number & i64::from(libc::O_ACCMODE)) as usize];
            let rest = number & !i64::from(libc::O_ACCMODE) & !0o100_000;
            Some(if rest == 0 { mode.into() } else { format!("{mode}|{}", bits(STATUS, rest)) })
        }
        _ => None,
    }
}

/// `A|B|0x40`; `0` for none.
fn bits(names: &Bits, number: i64) -> String {
    let mut rest = number;
    let mut parts = Vec::new();
    for (bit, name) in names {
        if rest & bit == *bit {
            parts.push((*name).to_owned());
            rest &= !bit;
        }
    }
    if rest != 0 || parts.is_empty() {
        parts.push(if rest == 0 { "0".into() } else { format!("{rest:#x}") });
    }
    parts.join("|")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_by_name() {
        assert_eq!(fcntl_argument("F_SETFL", 2050).as_deref(), Some("O_RDWR|O_NONBLOCK"));
        assert_eq!(fcntl_argument("F_SETFL", 0).as_deref(), Some("O_RDONLY"));
        assert_eq!(fcntl_argument("F_SETFD", 1).as_deref(), Some("FD_CLOEXEC"));
        assert_eq!(fcntl_argument("F_DUPFD", 3), None);
        assert_eq!(
            bits(CLONE, libc::CLONE_VM as i64 | libc::CLONE_VFORK as i64 | 17),
            "CLONE_VM|CLONE_VFORK|0x11"
        );
    }
}
