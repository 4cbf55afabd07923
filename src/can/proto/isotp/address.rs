//! The address of a CAN_ISOTP socket: a `struct sockaddr_can` of 16 bytes with an interface and two identifiers, and what
//! `isotp_bind` checks of it.

use libc::{EADDRNOTAVAIL, EINVAL, ENODEV};

use super::options::Options;
use crate::Errno;
use crate::frame::{CAN_EFF_FLAG, CAN_EFF_MASK, CAN_ERR_FLAG, CAN_RTR_FLAG, CAN_SFF_MASK};

/// The length of the address: up to `can_addr.tp`, whatever is behind that.
pub const ISOTP_MIN_NAMELEN: usize = 16;
/// The address family.
pub const AF_CAN: u16 = 29;

/// An interface and the identifiers of both directions.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Address {
    /// The interface, `can_ifindex`.
    pub ifindex: i32,
    /// What is received, `can_addr.tp.rx_id`.
    pub rx_id: u32,
    /// What is sent, `can_addr.tp.tx_id`.
    pub tx_id: u32,
}

impl Address {
    /// The address in memory, as getsockname answers it: zeros from a socket that is not bound.
    pub fn name(&self) -> [u8; ISOTP_MIN_NAMELEN] {
        let mut name = [0; ISOTP_MIN_NAMELEN];
        name[..2].copy_from_slice(&AF_CAN.to_ne_bytes());
        name[4..8].copy_from_slice(&self.ifindex.to_ne_bytes());
        name[8..12].copy_from_slice(&self.rx_id.to_ne_bytes());
        name[12..].copy_from_slice(&self.tx_id.to_ne_bytes());
        name
    }
}

/// What `bind` makes of this name on a socket with these options, which is bound or not.
///
/// `mtu` says what the interface of an index can carry: `None` if it is not there or no CAN interface. That it is down is the
/// caller's to report, as ENETDOWN in sk_err of a socket that is bound nevertheless.
///
/// # Errors
/// In the kernel's order: EINVAL for a short name, another family, and identifiers with other bits than their own; ENODEV for
/// index 0; EINVAL on a bound socket; EADDRNOTAVAIL for two identifiers that are the same; ENODEV without an interface; EINVAL
/// if it cannot carry the frames.
pub fn bind(
    options: &Options,
    bound: bool,
    name: &[u8],
    mtu: impl FnOnce(i32) -> Option<usize>,
) -> Result<Address, Errno> {
    let (family, address) = parse(name).ok_or(EINVAL)?;
    let same = options.receives() && address.rx_id == address.tx_id;
    let valid = is_id(address.tx_id) && (!options.receives() || is_id(address.rx_id));
    if family != AF_CAN || !valid {
        return Err(EINVAL);
    }
    match address.ifindex {
        0 => return Err(ENODEV),
        _ if bound => return Err(EINVAL),
        _ if same => return Err(EADDRNOTAVAIL),
        _ => {}
    }
    let mtu = mtu(address.ifindex).ok_or(ENODEV)?;
    if mtu < options.ll().mtu.into() { Err(EINVAL) } else { Ok(address) }
}

fn parse(name: &[u8]) -> Option<(u16, Address)> {
    let name: &[u8; ISOTP_MIN_NAMELEN] = name.get(..ISOTP_MIN_NAMELEN)?.try_into().ok()?;
    let word = |at: usize| u32::from_ne_bytes([name[at], name[at + 1], name[at + 2], name[at + 3]]);
    let address = Address { ifindex: word(4) as i32, rx_id: word(8), tx_id: word(12) };
    Some((u16::from_ne_bytes([name[0], name[1]]), address))
}

/// Whether an identifier has no bits but those of its size.
fn is_id(id: u32) -> bool {
    let bits = if id & CAN_EFF_FLAG != 0 { CAN_EFF_FLAG | CAN_EFF_MASK } else { CAN_SFF_MASK };
    id & !bits == 0
}

