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

    #[inline(always)]
    fn before(words: &Words, known: &mut Known, page: Page) -> Result<Option<i32>, Unusual> {
        let (level, optname, optlen) = (words[1] as i32, words[2] as i32, words[4] as i32);
        if optname == IPV6_ADDRFORM || unsettles(known.socket().family(), level, optname) {
            return Err(Unusual);
        }
        if optlen < size_of::<i32>() as i32 {
            return Ok(None);
        }
        memory::near(page, words[3]).ok_or(Unusual).map(Some)
    }

    #[inline(always)]
    fn after(words: &Words, known: &mut Known, input: Option<i32>, _: i64) -> Result<Success, Unusual> {
        unchanged(known)?;
        let extra = match input {
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

    #[inline(always)]
    fn before(words: &Words, _: &mut Known, page: Page) -> Result<Option<i32>, Unusual> {
        memory::near(page, words[4]).ok_or(Unusual).map(Some)
    }

    #[inline(always)]
    fn after(words: &Words, known: &mut Known, _: Option<i32>, _: i64) -> Result<Success, Unusual> {
        unchanged(known)?;
        // SAFETY: the successful call has written the length, and as much of the value.
        Ok(Success { extra: unsafe { value(words) }, address: None })
    }
}

/// An ioctl(2) that succeeds.
pub struct Ioctl;

impl Brief for Ioctl {
    const COURSE: Option<&'static Course> = Some(&IOCTL);
    const CHANGES: bool = false;

    #[inline(always)]
    fn after(_: &Words, known: &mut Known, _: Option<i32>, _: i64) -> Result<Success, Unusual> {
        unchanged(known)?;
        Ok(Success::PLAIN)
    }
}
