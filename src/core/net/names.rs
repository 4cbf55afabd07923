//! The names of the kernel's functions that a path can go through.
//!
//! The names are one text, and a function is the index of its name. A table of string slices would be relocated by
//! the dynamic linker at the start of every program that loads the library. So a function that is new in a table or a
//! path must be added to the list below.

use once_cell::race::OnceBox;
use std::num::NonZeroU16;

/// A kernel function, by the index of its name.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Func(NonZeroU16);

/// The kernel function with this name as a [`Func`].
#[macro_export]
macro_rules! func {
    ($name:ident) => {
        $crate::net::names::known::$name
    };
}

/// How many names can be added at run time.
const MORE: usize = 64;
static ADDED: [OnceBox<&'static str>; MORE] = [const { OnceBox::new() }; MORE];

impl Func {
    const fn at(index: usize) -> Func {
        // Index plus one, so that `Option<Func>` takes no more space than `Func`.
        match NonZeroU16::new(index as u16 + 1) {
            Some(number) => Func(number),
            None => unreachable!(),
        }
    }

    /// A function that is not in the list, for a table that is registered from outside. The name is kept for ever;
    /// `None` when too many were added.
    pub fn named(name: &'static str) -> Option<Func> {
        let known = (0..COUNT).map(Func::at).find(|func| func.name() == name);
        known.or_else(|| {
            let index = ADDED.iter().position(|added| *added.get_or_init(|| Box::new(name)) == name)?;
            Some(Func::at(COUNT + index))
        })
    }

    /// The name.
    #[inline(never)]
    pub fn name(self) -> &'static str {
        let index = usize::from(self.0.get()) - 1;
        match index.checked_sub(COUNT) {
            // Each name is followed by a space.
            None => {
                let (begin, end) = (usize::from(STARTS[index]), usize::from(STARTS[index + 1]) - 1);
                TEXT.get(begin..end).unwrap_or("?")
            }
            Some(added) => ADDED.get(added).and_then(OnceBox::get).copied().unwrap_or("?"),
        }
    }
}

macro_rules! names {
    ($($name:ident)*) => {
        #[allow(non_camel_case_types, reason = "the variants are the kernel's names")]
        enum FuncIndex { $($name,)* }

        /// One function for each name of the list.
        #[allow(non_upper_case_globals, missing_docs, reason = "the constants are the kernel's names")]
        pub mod known {
            use super::{Func, FuncIndex};
            $(pub const $name: Func = Func::at(FuncIndex::$name as usize);)*
        }

        const COUNT: usize = <[&str]>::len(&[$(stringify!($name),)*]);
        static TEXT: &str = concat!($(stringify!($name), " ",)*);
        static STARTS: [u16; COUNT + 1] = starts(TEXT);
    };
}

/// Where each of `N - 1` space-terminated names begins, and where the text ends.
const fn starts<const N: usize>(text: &str) -> [u16; N] {
    let (bytes, mut starts, mut at, mut count) = (text.as_bytes(), [0; N], 0, 0);
    while at < bytes.len() {
        if bytes[at] == b' ' {
            count += 1;
            starts[count] = at as u16 + 1;
        }
        at += 1;
    }
    assert!(count + 1 == N && at <= u16::MAX as usize, "as many places as names");
    starts
}

