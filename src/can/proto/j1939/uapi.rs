//! The numbers and structures of `include/uapi/linux/can/j1939.h`, and what can be said of an address or a PGN alone.

use crate::Errno;

/// The greatest address of one ECU.
pub const J1939_MAX_UNICAST_ADDR: u8 = 0xfd;
/// The address of an ECU that has none yet, or has lost it.
pub const J1939_IDLE_ADDR: u8 = 0xfe;
/// No address; as a destination: everybody.
pub const J1939_NO_ADDR: u8 = 0xff;
/// No NAME.
pub const J1939_NO_NAME: u64 = 0;
/// A request for another parameter group.
pub const J1939_PGN_REQUEST: u32 = 0xea00;
/// Address claimed, or from [`J1939_IDLE_ADDR`]: cannot claim.
pub const J1939_PGN_ADDRESS_CLAIMED: u32 = 0xee00;
/// The greatest PGN of the kind that has a destination.
pub const J1939_PGN_PDU1_MAX: u32 = 0x3_ff00;
/// The greatest PGN.
pub const J1939_PGN_MAX: u32 = 0x3_ffff;
/// No PGN.
pub const J1939_NO_PGN: u32 = 0x4_0000;

/// The level of the options and of the control messages.
pub const SOL_CAN_J1939: libc::c_int = 107;
/// Option: which source addresses, NAMEs and PGNs are received.
pub const SO_J1939_FILTER: libc::c_int = 1;
/// Option: receive what is for others, too.
pub const SO_J1939_PROMISC: libc::c_int = 2;
/// Option: the priority on the bus of what is sent, 0 (first) to 7.
pub const SO_J1939_SEND_PRIO: libc::c_int = 3;
/// Option: report the progress of transfers to the error queue.
pub const SO_J1939_ERRQUEUE: libc::c_int = 4;
/// Control message: the destination address, one byte.
pub const SCM_J1939_DEST_ADDR: libc::c_int = 1;
/// Control message: the destination's NAME, eight bytes.
pub const SCM_J1939_DEST_NAME: libc::c_int = 2;
/// Control message: the priority, one byte.
pub const SCM_J1939_PRIO: libc::c_int = 3;
/// Control message: a `struct sock_extended_err`.
pub const SCM_J1939_ERRQUEUE: libc::c_int = 4;

/// `ee_info`: a transfer of this socket has ended with an error.
pub const J1939_EE_INFO_TX_ABORT: u32 = 1;
/// `ee_info`: a transfer to this socket has begun.
pub const J1939_EE_INFO_RX_RTS: u32 = 2;
/// `ee_info`: a transfer to this socket goes on.
pub const J1939_EE_INFO_RX_DPO: u32 = 3;
/// `ee_info`: a transfer to this socket has ended with an error.
pub const J1939_EE_INFO_RX_ABORT: u32 = 4;

/// The most filters of a socket.
pub const J1939_FILTER_MAX: usize = 512;
/// The size of `struct j1939_filter`.
pub const FILTER_SIZE: usize = 32;
/// The part of `struct sockaddr_can` that is required, `J1939_MIN_NAMELEN`.
pub const J1939_MIN_NAMELEN: usize = 24;

/// The most data of one frame.
pub const J1939_MAX_SIMPLE_SIZE: usize = 8;
/// The most data of one transfer with the transport protocol: 255 packets of seven bytes.
pub const J1939_MAX_TP_PACKET_SIZE: usize = 7 * 0xff;
/// The most data of one transfer with the extended transport protocol.
pub const J1939_MAX_ETP_PACKET_SIZE: usize = 7 * 0xff_ffff;

/// Whether it is the address of one ECU.
pub fn address_is_unicast(addr: u8) -> bool {
    addr <= J1939_MAX_UNICAST_ADDR
}

/// Whether it is a PGN at all.
pub fn pgn_is_valid(pgn: u32) -> bool {
    pgn <= J1939_PGN_MAX
}

/// Whether messages of this PGN have a destination address on the bus. The upper bits do not matter.
pub fn pgn_is_pdu1(pgn: u32) -> bool {
    pgn & 0xff00 < 0xf000
}

/// Whether the place of the destination address in a PGN is empty.
pub fn pgn_is_clean_pdu(pgn: u32) -> bool {
    !pgn_is_pdu1(pgn) || pgn & 0xff == 0
}

/// A `struct sockaddr_can` with its J1939 part.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Sockaddr {
    /// The interface, `can_ifindex`.
    pub ifindex: i32,
    /// The NAME of an ECU, or [`J1939_NO_NAME`].
    pub name: u64,
    /// The PGN; [`J1939_NO_PGN`] and anything above is none.
    pub pgn: u32,
    /// The address of an ECU, [`J1939_IDLE_ADDR`] or [`J1939_NO_ADDR`].
    pub addr: u8,
}

impl Sockaddr {
    /// The address in these bytes.
    ///
    /// # Errors
    /// EINVAL if there are too few of them, or the family is another.
    pub fn parse(bytes: &[u8]) -> Result<Sockaddr, Errno> {
        let Some(bytes) = bytes.first_chunk::<J1939_MIN_NAMELEN>() else { return Err(libc::EINVAL) };
        if i32::from(u16::from_ne_bytes([bytes[0], bytes[1]])) != libc::AF_CAN {
            return Err(libc::EINVAL);
        }
        let (ifindex, pgn) = (word(bytes, 4).cast_signed(), word(bytes, 16));
        Ok(Sockaddr { ifindex, name: long(bytes, 8), pgn, addr: bytes[20] })
    }

