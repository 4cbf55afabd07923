//! What differs between versions of Linux, as far as an answer depends on it: one entry for each difference.
//!
//! A walk asks [`Cx::since`](crate::net::ops::Cx::since) where the kernels part. Whoever answers asks the kernel itself where
//! that changes nothing, because distributions take changes into older versions; else the version decides.

/// A version of Linux: major and minor number.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Version {
    /// The number before the dot.
    pub major: u8,
    /// The number behind it.
    pub minor: u8,
}

macro_rules! differences {
    ($($(#[$doc:meta])* $name:ident = ($major:literal, $minor:literal, $fact:literal),)*) => {
        /// A difference between versions of Linux.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        pub enum Difference { $($(#[$doc])* $name,)* }

        impl Difference {
            /// All differences, in the order of the versions.
            pub const ALL: &'static [Difference] = &[$(Difference::$name,)*];

            /// The first version that has it.
            pub const fn version(self) -> Version {
                [$(Version { major: $major, minor: $minor },)*][self as usize]
            }

            /// How a path calls it: the version, and the function or struct that changed.
            pub fn fact(self) -> &'static &'static str {
                match self { $(Difference::$name => &$fact,)* }
            }
        }
    };
}

differences! {
    /// AF_XDP sockets receive: `xsk_recvmsg` where `sock_no_recvmsg` was.
    XskRecvmsg = (5, 11, "Linux 5.11 (xsk_recvmsg)"),
    /// sendfile(2) from a socket to a pipe is a splice; before, it was refused.
    SendfileToPipe = (5, 12, "Linux 5.12 (splice_file_to_pipe)"),
    /// AF_VSOCK has SOCK_SEQPACKET.
    VsockSeqpacket = (5, 14, "Linux 5.14 (vsock_seqpacket_ops)"),
    /// SIOCGIFCONF is answered for every socket, not only where the ops leave it to the devices.
    SiocgifconfFirst = (5, 15, "Linux 5.15 (sock_ioctl)"),
    /// Bluetooth has a protocol 8, ISO.
    BluetoothIso = (6, 0, "Linux 6.0 (BTPROTO_ISO)"),
    /// setsockopt(2) looks the descriptor up before it looks at the length.
    OptlenAfterLookup = (6, 7, "Linux 6.7 (do_sock_setsockopt)"),
    /// AF_VSOCK has a queue of errors.
    VsockErrorQueue = (6, 7, "Linux 6.7 (vsock_connectible_recvmsg)"),
    /// SO_PEEK_OFF works on TCP.
    TcpPeekOff = (6, 9, "Linux 6.9 (tcp_set_peek_off)"),
    /// AF_VSOCK knows requests of ioctl(2): `vsock_ioctl` where `sock_no_ioctl` was.
    VsockIoctl = (6, 12, "Linux 6.12 (vsock_ioctl)"),
}

/// A member of an ops table that older kernels fill with another function, or do not have.
pub struct Renamed {
    /// The function in the tables here.
    pub name: &'static str,
    /// The first version that has it.
    pub since: Version,
    /// What stood there before; `None` for NULL, or a member that the struct did not have.
    pub before: Option<&'static str>,
}

const fn renamed(name: &'static str, (major, minor): (u8, u8), before: Option<&'static str>) -> Renamed {
    Renamed { name, since: Version { major, minor }, before }
}

/// The functions in the ops tables that are younger than Linux 5.10. A walk that looks at one of them asks
/// [`Difference`]; the others only stand in a table.
pub static RENAMED: &[Renamed] = &[
    renamed("xsk_recvmsg", (5, 11), Some("sock_no_recvmsg")),
    renamed("vsock_connect", (5, 14), Some("vsock_stream_connect")),
    renamed("vsock_connectible_getsockopt", (5, 14), Some("vsock_stream_getsockopt")),
    renamed("vsock_connectible_recvmsg", (5, 14), Some("vsock_stream_recvmsg")),
    renamed("vsock_connectible_sendmsg", (5, 14), Some("vsock_stream_sendmsg")),
    renamed("vsock_connectible_setsockopt", (5, 14), Some("vsock_stream_setsockopt")),
    renamed("tcp_read_skb", (6, 0), None),
    renamed("udp_read_skb", (6, 0), None),
    renamed("unix_read_skb", (6, 0), None),
    renamed("unix_stream_read_skb", (6, 0), None),
    renamed("vsock_set_rcvlowat", (6, 1), None),
    renamed("vsock_read_skb", (6, 4), None),
    renamed("inet_splice_eof", (6, 5), None),
    renamed("mptcp_set_rcvlowat", (6, 7), None),
    renamed("udp_set_peek_off", (6, 9), Some("sk_set_peek_off")),
    renamed("vsock_ioctl", (6, 12), Some("sock_no_ioctl")),
    renamed("unix_setsockopt", (6, 17), None),
];

/// How a kernel of this version calls a function of the tables; `None` where it has none.
pub fn name_in(version: Version, name: &'static str) -> Option<&'static str> {
    match RENAMED.iter().find(|renamed| renamed.name == name) {
        Some(renamed) if version < renamed.since => renamed.before,
        _ => Some(name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_function_has_its_name_since_its_version() {
        let name = |minor| name_in(Version { major: 6, minor }, "vsock_ioctl");
        assert_eq!(
            (name(11), name(12), name(18)),
            (Some("sock_no_ioctl"), Some("vsock_ioctl"), Some("vsock_ioctl"))
        );
        assert_eq!(name_in(Version { major: 6, minor: 16 }, "unix_setsockopt"), None);
        assert_eq!(name_in(Version { major: 5, minor: 10 }, "inet_bind"), Some("inet_bind"));
        assert!(RENAMED.is_sorted_by_key(|renamed| renamed.since));
    }

    #[test]
    fn they_are_in_the_order_of_the_versions_and_name_them() {
        assert!(Difference::ALL.is_sorted_by_key(|difference| difference.version()));
        for difference in Difference::ALL {
            let Version { major, minor } = difference.version();
            assert!(difference.fact().starts_with(&format!("Linux {major}.{minor} (")), "{difference:?}");
        }
    }
}
