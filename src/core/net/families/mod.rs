//! Every address family of Linux in the order of the numbers, and the families that are modelled here.

mod create;

use crate::errno::Errno;
use crate::func;
use crate::net::names::Func;
use crate::net::ops::NetProtoFamily;
use crate::net::{inet, netlink, packet, unix, vmw_vsock, xdp};
pub use create::create;
use create::{ALL, Check, DGRAM, RAW, RDM, Remembers, SEQPACKET, STREAM};
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
    /// The create function, if any kernel code registers the family.
    pub create: Option<Func>,
    /// Whether the kernel may have the family although its sockets are not modelled here.
    pub module: bool,
    /// The checks of the create function of such a family; none where no kernel was at hand to compare them with.
    pub checks: &'static [Check],
    remembers: Remembers,
    /// Whether socketpair(2) can connect two of its sockets.
    pub pairs: bool,
}

const NONE: Family = Family {
    number: 0,
    create: None,
    module: false,
    checks: &[],
    remembers: Remembers::Nothing,
    pairs: false,
};

const fn none(number: c_int) -> Family {
    Family { number, ..NONE }
}
const fn own(number: c_int, create: Func) -> Family {
    Family { number, create: Some(create), ..NONE }
}
const fn kmod(number: c_int, create: Func, checks: &'static [Check]) -> Family {
    Family { number, create: Some(create), module: true, checks, ..NONE }
}
/// Its sockets remember the protocol.
const fn kept(family: Family) -> Family {
    Family { remembers: Remembers::Protocol, ..family }
}

use Check::{Capable, InitNet, NetRaw, Other, Protocols, Registered, Types, TypesOf};
use Errno as E;