    /// The bytes of this address, as getsockname and recvmsg give them.
    pub fn bytes(&self) -> [u8; J1939_MIN_NAMELEN] {
        let mut bytes = [0; J1939_MIN_NAMELEN];
        bytes[..2].copy_from_slice(&(libc::AF_CAN as u16).to_ne_bytes());
        bytes[4..8].copy_from_slice(&self.ifindex.to_ne_bytes());
        bytes[8..16].copy_from_slice(&self.name.to_ne_bytes());
        bytes[16..20].copy_from_slice(&self.pgn.to_ne_bytes());
        bytes[20] = self.addr;
        bytes
    }

    /// Whether it names nobody in particular.
    pub(super) fn is_broadcast(&self) -> bool {
        self.name == J1939_NO_NAME && self.addr == J1939_NO_ADDR
    }

    /// What bind, connect and sendto refuse in a PGN.
    pub(super) fn check_pgn(&self) -> Result<(), Errno> {
        if pgn_is_valid(self.pgn) && !pgn_is_clean_pdu(self.pgn) { Err(libc::EINVAL) } else { Ok(()) }
    }
}

/// A `struct j1939_filter`: what differs from it in a bit of a mask does not match.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Filter {
    /// The source's NAME.
    pub name: u64,
    /// Which of its bits count.
    pub name_mask: u64,
    /// The PGN.
    pub pgn: u32,
    /// Which of its bits count.
    pub pgn_mask: u32,
    /// The source's address.
    pub addr: u8,
    /// Which of its bits count.
    pub addr_mask: u8,
}

impl Filter {
    /// The filter in these bytes; the values without the bits that do not count, as the kernel keeps them.
    pub fn parse(bytes: &[u8; FILTER_SIZE]) -> Filter {
        let (name_mask, pgn_mask, addr_mask) = (long(bytes, 8), word(bytes, 20), bytes[25]);
        let (name, pgn, addr) = (long(bytes, 0), word(bytes, 16), bytes[24]);
        Filter {
            name: name & name_mask,
            name_mask,
            pgn: pgn & pgn_mask,
            pgn_mask,
            addr: addr & addr_mask,
            addr_mask,
        }
    }

    /// The bytes of this filter.
    pub fn bytes(&self) -> [u8; FILTER_SIZE] {
        let mut bytes = [0; FILTER_SIZE];
        bytes[..8].copy_from_slice(&self.name.to_ne_bytes());
        bytes[8..16].copy_from_slice(&self.name_mask.to_ne_bytes());
        bytes[16..20].copy_from_slice(&self.pgn.to_ne_bytes());
        bytes[20..24].copy_from_slice(&self.pgn_mask.to_ne_bytes());
        (bytes[24], bytes[25]) = (self.addr, self.addr_mask);
        bytes
    }

    /// Whether a message from there with this PGN gets through.
    pub fn matches(&self, name: u64, addr: u8, pgn: u32) -> bool {
        pgn & self.pgn_mask == self.pgn
            && addr & self.addr_mask == self.addr
            && name & self.name_mask == self.name
    }
}

fn word(bytes: &[u8], at: usize) -> u32 {
    u32::from_ne_bytes(std::array::from_fn(|i| bytes[at + i]))
}

fn long(bytes: &[u8], at: usize) -> u64 {
    u64::from_ne_bytes(std::array::from_fn(|i| bytes[at + i]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_and_filters_are_what_their_bytes_are() {
        let address = Sockaddr { ifindex: 7, name: 0x8877_6655_4433_2211, pgn: 0x1_2300, addr: 0x20 };
        assert_eq!(Sockaddr::parse(&address.bytes()), Ok(address));
        assert_eq!(Sockaddr::parse(&address.bytes()[..23]), Err(libc::EINVAL));
        let mut other = address.bytes();
        other[0] = 2;
        assert_eq!(Sockaddr::parse(&other), Err(libc::EINVAL));
        let filter = Filter { name: 0xff, name_mask: 0x0f, pgn: 3, pgn_mask: 2, addr: 5, addr_mask: 4 };
        let kept = Filter { name: 0x0f, pgn: 2, addr: 4, ..filter };
        assert_eq!(Filter::parse(&filter.bytes()), kept);
        assert!(kept.matches(0xff, 0xff, 0xff) && !kept.matches(0xff, 0xff, 0xfd));
    }

    #[test]
    fn pgns_below_f000_have_a_destination() {
        for (pgn, pdu1, clean) in [
            (0, true, true),
            (0x1_2300, true, true),
            (0x1_2301, true, false),
            (0xef00, true, true),
            (0xf000, false, true),
            (0x3_ffff, false, true),
            (0x1_ef01, true, false),
        ] {
            assert_eq!((pgn_is_pdu1(pgn), pgn_is_clean_pdu(pgn)), (pdu1, clean), "{pgn:#x}");
        }
    }
}
