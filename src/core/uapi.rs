//! Numbers that programs pass, and the names of `socket(2)`, `ip(7)`, `unix(7)` and their relatives.
//!
//! The numbers stay plain integers everywhere, because a program may pass any value, and the log must show it.

use libc::c_int;
use std::fmt;

/// `NPROTO`, the size of `net_families[]`: one more than the highest family (46 since Linux 5.15).
pub const NPROTO: c_int = 46;
/// `SOCK_MAX`, one more than the highest socket type.
pub const SOCK_MAX: c_int = 11;
/// The bits of socket(2)'s `type` argument that hold the type.
pub const SOCK_TYPE_MASK: c_int = 0xf;
/// The flag bits that socket(2) and accept4(2) accept beside the type.
pub const SOCK_FLAGS: c_int = libc::SOCK_NONBLOCK | libc::SOCK_CLOEXEC;
/// `IPPROTO_MAX`, one more than the highest protocol (263 since MPTCP, Linux 5.6).
pub const IPPROTO_MAX: c_int = 263;
/// `IPPROTO_L2TP`.
pub const IPPROTO_L2TP: c_int = 115;
/// `IPPROTO_SMC`.
pub const IPPROTO_SMC: c_int = 256;
/// `SOCK_PACKET`, the obsolete type of packet sockets.
pub const SOCK_PACKET: c_int = 10;
/// `SOCK_DCCP`.
pub const SOCK_DCCP: c_int = 6;
/// `MAX_LINKS`, the number of netlink protocols.
pub const MAX_LINKS: c_int = 32;
/// The size of `struct sockaddr_storage`, the longest address that any call accepts.
pub const SOCKADDR_STORAGE: usize = 128;

/// The names of one group of constants.
///
/// The names are one text with an index of where each ends. A table of string slices would be relocated by the
/// dynamic linker at the start of every program that loads the library. [`number_names!`](crate::number_names) makes
/// it.
#[derive(Clone, Copy)]
pub struct Names {
    numbers: &'static [c_int],
    ends: &'static [u16],
    text: &'static str,
}

impl Names {
    /// No names.
    pub const NONE: Names = Names::new(&[], &[], "");

    /// The names of `numbers`, in the same order, and where each ends in `text`.
    pub const fn new(numbers: &'static [c_int], ends: &'static [u16], text: &'static str) -> Names {
        assert!(numbers.len() == ends.len(), "as many names as numbers");
        Names { numbers, ends, text }
    }

    /// Every number with its name.
    pub fn iter(self) -> impl Iterator<Item = (c_int, &'static str)> {
        self.numbers.iter().enumerate().map(move |(index, number)| (*number, self.at(index)))
    }

    /// Whether the number has a name here.
    pub fn has(self, number: c_int) -> bool {
        self.numbers.contains(&number)
    }

    fn at(self, index: usize) -> &'static str {
        // Each name is followed by a space.
        let begin = index.checked_sub(1).map_or(0, |before| usize::from(self.ends[before]) + 1);
        self.text.get(begin..usize::from(self.ends[index])).unwrap_or_default()
    }
}

/// Where each of `N` space-terminated names ends.
pub const fn ends<const N: usize>(text: &str) -> [u16; N] {
    let (bytes, mut ends, mut at, mut count) = (text.as_bytes(), [0; N], 0, 0);
    while at < bytes.len() {
        if bytes[at] == b' ' {
            ends[count] = at as u16;
            count += 1;
        }
        at += 1;
    }
    assert!(count == N && at <= u16::MAX as usize, "as many names as numbers");
    ends
}

/// [`Names`](crate::uapi::Names) from pairs of a number and its name.
#[macro_export]
macro_rules! number_names {
    ($($number:expr => $name:expr),* $(,)?) => {
        $crate::uapi::Names::new(
            const { &[$($number as ::libc::c_int,)*] },
            const { &$crate::uapi::ends::<{ <[&str]>::len(&[$($name,)*]) }>(concat!($($name, " ",)*)) },
            concat!($($name, " ",)*),
        )
    };
}