/// `net_families[]` of a kernel with every module loaded (Linux 6.18), and what socket(2) checks there.
#[rustfmt::skip]
pub static FAMILIES: &[Family] = &[
    none(0 /* AF_UNSPEC */),
    own(libc::AF_UNIX, func!(unix_create)),
    own(libc::AF_INET, func!(inet_create)),
    kept(kmod(libc::AF_AX25, func!(ax25_create), &[
        Protocols(0, 255, E::EINVAL), InitNet, Types(DGRAM | SEQPACKET | RAW, E::ESOCKTNOSUPPORT), NetRaw(RAW),
        Other(create::ax25_protocol),
    ])),
    none(libc::AF_IPX),
    kmod(libc::AF_APPLETALK, func!(atalk_create), &[Types(DGRAM | RAW, E::ESOCKTNOSUPPORT), NetRaw(RAW)]),
    kmod(libc::AF_NETROM, func!(nr_create), &[
        Types(SEQPACKET, E::ESOCKTNOSUPPORT), Protocols(0, 0, E::ESOCKTNOSUPPORT),
    ]),
    none(libc::AF_BRIDGE),
    kmod(libc::AF_ATMPVC, func!(pvc_create), &[Types(!STREAM, E::EINVAL)]),
    kmod(libc::AF_X25, func!(x25_create), &[]),
    own(libc::AF_INET6, func!(inet6_create)),
    kmod(libc::AF_ROSE, func!(rose_create), &[
        Types(SEQPACKET, E::ESOCKTNOSUPPORT), Protocols(0, 0, E::ESOCKTNOSUPPORT),
    ]),
    none(12 /* AF_DECnet */),
    none(libc::AF_NETBEUI),
    none(libc::AF_SECURITY),
    kmod(libc::AF_KEY, func!(pfkey_create), &[
        Capable(&"CAP_NET_ADMIN"), Types(RAW, E::ESOCKTNOSUPPORT), Protocols(2, 2, E::EPROTONOSUPPORT),
    ]),
    own(libc::AF_NETLINK, func!(netlink_create)),
    own(libc::AF_PACKET, func!(packet_create)),
    none(libc::AF_ASH),
    none(libc::AF_ECONET),
    kmod(libc::AF_ATMSVC, func!(svc_create), &[Types(!STREAM, E::EINVAL)]),
    kmod(libc::AF_RDS, func!(rds_create), &[
        Types(SEQPACKET, E::ESOCKTNOSUPPORT), Protocols(0, 0, E::ESOCKTNOSUPPORT),
    ]),
    none(libc::AF_SNA),
    none(libc::AF_IRDA),
    kept(kmod(libc::AF_PPPOX, func!(pppox_create), &[
        Protocols(0, 3, E::EPROTOTYPE), Registered(&"pppox_protos"), Other(create::pppox_type),
    ])),
    none(libc::AF_WANPIPE),
    kmod(libc::AF_LLC, func!(llc_ui_create), &[NetRaw(ALL), Types(STREAM | DGRAM, E::ESOCKTNOSUPPORT)]),
    none(libc::AF_IB),
    none(libc::AF_MPLS),
    kept(kmod(libc::AF_CAN, func!(can_create), &[
        Protocols(0, 7, E::EINVAL), Registered(&"proto_tab"), TypesOf(&[0, RAW, DGRAM, 0, 0, 0, DGRAM, DGRAM], E::EPROTOTYPE),
        Other(create::can_protocol),
    ])),
    Family { pairs: true, ..kmod(libc::AF_TIPC, func!(tipc_sk_create), &[
        Protocols(0, 0, E::EPROTONOSUPPORT), Types(STREAM | DGRAM | SEQPACKET | RDM, E::EPROTOTYPE),
    ]) },
    kept(kmod(libc::AF_BLUETOOTH, func!(bt_sock_create), &[
        Other(create::bluetooth_range), Registered(&"bt_proto"), TypesOf(&[
            SEQPACKET | STREAM | DGRAM | RAW, RAW, SEQPACKET, STREAM | RAW, RAW, RAW, RAW, 0, SEQPACKET,
        ], E::ESOCKTNOSUPPORT), Other(create::l2cap_raw),
    ])),
    kmod(libc::AF_IUCV, func!(iucv_sock_create), &[]),
    kmod(libc::AF_RXRPC, func!(rxrpc_create), &[Other(create::rxrpc_transport), Types(DGRAM, E::ESOCKTNOSUPPORT)]),
    kept(kmod(libc::AF_ISDN, func!(mISDN_sock_create), &[
        Other(create::misdn_protocol), TypesOf(&[RAW, DGRAM], E::ESOCKTNOSUPPORT), Other(create::misdn_raw),
    ])),
    kmod(libc::AF_PHONET, func!(pn_socket_create), &[Capable(&"CAP_SYS_ADMIN"), Other(create::phonet_protocol)]),
    kmod(libc::AF_IEEE802154, func!(ieee802154_create), &[Types(DGRAM | RAW, E::ESOCKTNOSUPPORT), NetRaw(RAW)]),
    kmod(libc::AF_CAIF, func!(caif_create), &[]),
    kmod(libc::AF_ALG, func!(alg_create), &[
        Types(SEQPACKET, E::ESOCKTNOSUPPORT), Protocols(0, 0, E::EPROTONOSUPPORT),
    ]),
    kept(kmod(libc::AF_NFC, func!(nfc_sock_create), &[
        Protocols(0, 1, E::EINVAL), TypesOf(&[SEQPACKET | RAW, STREAM | DGRAM | RAW], E::ESOCKTNOSUPPORT), NetRaw(RAW),
    ])),
    own(libc::AF_VSOCK, func!(vsock_create)),
    kmod(41 /* AF_KCM */, func!(kcm_create), &[
        Types(DGRAM | SEQPACKET, E::ESOCKTNOSUPPORT), Protocols(0, 0, E::EPROTONOSUPPORT),
    ]),
    kmod(42 /* AF_QIPCRTR */, func!(qrtr_create), &[Types(DGRAM, E::EPROTOTYPE), Other(create::init_net_or_host)]),
    kept(kmod(43 /* AF_SMC */, func!(smc_create), &[
        Types(STREAM, E::ESOCKTNOSUPPORT), Protocols(0, 1, E::EPROTONOSUPPORT),
    ])),
    own(libc::AF_XDP, func!(xsk_create)),
    kmod(45 /* AF_MCTP */, func!(mctp_pf_create), &[]),
];

/// Whether every kernel with socket support has this family. IPv6 can be switched off, and the others are build
/// options.
pub fn is_in_every_kernel(family: c_int) -> bool {
    matches!(family, libc::AF_UNIX | libc::AF_INET | libc::AF_NETLINK)
}

/// The table's entry for this number; an empty one beyond the table.
pub fn of_number(family: c_int) -> Family {
    usize::try_from(family).ok().and_then(|index| FAMILIES.get(index)).copied().unwrap_or(none(family))
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
            assert_eq!(of_number(registered.family).create, Some(registered.create.func));
            assert!(!of_number(registered.family).module);
            assert!(net_family(registered.family).is_some());
            assert_eq!(sock_register(registered), Err(Errno::EEXIST));
        }
    }
}
