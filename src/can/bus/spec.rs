//! What a user writes to name interfaces: `vcan0,vcan1:mtu=16`, in `SOCKSHIM_CAN` and behind `--can`.

use libc::IFNAMSIZ;
use sockshim_can_proto::frame::{CAN_MTU, CANFD_MTU, CANXL_HEAD, CANXL_MAX_MTU};

/// An interface that is asked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Spec<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its MTU, if that matters.
    pub mtu: Option<u32>,
}

/// The MTU of a new interface, as the kernel's vcan has it.
pub const MTU: u32 = CANFD_MTU as u32;

/// The interfaces that a text names, or what is wrong with it.
pub fn parse(text: &str) -> impl Iterator<Item = Result<Spec<'_>, Wrong<'_>>> {
    text.split(',').map(one)
}

/// What is wrong with the name of an interface, and where.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Wrong<'a> {
    /// Not the name of an interface: empty, longer than 15 bytes, or with a character that no interface has.
    Name(&'a str),
    /// Not an MTU that an interface can have.
    Mtu(&'a str),
    /// An option that there is not.
    Option(&'a str),
}

impl core::fmt::Display for Wrong<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter) -> core::fmt::Result {
        match self {
            Wrong::Name(name) => write!(
                f,
                "'{name}' is not the name of an interface: 1 to 15 characters, without '/' and spaces"
            ),
            Wrong::Mtu(mtu) => {
                write!(f, "'{mtu}' is not an MTU: 16 for classic CAN, 72 for CAN FD, 76 to 2060 for CAN XL")
            }
            Wrong::Option(option) => {
                write!(f, "'{option}' is not an option of an interface: there is mtu=16|72|2060")
            }
        }
    }
}

fn one(text: &str) -> Result<Spec<'_>, Wrong<'_>> {
    let (name, options) = text.split_once(':').map_or((text, None), |(name, options)| (name, Some(options)));
    if !is_name(name) {
        return Err(Wrong::Name(name));
    }
    let mtu = match options {
        None => None,
        Some(options) => {
            let mtu = options.strip_prefix("mtu=").ok_or(Wrong::Option(options))?;
            Some(mtu.parse().ok().filter(|mtu| is_mtu(*mtu)).ok_or(Wrong::Mtu(mtu))?)
        }
    };
    Ok(Spec { name, mtu })
}

/// `dev_valid_name`, and no comma, which separates names here.
pub fn is_name(name: &str) -> bool {
    let is_bad = |byte: u8| byte == b'/' || byte == b':' || byte.is_ascii_whitespace() || byte < b' ';
    !name.is_empty() && name.len() < IFNAMSIZ && name != "." && name != ".." && !name.bytes().any(is_bad)
}

/// `vcan_change_mtu`.
pub fn is_mtu(mtu: u32) -> bool {
    const CANXL_MIN: u32 = (CANXL_HEAD + 64) as u32;
    mtu == CAN_MTU as u32 || mtu == CANFD_MTU as u32 || (CANXL_MIN..=CANXL_MAX_MTU as u32).contains(&mtu)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_mtus() {
        let all: Result<Vec<_>, _> = parse("vcan0,can1:mtu=16,x:mtu=2060").collect();
        let spec = |name, mtu| Spec { name, mtu };
        assert_eq!(all, Ok(vec![spec("vcan0", None), spec("can1", Some(16)), spec("x", Some(2060))]));
    }

    #[test]
    fn what_is_wrong() {
        let wrong = |text| parse(text).find_map(Result::err);
        assert_eq!(wrong("vcan0,"), Some(Wrong::Name("")));
        assert_eq!(wrong("0123456789abcdef"), Some(Wrong::Name("0123456789abcdef")));
        assert_eq!(wrong("a/b"), Some(Wrong::Name("a/b")));
        assert_eq!(wrong("vcan0:mtu=17"), Some(Wrong::Mtu("17")));
        assert_eq!(wrong("vcan0:mtu="), Some(Wrong::Mtu("")));
        assert_eq!(wrong("vcan0:speed=1"), Some(Wrong::Option("speed=1")));
    }
}
