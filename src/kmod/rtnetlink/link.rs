//! An interface as a message (`rtnl_fill_ifinfo`).

use super::message::{Head, IFINFOMSG, Writer};
use libc::{c_int, c_uint};
use sockshim_module::NetDevice;

const IF_OPER_UNKNOWN: u8 = 0;
const IF_OPER_DOWN: u8 = 2;
/// What SIOCGIFFLAGS does not show.
const IFF_LOWER_UP: c_uint = 0x1_0000;
/// `IFLA_INFO_KIND`, in `IFLA_LINKINFO`.
const IFLA_INFO_KIND: u16 = 1;
/// 25 counters of 64 bits.
const STATS64: [u8; 200] = [0; 200];

/// Writes the message of an interface.
pub fn write(to: &mut Writer, head: Head, device: &NetDevice) {
    let is_up = device.flags & libc::IFF_UP as c_uint != 0;
    let start = to.len();
    to.put(&Head { ty: libc::RTM_NEWLINK, ..head }.bytes());
    let mut info = [0; IFINFOMSG];
    info[2..4].copy_from_slice(&device.ty.to_ne_bytes());
    info[4..8].copy_from_slice(&device.ifindex.to_ne_bytes());
    let flags = device.flags | if is_up { IFF_LOWER_UP } else { 0 };
    info[8..12].copy_from_slice(&flags.to_ne_bytes());
    to.put(&info);
    let len = device.name.iter().position(|byte| *byte == 0).map_or(device.name.len(), |len| len + 1);
    to.attribute(libc::IFLA_IFNAME, &device.name[..len]);
    to.attribute(libc::IFLA_TXQLEN, &device.tx_queue_len.to_ne_bytes());
    to.attribute(libc::IFLA_OPERSTATE, &[if is_up { IF_OPER_UNKNOWN } else { IF_OPER_DOWN }]);
    to.attribute(libc::IFLA_LINKMODE, &[0]);
    let mut word = |ty: u16, number: c_uint| to.attribute(ty, &number.to_ne_bytes());
    word(libc::IFLA_MTU, device.mtu);
    word(libc::IFLA_GROUP, 0);
    word(libc::IFLA_PROMISCUITY, 0);
    word(libc::IFLA_NUM_TX_QUEUES, 1);
    word(libc::IFLA_NUM_RX_QUEUES, 1);
    to.attribute(libc::IFLA_CARRIER, &[1]);
    to.attribute(libc::IFLA_STATS64, &STATS64);
    let len = device.kind.iter().position(|byte| *byte == 0).map_or(device.kind.len(), |len| len + 1);
    let mut nested = [0; 4 + 16];
    let mut inner = Writer::new(&mut nested);
    inner.attribute(IFLA_INFO_KIND, &device.kind[..len]);
    let len = inner.len();
    to.attribute(libc::IFLA_LINKINFO, &nested[..len]);
    to.attribute(libc::IFLA_QDISC, if is_up { b"noqueue\0" } else { b"noop\0" });
    to.end(start);
}

/// Writes an acknowledgement, or an error (`netlink_ack`). `asked` is the request's head; its payload is left out, and the flag
/// for that is set.
pub fn acknowledge(to: &mut Writer, head: Head, errno: c_int, asked: Head) {
    const NLM_F_CAPPED: u16 = 0x100;
    let start = to.len();
    let flags = head.flags | NLM_F_CAPPED;
    to.put(&Head { ty: libc::NLMSG_ERROR as u16, flags, ..head }.bytes());
    to.put(&(-errno).to_ne_bytes());
    to.put(&asked.bytes());
    to.end(start);
}
