//! AF_NETLINK (`net/netlink`).

pub mod af_netlink;
