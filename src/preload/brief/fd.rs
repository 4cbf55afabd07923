//! close(2), dup(2), dup2(2).

use super::{Brief, Success, Unusual, Words};
use crate::dispatch::fd::CLOSE;
use crate::log::writer::apart;
use crate::stack::Page;
use crate::track::{self, Known};
use crate::{identity, sys};
use sockshim_core::fdtable::{FDS, Seen};
use sockshim_core::trace::event::Course;

/// A close(2) of a socket, or of what the kernel says is none.
pub struct Close;

impl Brief for Close {
    const COURSE: Option<&'static Course> = Some(&CLOSE);
    /// How many descriptors there were of the open file.
    type Kept = Option<i32>;

    #[inline(always)]
    fn start(words: &Words, known: &mut Known, _: Page) -> Result<Option<i32>, Unusual> {
        let fd = words[0] as i32;
        if fd == libc::STDERR_FILENO || apart::is_to_come() {
            return Err(Unusual);
        }
        match FDS.forget_socket(fd, known) {
            0 => Err(Unusual),
            refs => Ok(Some(refs as i32)),
        }
    }

    #[inline(always)]
    fn succeeded(_: &Words, _: &mut Known, _: &Option<i32>, _: i64) -> Result<Success, Unusual> {
        Ok(Success::PLAIN)
    }

    #[inline(always)]
    fn leaves_no_trace(words: &Words, seen: Seen) -> bool {
        let fd = words[0] as i32;
        if fd == libc::STDERR_FILENO || apart::is_to_come() || identity::is_sandboxed() {
            return false;
        }
        if seen.is_not_socket() {
            FDS.forget(fd);
            return true;
        }
        seen.is_unknown() && sys::getsockopt_cookie(fd) == Err(libc::ENOTSOCK)
    }
}

/// A dup(2) that succeeds.
pub struct Dup;

impl Brief for Dup {
    const COURSE: Option<&'static Course> = None;
    type Kept = ();

    #[inline(always)]
    fn start(_: &Words, _: &mut Known, _: Page) -> Result<(), Unusual> {
        Ok(())
    }

    #[inline(always)]
    fn succeeded(_: &Words, known: &mut Known, (): &(), ret: i64) -> Result<Success, Unusual> {
        // A socket there was closed unseen.
        if FDS.seen(ret as i32).is_socket() {
            return Err(Unusual);
        }
        FDS.dup_socket(known, ret as i32);
        Ok(Success::PLAIN)
    }

    #[inline(always)]
    fn leaves_no_trace(words: &Words, _: Seen) -> bool {
        !identity::is_sandboxed() && sys::getsockopt_cookie(words[0] as i32) == Err(libc::ENOTSOCK)
    }

    #[inline(always)]
    fn left_no_trace(ret: i64) -> bool {
        ret < 0 || FDS.seen(ret as i32).is_unknown()
    }
}

/// A dup2(2) or dup3(2) that succeeds.
pub struct Dup2;

impl Brief for Dup2 {
    const COURSE: Option<&'static Course> = None;
    type Kept = ();

    #[inline(always)]
    fn start(words: &Words, _: &mut Known, _: Page) -> Result<(), Unusual> {
        let (old, new) = (words[0] as i32, words[1] as i32);
        if old == new || new == libc::STDERR_FILENO || apart::is_to_come() {
            return Err(Unusual);
        }
        match track::known(new) {
            Some(other) if !track::is_current(new, &other) || FDS.forget_socket(new, &other) == 0 => {
                Err(Unusual)
            }
            Some(_) => Ok(()),
            None => {
                FDS.forget(new);
                Ok(())
            }
        }
    }

    #[inline(always)]
    fn succeeded(_: &Words, known: &mut Known, (): &(), ret: i64) -> Result<Success, Unusual> {
        FDS.dup_socket(known, ret as i32);
        Ok(Success::PLAIN)
    }

    #[inline(always)]
    fn leaves_no_trace(words: &Words, _: Seen) -> bool {
        let (old, new) = (words[0] as i32, words[1] as i32);
        let seen = FDS.seen(new);
        if old == new || new == libc::STDERR_FILENO || seen.is_socket() || identity::is_sandboxed() {
            return false;
        }
        let not_socket = sys::getsockopt_cookie(old) == Err(libc::ENOTSOCK);
        if not_socket && !seen.is_unknown() {
            FDS.forget(new);
        }
        not_socket
    }
}
