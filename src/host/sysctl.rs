//! Questions that are answered by files below `/proc/sys`. They show the reader's own network namespace.

use core::ffi::{CStr, c_int};
use sockshim_core::decimal::number;
use sockshim_sys as sys;

/// The number in the file; `None` when there is no such file, or no number in it.
pub fn read(path: &CStr) -> Option<c_int> {
    let fd = sys::open(path, libc::O_RDONLY | libc::O_CLOEXEC, 0).ok()?;
    let mut bytes = [0; 24];
    let len = sys::read(fd, &mut bytes);
    sys::close(fd);
    parse(bytes.get(..len.ok()?)?)
}

/// Whether the network namespace is the kernel's first: only there is `/proc/sys/net/core` whole. `None` when nothing of it
/// can be seen.
pub fn is_init_net() -> Option<bool> {
    let is_there = |path| match sys::open(path, libc::O_RDONLY | libc::O_CLOEXEC, 0) {
        Ok(fd) => {
            sys::close(fd);
            Some(true)
        }
        Err(libc::ENOENT) => Some(false),
        Err(_) => None,
    };
    let is_init = is_there(c"/proc/sys/net/core/netdev_max_backlog")?;
    (is_init || is_there(c"/proc/sys/net/ipv4/ip_forward") == Some(true)).then_some(is_init)
}

fn parse(bytes: &[u8]) -> Option<c_int> {
    number(bytes.trim_ascii())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_what_is_none() {
        assert_eq!(parse(b"4096\n"), Some(4096));
        assert_eq!(parse(b"-1\n"), Some(-1));
        assert_eq!(parse(b"1\t0\n"), None);
        assert_eq!(parse(b""), None);
        assert!(read(c"/proc/sys/net/core/somaxconn").is_some());
        assert_eq!(read(c"/proc/sys/net/core/no-such-file"), None);
    }
}
