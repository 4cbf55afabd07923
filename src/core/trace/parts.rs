//! Texts and addresses of an event that has several of them, one behind the other in the bytes of its address.
//!
//! Only calls that ask for names have more than one, and those whose bytes are wanted. A field for each would make all events larger, and every call pays
//! for the length of an event.

use crate::net::address::SockAddr;
use crate::uapi::SOCKADDR_STORAGE;

/// What a part is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Part {
    /// The name of a host that is asked for.
    Host = 1,
    /// A service that is asked for.
    Service,
    /// An address that is asked for: a socket address for getnameinfo(3), else 4 or 16 bytes.
    Address,
    /// The first address that was found: 4 or 16 bytes.
    FirstAddress,
    /// The name of a host that was found.
    HostFound,
    /// The name of a service that was found.
    ServiceFound,
    /// The first bytes of what was sent or received.
    Data,
    /// An option's value that is no int.
    OptionValue,
}

/// In the byte that says what a part is: the original is longer.
const CUT: u8 = 0x80;
/// Before the bytes of a part: what it is, and its length.
const HEAD: usize = 2;
/// The most bytes that a part with an address of the internet takes.
pub const ADDRESS_ROOM: usize = HEAD + 16;

/// The bytes of a part, and whether the original is longer.
pub type Piece<'a> = (&'a [u8], bool);

/// Appends a part, and leaves `spare` bytes for later ones. What does not fit is cut; a part for which there is not even
/// its head is left out.
pub fn push(to: &mut SockAddr, part: Part, (bytes, cut): Piece, spare: usize) {
    let at = to.len();
    let Some(capacity) = (SOCKADDR_STORAGE - at).checked_sub(HEAD + spare) else { return };
    let len = bytes.len().min(capacity);
    let cut = if cut || len < bytes.len() { CUT } else { 0 };
    let buffer = &mut to.buffer()[at..];
    buffer[..HEAD].copy_from_slice(&[part as u8 | cut, len as u8]);
    buffer[HEAD..HEAD + len].copy_from_slice(&bytes[..len]);
    to.set_len(at + HEAD + len);
}

/// A part, if it is there.
pub fn get(of: &SockAddr, part: Part) -> Option<Piece<'_>> {
    let mut rest = of.bytes();
    while let [head, len, tail @ ..] = rest {
        let (bytes, behind) = tail.split_at_checked((*len).into())?;
        if head & !CUT == part as u8 {
            return Some((bytes, head & CUT != 0));
        }
        rest = behind;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_found_again() {
        let mut all = SockAddr::EMPTY;
        push(&mut all, Part::Service, (b"http", false), 0);
        push(&mut all, Part::Host, (b"", false), 0);
        push(&mut all, Part::FirstAddress, (&[127, 0, 0, 1], false), 0);
        assert_eq!(get(&all, Part::Service), Some((&b"http"[..], false)));
        assert_eq!(get(&all, Part::Host), Some((&b""[..], false)));
        assert_eq!(get(&all, Part::FirstAddress), Some((&[127, 0, 0, 1][..], false)));
        assert_eq!(get(&all, Part::Address), None);
        assert_eq!(get(&SockAddr::EMPTY, Part::Host), None);
        assert_eq!(get(&SockAddr::new(&[1, 200, 3]), Part::Host), None);
    }

    #[test]
    fn what_does_not_fit_is_cut_and_says_so() {
        let mut all = SockAddr::EMPTY;
        push(&mut all, Part::Host, (&[b'a'; 300], false), ADDRESS_ROOM);
        push(&mut all, Part::FirstAddress, (&[1; 16], false), 0);
        push(&mut all, Part::Service, (b"http", false), 0);
        let host = get(&all, Part::Host).expect("a host");
        assert_eq!((host.0.len(), host.1), (SOCKADDR_STORAGE - ADDRESS_ROOM - HEAD, true));
        assert_eq!(get(&all, Part::FirstAddress), Some((&[1; 16][..], false)));
        assert_eq!(get(&all, Part::Service), None);
    }
}