macro_rules! names {
    ($($(#[$doc:meta])* $table:ident: $($name:ident)* $(; $($number:literal $extra:literal)*)?;)*) => {
        $($(#[$doc])* pub const $table: Names =
            number_names!($(libc::$name => stringify!($name),)* $($($number => $extra,)*)?);)*
    };
}

names! {
    /// Address families, by number.
    FAMILIES: AF_UNSPEC AF_UNIX AF_INET AF_AX25 AF_IPX AF_APPLETALK AF_NETROM AF_BRIDGE AF_ATMPVC AF_X25 AF_INET6
        AF_ROSE AF_DECnet AF_NETBEUI AF_SECURITY AF_KEY AF_NETLINK AF_PACKET AF_ASH AF_ECONET AF_ATMSVC AF_RDS AF_SNA
        AF_IRDA AF_PPPOX AF_WANPIPE AF_LLC AF_IB AF_MPLS AF_CAN AF_TIPC AF_BLUETOOTH AF_IUCV AF_RXRPC AF_ISDN
        AF_PHONET AF_IEEE802154 AF_CAIF AF_ALG AF_NFC AF_VSOCK; 41 "AF_KCM" 42 "AF_QIPCRTR" 43 "AF_SMC" 44 "AF_XDP"
        45 "AF_MCTP";
    /// Socket types.
    TYPES: SOCK_STREAM SOCK_DGRAM SOCK_RAW SOCK_RDM SOCK_SEQPACKET; 6 "SOCK_DCCP" 10 "SOCK_PACKET";
    /// Flag bits beside the type.
    TYPE_FLAGS: SOCK_NONBLOCK SOCK_CLOEXEC;
    /// Protocols of AF_INET and AF_INET6.
    PROTOCOLS: IPPROTO_ICMP IPPROTO_IGMP IPPROTO_IPIP IPPROTO_TCP IPPROTO_EGP IPPROTO_PUP IPPROTO_UDP IPPROTO_IDP
        IPPROTO_TP IPPROTO_DCCP IPPROTO_IPV6 IPPROTO_RSVP IPPROTO_GRE IPPROTO_ESP IPPROTO_AH IPPROTO_ICMPV6
        IPPROTO_MTP IPPROTO_BEETPH IPPROTO_ENCAP IPPROTO_PIM IPPROTO_COMP IPPROTO_SCTP IPPROTO_UDPLITE IPPROTO_MPLS
        IPPROTO_RAW IPPROTO_MPTCP; 115 "IPPROTO_L2TP" 256 "IPPROTO_SMC";
    /// Protocols of AF_NETLINK.
    NETLINK: NETLINK_ROUTE NETLINK_USERSOCK NETLINK_FIREWALL NETLINK_SOCK_DIAG NETLINK_NFLOG NETLINK_XFRM
        NETLINK_SELINUX NETLINK_ISCSI NETLINK_AUDIT NETLINK_FIB_LOOKUP NETLINK_CONNECTOR NETLINK_NETFILTER
        NETLINK_IP6_FW NETLINK_DNRTMSG NETLINK_KOBJECT_UEVENT NETLINK_GENERIC NETLINK_SCSITRANSPORT NETLINK_ECRYPTFS
        NETLINK_RDMA NETLINK_CRYPTO;
    /// Levels of setsockopt(2) and getsockopt(2).
    LEVELS: SOL_SOCKET SOL_IP SOL_TCP SOL_UDP SOL_IPV6 SOL_ICMPV6 SOL_RAW SOL_PACKET SOL_NETLINK SOL_TLS SOL_XDP;
    /// Options of SOL_SOCKET.
    SO: SO_DEBUG SO_REUSEADDR SO_TYPE SO_ERROR SO_DONTROUTE SO_BROADCAST SO_SNDBUF SO_RCVBUF SO_KEEPALIVE SO_OOBINLINE
        SO_NO_CHECK SO_PRIORITY SO_LINGER SO_BSDCOMPAT SO_REUSEPORT SO_PASSCRED SO_PEERCRED SO_RCVLOWAT SO_SNDLOWAT
        SO_RCVTIMEO SO_SNDTIMEO SO_BINDTODEVICE SO_ATTACH_FILTER SO_DETACH_FILTER SO_PEERNAME SO_TIMESTAMP
        SO_ACCEPTCONN SO_PEERSEC SO_SNDBUFFORCE SO_RCVBUFFORCE SO_PASSSEC SO_TIMESTAMPNS SO_MARK SO_TIMESTAMPING
        SO_PROTOCOL SO_DOMAIN SO_RXQ_OVFL SO_PEEK_OFF SO_BUSY_POLL SO_INCOMING_CPU SO_COOKIE SO_PEERGROUPS
        SO_ZEROCOPY; 54 "SO_ATTACH_BPF" 61 "SO_TXTIME" 77 "SO_PEERPIDFD";
    /// Options of SOL_TCP.
    TCP: TCP_NODELAY TCP_MAXSEG TCP_CORK TCP_KEEPIDLE TCP_KEEPINTVL TCP_KEEPCNT TCP_SYNCNT TCP_LINGER2
        TCP_DEFER_ACCEPT TCP_WINDOW_CLAMP TCP_INFO TCP_QUICKACK TCP_CONGESTION TCP_USER_TIMEOUT TCP_FASTOPEN
        TCP_FASTOPEN_CONNECT TCP_ULP TCP_NOTSENT_LOWAT TCP_REPAIR TCP_MD5SIG TCP_SAVE_SYN TCP_SAVED_SYN;
    /// Options of SOL_IP.
    IP: IP_TOS IP_TTL IP_HDRINCL IP_OPTIONS IP_RECVOPTS IP_RETOPTS IP_PKTINFO IP_MTU_DISCOVER IP_RECVERR IP_RECVTTL
        IP_RECVTOS IP_MTU IP_FREEBIND IP_TRANSPARENT IP_ORIGDSTADDR IP_MINTTL IP_MULTICAST_IF IP_MULTICAST_TTL
        IP_MULTICAST_LOOP IP_ADD_MEMBERSHIP IP_DROP_MEMBERSHIP IP_BIND_ADDRESS_NO_PORT;
    /// Options of SOL_IPV6.
    IPV6: IPV6_V6ONLY IPV6_UNICAST_HOPS IPV6_MULTICAST_IF IPV6_MULTICAST_HOPS IPV6_MULTICAST_LOOP IPV6_ADD_MEMBERSHIP
        IPV6_DROP_MEMBERSHIP IPV6_MTU_DISCOVER IPV6_MTU IPV6_RECVERR IPV6_RECVPKTINFO IPV6_RECVHOPLIMIT IPV6_RECVTCLASS
        IPV6_TCLASS IPV6_TRANSPARENT IPV6_FREEBIND; 1 "IPV6_ADDRFORM";
    /// Flags of the send and recv families.
    MSG: MSG_OOB MSG_PEEK MSG_DONTROUTE MSG_CTRUNC MSG_TRUNC MSG_DONTWAIT MSG_EOR MSG_WAITALL MSG_CONFIRM MSG_ERRQUEUE
        MSG_NOSIGNAL MSG_MORE MSG_WAITFORONE MSG_FASTOPEN MSG_CMSG_CLOEXEC; 0x4000000 "MSG_ZEROCOPY";
    /// The values of shutdown(2)'s `how`.
    SHUT: SHUT_RD SHUT_WR SHUT_RDWR;
    /// Commands of fcntl(2).
    FCNTL: F_DUPFD F_GETFD F_SETFD F_GETFL F_SETFL F_GETLK F_SETLK F_SETLKW F_SETOWN F_GETOWN F_SETLEASE
        F_DUPFD_CLOEXEC F_OFD_GETLK F_OFD_SETLK F_OFD_SETLKW F_SETPIPE_SZ F_GETPIPE_SZ F_ADD_SEALS F_GET_SEALS;
        1027 "F_DUPFD_QUERY" 10 "F_SETSIG" 11 "F_GETSIG" 15 "F_SETOWN_EX" 16 "F_GETOWN_EX";
    /// Commands of fcntl(2) without an argument.
    FCNTL_WITHOUT: F_GETFD F_GETFL F_GETOWN F_GETPIPE_SZ F_GET_SEALS F_GETLEASE; 11 "F_GETSIG";
    /// Requests of ioctl(2) that sockets know.
    IOCTL: FIONREAD FIONBIO FIOASYNC FIOCLEX FIONCLEX TIOCOUTQ TCGETS; 0x8905 "SIOCATMARK" 0x8906 "SIOCGSTAMP"
        0x8907 "SIOCGSTAMPNS" 0x8910 "SIOCGIFNAME" 0x8912 "SIOCGIFCONF" 0x8913 "SIOCGIFFLAGS" 0x8915 "SIOCGIFADDR"
        0x8921 "SIOCGIFMTU" 0x8927 "SIOCGIFHWADDR" 0x8933 "SIOCGIFINDEX" 0x8901 "FIOSETOWN" 0x8902 "SIOCSPGRP"
        0x8903 "FIOGETOWN" 0x8904 "SIOCGPGRP";
    /// Requests of ioctl(2) that never reach a socket's own handler.
    IOCTL_GENERIC: FIONBIO FIOASYNC FIOCLEX FIONCLEX FIOQSIZE; 0x8901 "FIOSETOWN" 0x8902 "SIOCSPGRP" 0x8903 "FIOGETOWN"
        0x8904 "SIOCGPGRP" 0x8906 "SIOCGSTAMP_OLD" 0x8907 "SIOCGSTAMPNS_OLD" 0x8912 "SIOCGIFCONF" 0x894c "SIOCGSKNS"
        0x8940 "SIOCGIFBR" 0x8941 "SIOCSIFBR" 0x8982 "SIOCGIFVLAN" 0x8983 "SIOCSIFVLAN" 0x89a0 "SIOCBRADDBR"
        0x89a1 "SIOCBRDELBR";
    /// Operations of epoll_ctl(2).
    EPOLL: EPOLL_CTL_ADD EPOLL_CTL_DEL EPOLL_CTL_MOD;
    /// Flags of close_range(2).
    CLOSE_RANGE: ; 2 "CLOSE_RANGE_UNSHARE" 4 "CLOSE_RANGE_CLOEXEC";
}

/// The name of `number` in `names`.
#[inline(never)]
pub fn name_of(names: Names, number: c_int) -> Option<&'static str> {
    names.numbers.iter().position(|known| *known == number).map(|index| names.at(index))
}

/// The number for `name` in `names`.
pub fn number_of(names: Names, name: &str) -> Option<c_int> {
    names.iter().find(|(_, known)| *known == name).map(|(number, _)| number)
}

/// The option names that belong to a setsockopt level.
pub fn options_of(level: c_int) -> Names {
    match level {
        libc::SOL_SOCKET => SO,
        libc::SOL_TCP => TCP,
        libc::SOL_IP => IP,
        libc::SOL_IPV6 => IPV6,
        _ => Names::NONE,
    }
}

/// The protocol names that belong to a family.
pub fn protocols_of(family: c_int) -> Names {
    match family {
        libc::AF_INET | libc::AF_INET6 => PROTOCOLS,
        libc::AF_NETLINK => NETLINK,
        _ => Names::NONE,
    }
}

/// A number by its name, or in decimal when it has none.
pub struct Named(pub Names, pub c_int);

impl Named {
    /// Writes it.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn write(&self, out: &mut impl fmt::Write) -> fmt::Result {
        match name_of(self.0, self.1) {
            Some(name) => out.write_str(name),
            None => write!(out, "{}", self.1),
        }
    }
}

/// Bits by their names, joined with `|`; the bits without a name follow in hexadecimal.
pub struct Bits(pub Names, pub c_int);

impl Bits {
    /// Writes them.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn write(&self, out: &mut impl fmt::Write) -> fmt::Result {
        let Bits(names, bits) = *self;
        if bits == 0 {
            return out.write_str("0");
        }
        let mut left = bits;
        for (index, bit) in names.numbers.iter().enumerate() {
            if *bit != 0 && left & bit == *bit {
                if left != bits {
                    out.write_str("|")?;
                }
                out.write_str(names.at(index))?;
                left &= !bit;
            }
        }
        match left {
            0 => Ok(()),
            _ if left == bits => write!(out, "{left:#x}"),
            _ => write!(out, "|{left:#x}"),
        }
    }
}

