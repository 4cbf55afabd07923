//! setsockopt(2), getsockopt(2), ioctl(2).

use super::{Brief, Success, Unusual, Words, unchanged};
use crate::dispatch::option::{GETSOCKOPT, IOCTL, IPV6_ADDRFORM, SETSOCKOPT, value};
use crate::memory;
use crate::stack::Page;
use crate::track::Known;
use sockshim_core::net::socket::unsettles;
use sockshim_core::trace::event::{Course, Extra};

/// A setsockopt(2) that succeeds and changes nothing that is remembered.
pub struct Set;

impl Brief for Set {
    const COURSE: Option<&'static Course> = Some(&SETSOCKOPT);
    const CHANGES: bool = false;
    /// The value's first int, if it is that long.
    type Kept = Option<i32>;

    #[inline(always)]
    fn start(words: &Words, known: &mut Known, page: Page) -> Result<Option<i32>, Unusual> {
        let (level, optname, optlen) = (words[1] as i32, words[2] as i32, words[4] as i32);
        if optname == IPV6_ADDRFORM || unsettles(known.socket().sort().family, level, optname) {
            return Err(Unusual);
        }
        if optlen < size_of::<i32>() as i32 {
            return Ok(None);
        }
        memory::near(page, words[3]).ok_or(Unusual).map(Some)
    }

    #[inline(always)]
    fn succeeded(words: &Words, known: &mut Known, kept: &Option<i32>, _: i64) -> Result<Success, Unusual> {
        unchanged(known)?;
        let extra = match *kept {
            Some(value) if words[4] as i32 == size_of::<i32>() as i32 => Extra::Value(value),
            _ => Extra::None,
        };
        Ok(Success { extra, address: None })
    }
}

/// A getsockopt(2) that succeeds.
pub struct Get;

impl Brief for Get {
    const COURSE: Option<&'static Course> = Some(&GETSOCKOPT);
    const CHANGES: bool = false;
    /// The length of the buffer.
    type Kept = Option<i32>;

    #[inline(always)]
    fn start(words: &Words, _: &mut Known, page: Page) -> Result<Option<i32>, Unusual> {
        memory::near(page, words[4]).ok_or(Unusual).map(Some)
    }

    #[inline(always)]
    fn succeeded(words: &Words, known: &mut Known, kept: &Option<i32>, _: i64) -> Result<Success, Unusual> {
        unchanged(known)?;
        // SAFETY: the call has succeeded.
        Ok(Success { extra: unsafe { value(words, *kept) }, address: None })
    }
}

/// An ioctl(2) that succeeds.
pub struct Ioctl;

impl Brief for Ioctl {
    const COURSE: Option<&'static Course> = Some(&IOCTL);
    const CHANGES: bool = false;
    type Kept = ();

    #[inline(always)]
    fn start(_: &Words, _: &mut Known, _: Page) -> Result<(), Unusual> {
        Ok(())
    }

    #[inline(always)]
    fn succeeded(_: &Words, known: &mut Known, (): &(), _: i64) -> Result<Success, Unusual> {
        unchanged(known)
    }
}