names! {
    ____sys_sendmsg __inet6_bind __inet_bind __inet_stream_connect __mptcp_nmpc_sk __mptcp_tcp_fallback
    __scm_send __secure_computing __skb_recv_udp __skb_try_recv_datagram __sock_create __sock_release
    __sys_accept4_file __sys_listen __sys_recvmmsg __sys_recvmsg __sys_sendmmsg __sys_sendmsg
    __sys_socket_create __sys_socketpair __tcp_splice_read __udp_disconnect __vsock_bind __vsock_create
    alg_create atalk_create ax25_create bt_sock_create caif_create can_create connect
    copy_msghdr_from_user datagram_poll dccp_close dccp_disconnect dccp_getsockopt dccp_ioctl dccp_poll
    dccp_recvmsg dccp_sendmsg dccp_setsockopt dccp_v4_connect dccp_v4_init_sock dccp_v6_connect
    dccp_v6_init_sock dev_get_by_index_rcu dev_get_by_name_rcu dev_ioctl do_recvmmsg do_sock_getsockopt
    do_sock_setsockopt do_tcp_getsockopt do_tcp_setsockopt do_vfs_ioctl fd_install filp_close get_port
    ieee802154_create import_iovec import_ubuf inet6_bind inet6_compat_ioctl inet6_create inet6_getname
    inet6_ioctl inet6_recvmsg inet6_release inet6_sendmsg inet6_unregister_protosw inet_accept
    inet_addr_type_table inet_bind inet_compat_ioctl inet_create inet_csk_accept inet_csk_get_port
    inet_csk_listen_start inet_dccp_listen inet_dgram_connect inet_getname inet_ioctl inet_listen
    inet_port_requires_bind_service inet_recv_error inet_recvmsg inet_register_protosw inet_release
    inet_sendmsg inet_shutdown inet_splice_eof inet_stream_connect inet_unregister_protosw
    inet_wait_for_connect ip4_datagram_connect ip6_datagram_connect ip6_datagram_connect_v6_only
    ip6_dst_lookup_flow ip6_sk_dst_lookup_flow ip_getsockopt ip_route_output_flow ip_setsockopt
    ipv6_chk_addr ipv6_getsockopt ipv6_setsockopt iucv_sock_create kcm_create l2tp_ip6_bind l2tp_ip6_close
    l2tp_ip6_connect l2tp_ip6_disconnect l2tp_ip6_getname l2tp_ip6_open l2tp_ip6_recvmsg l2tp_ip6_sendmsg
    l2tp_ip_bind l2tp_ip_close l2tp_ip_connect l2tp_ip_disconnect l2tp_ip_getname l2tp_ip_open
    l2tp_ip_recvmsg l2tp_ip_sendmsg llc_ui_create mISDN_sock_create mctp_pf_create move_addr_to_kernel
    move_addr_to_user mptcp_bind mptcp_close mptcp_connect mptcp_disconnect mptcp_get_port
    mptcp_getsockopt mptcp_init_sock mptcp_listen mptcp_poll mptcp_recvmsg mptcp_sendmsg
    mptcp_set_rcvlowat mptcp_setsockopt mptcp_stream_accept mptcp_subflow_queue netlink_allowed
    netlink_autobind netlink_bind netlink_connect netlink_create netlink_getname netlink_getsockopt
    netlink_insert netlink_ioctl netlink_recvmsg netlink_release netlink_sendmsg netlink_setsockopt
    netlink_unicast nfc_sock_create nl_table nr_create ns_capable packet_bind packet_bind_spkt
    packet_create packet_getname packet_getname_spkt packet_getsockopt packet_ioctl packet_mmap
    packet_recvmsg packet_release packet_sendmsg packet_sendmsg_spkt packet_setsockopt packet_snd
    pfkey_create ping_bind ping_check_bind_addr ping_close ping_get_port ping_init_sock ping_recvmsg
    ping_supported ping_v4_sendmsg ping_v6_sendmsg pn_socket_create pppox_create pvc_create qrtr_create
    raw_bind raw_close raw_getsockopt raw_recvmsg raw_sendmsg raw_setsockopt raw_sk_init rawv6_bind
    rawv6_close rawv6_getsockopt rawv6_init_sk rawv6_recvmsg rawv6_sendmsg rawv6_setsockopt rds_create
    reqsk_queue_remove request_module rose_create rxrpc_create sctp_accept sctp_bind sctp_close
    sctp_connect sctp_disconnect sctp_get_port sctp_getname sctp_getsockopt sctp_inet_connect
    sctp_inet_listen sctp_init_sock sctp_poll sctp_recvmsg sctp_sendmsg sctp_setsockopt sctp_v6_init_sock
    security_socket_accept security_socket_bind security_socket_connect security_socket_create
    security_socket_getpeername security_socket_getsockname security_socket_getsockopt
    security_socket_listen security_socket_post_create security_socket_recvmsg security_socket_sendmsg
    security_socket_setsockopt security_socket_shutdown security_socket_socketpair sk_alloc sk_getsockopt
    sk_set_peek_off sk_setsockopt skb_recv_datagram smc_accept smc_bind smc_connect smc_create smc_getname
    smc_getsockopt smc_inet_init_sock smc_ioctl smc_listen smc_poll smc_recvmsg smc_release smc_sendmsg
    smc_setsockopt smc_shutdown smc_splice_read sock_alloc_send_pskb sock_common_getsockopt
    sock_common_recvmsg sock_common_setsockopt sock_error sock_gettstamp sock_ioctl sock_map_fd
    sock_no_accept sock_no_bind sock_no_connect sock_no_getname sock_no_ioctl sock_no_listen sock_no_mmap
    sock_no_recvmsg sock_no_sendmsg sock_no_shutdown sock_no_socketpair sock_read_iter sock_release
    sock_setbindtodevice sock_setsockopt sock_splice_read sock_write_iter sockfd_lookup_light
    splice_direct_to_actor splice_to_socket svc_create tcp_close tcp_disconnect tcp_getsockopt tcp_mmap
    tcp_peek_len tcp_poll tcp_read_skb tcp_read_sock tcp_recv_urg tcp_recvmsg tcp_recvmsg_locked
    tcp_sendmsg tcp_sendmsg_fastopen tcp_sendmsg_locked tcp_set_rcvlowat tcp_setsockopt tcp_splice_read
    tcp_v4_connect tcp_v4_init_sock tcp_v6_connect tcp_v6_init_sock tipc_sk_create udp_disconnect
    udp_getsockopt udp_init_sock udp_lib_close udp_poll udp_read_skb udp_recvmsg udp_sendmsg
    udp_set_peek_off udp_setsockopt udp_v4_get_port udp_v6_get_port udplite_sk_init udplitev6_sk_init
    udpv6_getsockopt udpv6_init_sock udpv6_recvmsg udpv6_sendmsg udpv6_setsockopt unix_accept
    unix_autobind unix_bind unix_bind_abstract unix_bind_bsd unix_compat_ioctl unix_create unix_create1
    unix_dgram_connect unix_dgram_poll unix_dgram_recvmsg unix_dgram_sendmsg unix_find_other unix_getname
    unix_ioctl unix_listen unix_peer_get unix_poll unix_read_skb unix_release unix_seqpacket_recvmsg
    unix_seqpacket_sendmsg unix_setsockopt unix_show_fdinfo unix_shutdown unix_socketpair
    unix_stream_connect unix_stream_read_generic unix_stream_read_skb unix_stream_recvmsg
    unix_stream_sendmsg unix_stream_splice_read update_socket_protocol vsock_accept vsock_assign_transport
    vsock_bind vsock_connect vsock_connectible_getsockopt vsock_connectible_recvmsg
    vsock_connectible_sendmsg vsock_connectible_setsockopt vsock_create vsock_dequeue_accept
    vsock_dgram_connect vsock_dgram_recvmsg vsock_dgram_sendmsg vsock_do_ioctl vsock_getname vsock_ioctl
    vsock_listen vsock_poll vsock_read_skb vsock_release vsock_set_rcvlowat vsock_shutdown x25_create
    xsk_bind xsk_check_common xsk_create xsk_getsockopt xsk_mmap xsk_poll xsk_recvmsg xsk_release
    xsk_sendmsg xsk_setsockopt
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_function_has_its_name() {
        assert_eq!(func!(inet_bind).name(), "inet_bind");
        assert_eq!(Func::at(0).name(), "____sys_sendmsg");
        assert_eq!(func!(xsk_bind).name(), "xsk_bind");
        assert_eq!(size_of::<Option<Func>>(), 2);
    }

    #[test]
    fn a_name_can_be_added() {
        assert_eq!(Func::named("inet_bind"), Some(func!(inet_bind)));
        let [mine, yours] = ["my_bind", "your_bind"].map(|name| Func::named(name).expect("room for two"));
        assert_eq!((mine.name(), yours.name()), ("my_bind", "your_bind"));
        assert_eq!(Func::named("my_bind"), Some(mine));
    }
}
