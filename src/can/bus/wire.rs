//! A datagram of the bus: a header, and the frame as the program has sent it.
//!
//! What filters look at stands in network byte order, as they load it.

use sockshim_can_proto::raw::Place;

/// The header's length.
pub const HEADER: usize = 32;
/// What a filter of a UDP socket sees before the datagram.
const UDP: u32 = 8;

/// In the kind: a CAN FD frame.
pub const FD: u8 = 1;
/// In the kind: a CAN XL frame.
pub const XL: u8 = 2;
/// In the kind: a message about an interface, and no frame.
pub const NOTICE: u8 = 4;

/// What stands before a frame.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Header {
    /// The bus's secret.
    pub token: u64,
    /// The cookie of the socket that has sent it.
    pub sender: u64,
    /// The interface.
    pub ifindex: i32,
    /// The frame's first word; of a notice, the errno that sockets get.
    pub id: u32,
    /// Bits of the kind.
    pub kind: u8,
}

impl Header {
    /// As it is sent.
    pub fn bytes(&self) -> [u8; HEADER] {
        let mut bytes = [0; HEADER];
        bytes[..8].copy_from_slice(&self.token.to_be_bytes());
        bytes[8..16].copy_from_slice(&self.sender.to_be_bytes());
        bytes[16..20].copy_from_slice(&self.ifindex.to_be_bytes());
        bytes[20..24].copy_from_slice(&self.id.to_be_bytes());
        bytes[24] = self.kind;
        bytes
    }

    /// The header that was received.
    pub fn of_bytes(bytes: &[u8; HEADER]) -> Header {
        let word = |at: usize| u32::from_be_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]);
        let long = |at: usize| u64::from(word(at)) << 32 | u64::from(word(at + 4));
        Header { token: long(0), sender: long(8), ifindex: word(16) as i32, id: word(20), kind: bytes[24] }
    }
}

/// Where a socket's filter finds the frame.
pub const FRAME_AT: u32 = UDP + HEADER as u32;

/// Where a socket's filter finds these, for the bus with this token and the socket with this cookie.
pub fn place(token: u64, cookie: u64) -> Place {
    let halves = |word: u64| [(word >> 32) as u32, word as u32];
    Place {
        token_at: UDP,
        token: halves(token),
        sender_at: UDP + 8,
        own: halves(cookie),
        ifindex_at: UDP + 16,
        id_at: UDP + 20,
        kind_at: UDP + 24,
        fd: FD.into(),
        xl: XL.into(),
        notice: NOTICE.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_is_what_its_bytes_are() {
        let header =
            Header { token: 0x0102_0304_0506_0708, sender: 9, ifindex: 0x10_0001, id: 0x8123_4567, kind: FD };
        assert_eq!(Header::of_bytes(&header.bytes()), header);
        let place = place(header.token, header.sender);
        let word =
            |at: u32| u32::from_be_bytes(header.bytes()[at as usize - 8..][..4].try_into().expect("four"));
        assert_eq!([word(place.token_at), word(place.token_at + 4)], place.token);
        assert_eq!([word(place.sender_at), word(place.sender_at + 4)], place.own);
        assert_eq!((word(place.ifindex_at), word(place.id_at)), (0x10_0001, 0x8123_4567));
        assert_eq!(u32::from(header.bytes()[place.kind_at as usize - 8]), place.fd);
    }
}
