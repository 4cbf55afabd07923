//! Only in the library that tests build: it fails and acts as they tell it to.
//!
//! # Safety
//! The environment is read without a lock; the tests' programs do not change it at the same time.

use core::ffi::CStr;
use core::time::Duration;
use sockshim_core::errno::Errno;
use sockshim_core::net::address::SockAddr;
use sockshim_core::verdict::{Argument, Instead, Reason, Verdict};

/// Whether the dispatch of this call must panic: `SOCKSHIM_PANIC` names it.
pub fn panics_at(call: &str) -> bool {
    variable(c"SOCKSHIM_PANIC").is_some_and(|wanted| wanted == call)
}

/// Whether all calls must take the slow path and the clock must be the kernel's: `SOCKSHIM_WITHOUT_FAST_PATH=1`.
pub fn without_fast_path() -> bool {
    variable(c"SOCKSHIM_WITHOUT_FAST_PATH") == Some("1")
}

/// Whether the first event must wait for the writer, so that what follows can take the fast path: `SOCKSHIM_WAITS=1`.
pub fn waits() -> bool {
    variable(c"SOCKSHIM_WAITS") == Some("1")
}

/// Whether a new writer keeps the program's descriptors for a while, as it may do where it is not let run:
/// `SOCKSHIM_LINGERS=1`.
pub fn lingers() -> bool {
    variable(c"SOCKSHIM_LINGERS") == Some("1")
}

/// What is decided about calls that ask for names or addresses: the value of `SOCKSHIM_RESOLVE`.
pub fn resolve() -> Option<&'static str> {
    variable(c"SOCKSHIM_RESOLVE")
}

/// Whether verdicts are given at all.
pub fn decides() -> bool {
    variable(c"SOCKSHIM_VERDICT").is_some()
}

/// The verdict on a call: the walk's, or the one that `SOCKSHIM_VERDICT` gives in its place. Its value is
/// `CALL=PART[,PART…]`, where a part is `done:VALUE`, `fail:ERRNO`, `delay:MILLISECONDS`, `address:PORT` (on
/// 127.0.0.1), `length:BYTES` or `protocol:NUMBER` (of an AF_INET stream socket).
pub fn decided(call: &str, mut verdict: Verdict, instead: &mut Instead) -> Verdict {
    let spec = variable(c"SOCKSHIM_VERDICT").and_then(|spec| spec.split_once('='));
    let parts = spec.filter(|(wanted, _)| *wanted == call).map_or("", |(_, parts)| parts);
    for (kind, value) in parts.split(',').filter_map(|part| part.split_once(':')) {
        let number: i64 = value.parse().unwrap_or(0);
        match kind {
            "done" => verdict = Verdict::done(number, Reason::Shim).then(verdict.change),
            "fail" => verdict = Verdict::refuse(Errno(number as i32), Reason::Shim).then(verdict.change),
            "delay" => instead.delay = Duration::from_millis(number as u64).as_nanos() as u64,
            "address" => instead.argument = Argument::Address(loopback(number as u16)),
            "length" => instead.argument = Argument::Length(number as u64),
            "protocol" => {
                let (family, ty) = (libc::AF_INET, libc::SOCK_STREAM);
                instead.argument = Argument::Protocol { family, ty, protocol: number as i32 };
            }
            _ => {}
        }
    }
    // The walk's prediction is about the program's own arguments, so a changed call has none.
    if instead.is_nothing() { verdict } else { verdict.open() }
}

fn loopback(port: u16) -> SockAddr {
    let [high, low] = port.to_be_bytes();
    let [family, zero] = (libc::AF_INET as u16).to_ne_bytes();
    let mut bytes = [0; 16];
    bytes[..8].copy_from_slice(&[family, zero, high, low, 127, 0, 0, 1]);
    SockAddr::new(&bytes)
}

fn variable(name: &CStr) -> Option<&'static str> {
    // SAFETY: as the module says; getenv returns a C string or null.
    let value = unsafe {
        let value = libc::getenv(name.as_ptr());
        if value.is_null() { None } else { Some(CStr::from_ptr(value)) }
    };
    value.and_then(|value| value.to_str().ok())
}
