//! Every address family of Linux in the order of the numbers, and the families that are modelled here.

use crate::net::ops::NetProtoFamily;
use crate::net::{inet, netlink, packet, unix, vmw_vsock, xdp};
use libc::c_int;

/// The families that `init` registers: a new family is one file and one entry here.
pub const BUILT_IN: &[&NetProtoFamily] = &[
    &unix::af_unix::UNIX_FAMILY_OPS,
    &inet::INET_FAMILY_OPS,
    &inet::INET6_FAMILY_OPS,
    &netlink::af_netlink::NETLINK_FAMILY_OPS,
    &packet::af_packet::PACKET_FAMILY_OPS,
    &vmw_vsock::af_vsock::VSOCK_FAMILY_OPS,
    &xdp::xsk::XSK_FAMILY_OPS,
];

/// What Linux has at a family's number.
#[derive(Clone, Copy)]
pub struct Family {
    /// The number.
    pub number: c_int,
    /// The name without `AF_`.
    pub name: &'static str,
    /// The create function, if any kernel code registers the family.
    pub create: Option<&'static str>,
    /// Whether the kernel may have the family although it is not modelled here.
    pub module: bool,
}

const fn own(number: c_int, name: &'static str, create: &'static str) -> Family {
    Family { number, name, create: Some(create), module: false }
}
const fn kmod(number: c_int, name: &'static str, create: &'static str) -> Family {
    Family { number, name, create: Some(create), module: true }
}
const fn none(number: c_int, name: &'static str) -> Family {
    Family { number, name, create: None, module: false }
}

/// `net_families[]` of a kernel with every module loaded (Linux 6.18).
#[rustfmt::skip]
pub const FAMILIES: &[Family] = &[
    none(0, "UNSPEC"),
    own (1, "UNIX", "unix_create"),
    own (2, "INET", "inet_create"),
    kmod(3, "AX25", "ax25_create"),
    none(4, "IPX"),
    kmod(5, "APPLETALK", "atalk_create"),
    kmod(6, "NETROM", "nr_create"),
    none(7, "BRIDGE"),
    kmod(8, "ATMPVC", "pvc_create"),
    kmod(9, "X25", "x25_create"),
    own (10, "INET6", "inet6_create"),
    kmod(11, "ROSE", "rose_create"),
    none(12, "DECnet"),
    none(13, "NETBEUI"),
    none(14, "SECURITY"),
    kmod(15, "KEY", "pfkey_create"),
    own (16, "NETLINK", "netlink_create"),
    own (17, "PACKET", "packet_create"),
    none(18, "ASH"),
    none(19, "ECONET"),
    kmod(20, "ATMSVC", "svc_create"),
    kmod(21, "RDS", "rds_create"),
    none(22, "SNA"),
    none(23, "IRDA"),
    kmod(24, "PPPOX", "pppox_create"),
    none(25, "WANPIPE"),
    kmod(26, "LLC", "llc_ui_create"),
    none(27, "IB"),
    none(28, "MPLS"),
    kmod(29, "CAN", "can_create"),
    kmod(30, "TIPC", "tipc_sk_create"),
    kmod(31, "BLUETOOTH", "bt_sock_create"),
    kmod(32, "IUCV", "iucv_sock_create"),
    kmod(33, "RXRPC", "rxrpc_create"),
    kmod(34, "ISDN", "mISDN_sock_create"),
    kmod(35, "PHONET", "pn_socket_create"),
    kmod(36, "IEEE802154", "ieee802154_create"),
    kmod(37, "CAIF", "caif_create"),
    kmod(38, "ALG", "alg_create"),
    kmod(39, "NFC", "nfc_sock_create"),
    own (40, "VSOCK", "vsock_create"),
    kmod(41, "KCM", "kcm_create"),
    kmod(42, "QIPCRTR", "qrtr_create"),
    kmod(43, "SMC", "smc_create"),
    own (44, "XDP", "xsk_create"),
    kmod(45, "MCTP", "mctp_pf_create"),
];

/// Whether every kernel with socket support has this family. IPv6 can be switched off, and the others are build
/// options.
pub fn is_in_every_kernel(family: c_int) -> bool {
    matches!(family, libc::AF_UNIX | libc::AF_INET | libc::AF_NETLINK)
}

/// The table's entry for this number; an empty one beyond the table.
pub fn name(family: c_int) -> Family {
    usize::try_from(family).ok().and_then(|index| FAMILIES.get(index)).copied().unwrap_or(none(family, "?"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::errno::Errno;
    use crate::net::socket::{net_family, sock_register};
    use crate::uapi::NPROTO;

    #[test]
    fn the_table_is_whole_and_in_order() {
        assert_eq!(FAMILIES.len(), NPROTO as usize);
        for (index, family) in FAMILIES.iter().enumerate() {
            assert_eq!(family.number as usize, index);
        }
    }

    #[test]
    fn the_table_and_the_registered_families_name_the_same_functions() {
        crate::net::init();
        for registered in BUILT_IN {
            assert_eq!(name(registered.family).create, Some(registered.create.func.name()));
            assert!(!name(registered.family).module);
            assert!(net_family(registered.family).is_some());
            assert_eq!(sock_register(registered), Err(Errno::EEXIST));
        }
    }
}