/// socket(2)'s `type` argument: the type and its flag bits.
pub struct TypeArg(pub c_int);

impl TypeArg {
    /// Writes it.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn write(&self, out: &mut impl fmt::Write) -> fmt::Result {
        let flags = self.0 & !SOCK_TYPE_MASK;
        Named(TYPES, self.0 & SOCK_TYPE_MASK).write(out)?;
        if flags != 0 {
            out.write_str("|")?;
            Bits(TYPE_FLAGS, flags).write(out)?;
        }
        Ok(())
    }
}

/// Implements Display by the type's `write`.
macro_rules! display {
    ($($ty:ident)*) => { $(impl fmt::Display for $ty {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            self.write(f)
        }
    })* };
}
display! { Named Bits TypeArg }

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_family_below_nproto_has_a_name() {
        for family in 0..NPROTO {
            assert!(name_of(FAMILIES, family).is_some(), "family {family}");
        }
    }

    #[test]
    fn every_number_has_one_name() {
        for names in [
            FAMILIES, TYPES, TYPE_FLAGS, PROTOCOLS, NETLINK, LEVELS, SO, TCP, IP, IPV6, MSG, SHUT, FCNTL,
            IOCTL,
        ] {
            assert!(names.iter().all(|(_, name)| !name.is_empty() && !name.contains(' ')), "{}", names.text);
        }
        assert_eq!(IOCTL.iter().last(), Some((0x8904, "SIOCGPGRP")));
        assert_eq!(CLOSE_RANGE.iter().next(), Some((2, "CLOSE_RANGE_UNSHARE")));
    }

    #[test]
    fn bits_and_unknown_bits() {
        assert_eq!(Bits(MSG, libc::MSG_PEEK | libc::MSG_DONTWAIT).to_string(), "MSG_PEEK|MSG_DONTWAIT");
        assert_eq!(Bits(MSG, 0).to_string(), "0");
        assert_eq!(Bits(TYPE_FLAGS, 0x10).to_string(), "0x10");
        assert_eq!(TypeArg(libc::SOCK_STREAM | libc::SOCK_CLOEXEC).to_string(), "SOCK_STREAM|SOCK_CLOEXEC");
        assert_eq!(TypeArg(-1).to_string(), "15|SOCK_NONBLOCK|SOCK_CLOEXEC|0xfff7f7f0");
    }
}
