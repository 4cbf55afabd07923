//! A socket address as text: where `to` leads.

use crate::net::address::SockAddr;
use crate::rules::sockaddr::{of_unix, of_v4, of_v6};
use crate::rules::text::target::port;
use crate::rules::text::wrong::{Wrong, quoted};
use std::net::{Ipv4Addr, Ipv6Addr};

/// An address: `127.0.0.1:80`, `[::1]:80`, `unix:/path`, `@name`.
pub(in crate::rules) fn address(text: &str) -> Result<SockAddr, Wrong> {
    let too_long = || Wrong::new("too long for an address of AF_UNIX", "at most 107 bytes");
    if let Some(path) = text.strip_prefix("unix:") {
        if path.is_empty() || path.contains('\0') {
            return Err(Wrong::new("no path", "expected unix:/path"));
        }
        return of_unix(&[path.as_bytes(), b"\0"]).ok_or_else(too_long);
    }
    if let Some(name) = text.strip_prefix('@') {
        return of_unix(&[b"\0", name.as_bytes()]).ok_or_else(too_long);
    }
    let parsed = text.rsplit_once(':').and_then(|(ip, port)| {
        let port = self::port(port)?;
        match ip.strip_prefix('[') {
            Some(v6) => Some(of_v6(v6.strip_suffix(']')?.parse::<Ipv6Addr>().ok()?, port)),
            None => Some(of_v4(ip.parse::<Ipv4Addr>().ok()?, port)),
        }
    });
    parsed.ok_or_else(|| {
        let help = "expected ADDR:PORT, [V6]:PORT, unix:PATH or @NAME";
        Wrong::new("not an address: ".to_string() + &quoted(text), help)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        for text in ["127.0.0.1:8080", "[::1]:80", "unix:/run/a.sock", "@name", "@", "0.0.0.0:0"] {
            assert!(address(text).is_ok(), "{text}");
        }
        assert_eq!(address("[::ffff:1.2.3.4]:5").map(|addr| addr.family()).ok(), Some(Some(libc::AF_INET6)));
        assert!(address(&("unix:".to_string() + &"a".repeat(107))).is_ok());
        assert!(address(&("unix:".to_string() + &"a".repeat(108))).is_err());
        assert!(address(&("@".to_string() + &"a".repeat(107))).is_ok());
        assert!(address(&("@".to_string() + &"a".repeat(108))).is_err());
        for text in
            ["", "127.0.0.1", "127.0.0.1:70000", "::1:80", "[::1]", "localhost:80", "unix:", "[1.2.3.4]:5"]
        {
            assert!(address(text).is_err(), "{text}");
        }
    }
}