/// Whether a socket that is registered for an identifier gets a frame: by `SINGLE_MASK`, and never a message about an error.
pub(super) fn registered(id: u32, frame: u32) -> bool {
    let bits = if id & CAN_EFF_FLAG != 0 { CAN_EFF_MASK } else { CAN_SFF_MASK };
    let mask = bits | CAN_EFF_FLAG | CAN_RTR_FLAG;
    frame & CAN_ERR_FLAG == 0 && frame & mask == id & mask
}

#[cfg(test)]
mod tests {
    use super::super::options::{CAN_ISOTP_CF_BROADCAST, CAN_ISOTP_LL_OPTS, CAN_ISOTP_OPTS, IsotpOptions};
    use super::*;

    fn tried(options: &Options, bound: bool, rx_id: u32, tx_id: u32, ifindex: i32) -> Result<Address, Errno> {
        let name = Address { ifindex, rx_id, tx_id }.name();
        bind(options, bound, &name, |index| (index < 10).then_some(if index == 2 { 72 } else { 16 }))
    }

    #[test]
    fn an_address_is_what_its_bytes_are() {
        let address = Address { ifindex: 3, rx_id: 0x123, tx_id: CAN_EFF_FLAG | 0x1234_5678 };
        assert_eq!(parse(&address.name()), Some((AF_CAN, address)));
        assert_eq!(bind(&Options::default(), false, &address.name()[..15], |_| Some(16)), Err(EINVAL));
        let longer = [&address.name()[..], &[1; 8]].concat();
        assert_eq!(bind(&Options::default(), false, &longer, |_| Some(16)), Ok(address));
        assert_eq!(bind(&Options::default(), false, &[0; 16], |_| Some(16)), Err(EINVAL));
    }

    #[test]
    fn errors_come_in_the_kernels_order() {
        let options = Options::default();
        assert_eq!(tried(&options, true, 0x800, 0x1, 0), Err(EINVAL));
        assert_eq!(tried(&options, true, 1, CAN_RTR_FLAG | 1, 0), Err(EINVAL));
        assert_eq!(tried(&options, true, 1, 1, 0), Err(ENODEV));
        assert_eq!(tried(&options, true, 1, 1, 99), Err(EINVAL));
        assert_eq!(tried(&options, false, 1, 1, 99), Err(EADDRNOTAVAIL));
        assert_eq!(tried(&options, false, 1, 2, 99), Err(ENODEV));
        assert!(tried(&options, false, 1, CAN_EFF_FLAG | 1, 1).is_ok());
    }

    #[test]
    fn the_interface_must_carry_the_frames() {
        let mut options = Options::default();
        options.set(false, CAN_ISOTP_LL_OPTS, &[72, 64, 0]).unwrap();
        assert_eq!(tried(&options, false, 1, 2, 1), Err(EINVAL));
        assert!(tried(&options, false, 1, 2, 2).is_ok());
    }

    #[test]
    fn functional_addressing_has_no_rx_id() {
        let mut options = Options::default();
        let opt = IsotpOptions { flags: CAN_ISOTP_CF_BROADCAST, ..*options.opt() };
        options.set(false, CAN_ISOTP_OPTS, &opt.bytes()).unwrap();
        assert!(tried(&options, false, 1, 1, 1).is_ok());
        assert!(tried(&options, false, u32::MAX, 1, 1).is_ok());
        assert_eq!(tried(&options, false, 1, u32::MAX, 1), Err(EINVAL));
    }

    #[test]
    fn registration_distinguishes_the_sizes() {
        assert!(registered(1, 1));
        assert!(!registered(1, CAN_EFF_FLAG | 1));
        assert!(!registered(1, CAN_RTR_FLAG | 1));
        assert!(!registered(1, CAN_ERR_FLAG | 1));
        assert!(registered(CAN_EFF_FLAG | 1, CAN_EFF_FLAG | 1));
    }
}
