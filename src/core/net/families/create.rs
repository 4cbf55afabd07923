//! The create functions of families that are not modelled further: their checks, in the kernel's order.
//!
//! A family of this kind lives in a module of the kernel's. What its sockets do is the host's business; what socket(2) says
//! of a type and a protocol is here.

use super::Family;
use crate::errno::Errno;
use crate::func;
use crate::net::differences::Difference;
use crate::net::ops::{Cx, Socket};
use crate::net::path::Func;
use crate::verdict::{Reason, Verdict};
use libc::c_int;

/// Socket types as bits: bit n is type n.
pub type Types = u16;

pub(super) const STREAM: Types = 1 << libc::SOCK_STREAM;
pub(super) const DGRAM: Types = 1 << libc::SOCK_DGRAM;
pub(super) const RAW: Types = 1 << libc::SOCK_RAW;
pub(super) const RDM: Types = 1 << libc::SOCK_RDM;
pub(super) const SEQPACKET: Types = 1 << libc::SOCK_SEQPACKET;
pub(super) const ALL: Types = Types::MAX;

/// One check of a create function.
#[derive(Clone, Copy)]
pub enum Check {
    /// A protocol below the first or above the second number.
    Protocols(i16, i16, Errno),
    /// Another type than these.
    Types(Types, Errno),
    /// Another type than these, with the protocol of the index; the last entry is that of all higher protocols too.
    TypesOf(&'static [Types], Errno),
    /// A protocol that the family's own table of this name does not have: EPROTONOSUPPORT. The modules that fill it come and
    /// go.
    Registered(&'static &'static str),
    /// CAP_NET_RAW, for these types: EPERM.
    NetRaw(Types),
    /// The capability that the family wants of everybody, which is its first check: EPERM.
    Capable(&'static &'static str),
    /// The family serves only the first network namespace: EAFNOSUPPORT. Only where this is not the first check: where it is,
    /// the family looks absent in every other namespace.
    InitNet,
    /// What does not fit the others. `None` when the check is passed.
    Other(fn(&mut Cx, &mut Socket, c_int) -> Option<Verdict>),
}

/// Which protocol the new socket remembers.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Remembers {
    /// None: SO_PROTOCOL is 0, whatever was asked for.
    Nothing,
    /// What was asked for, unless a check has changed it.
    Protocol,
}

/// The family's create function.
pub fn create(cx: &mut Cx, family: &Family, sock: &mut Socket, protocol: c_int) -> Verdict {
    let func = family.create.expect("a family with checks has a create function");
    if family.remembers == Remembers::Protocol {
        sock.sk.protocol = protocol as u16;
    }
    for check in family.checks {
        if let Some(verdict) = passes(cx, func, check, sock, protocol) {
            return verdict;
        }
    }
    Verdict::ok()
}

/// `None` when the socket passes the check.
fn passes(cx: &mut Cx, func: Func, check: &Check, sock: &mut Socket, protocol: c_int) -> Option<Verdict> {
    let has_type = |types: Types| types & 1 << sock.ty != 0;
    let facts = cx.net.facts;
    let family = sock.sk.family;
    let no_type = |types, errno| (!has_type(types)).then_some(Verdict::errno(errno, Reason::NoType));
    match *check {
        Check::Protocols(lowest, highest, errno) => {
            let fits = (c_int::from(lowest)..=c_int::from(highest)).contains(&protocol);
            (!fits).then_some(Verdict::errno(errno, Reason::NoProtocol))
        }
        Check::Types(types, errno) => no_type(types, errno),
        Check::TypesOf(types, errno) => no_type(*types.get(protocol as usize).or(types.last())?, errno),
        Check::Registered(table) => {
            let known = cx.fact(func, table, facts.has_module_protocol(family, protocol));
            unless(known, Errno::EPROTONOSUPPORT, Reason::NoProtocol)
        }
        Check::NetRaw(types) => has_type(types).then(|| needs_net_raw(cx)).flatten(),
        Check::Capable(name) => {
            let known = cx.fact(func, name, facts.may_create(family));
            unless(known, Errno::EPERM, Reason::Privilege)
        }
        Check::InitNet => {
            let known = cx.fact(func, &"init_net", facts.is_init_net());
            unless(known, Errno::EAFNOSUPPORT, Reason::NoFamily)
        }
        Check::Other(check) => check(cx, sock, protocol),
    }
}

/// The verdict unless the fact is known to hold.
fn unless(known: Option<bool>, errno: Errno, reason: Reason) -> Option<Verdict> {
    match known {
        Some(true) => None,
        Some(false) => Some(Verdict::errno(errno, reason)),
        None => Some(Verdict::ask().because(reason)),
    }
}

/// AX.25: text is what protocol 0 means. Protocols that carry other protocols are not for programs; two of them only while
/// the module is loaded that uses them.
pub(super) fn ax25_protocol(cx: &mut Cx, sock: &mut Socket, protocol: c_int) -> Option<Verdict> {
    const TEXT: u16 = 0xf0;
    const ROSE: c_int = 0x01;
    const SEGMENT: c_int = 0x08;
    const IP: c_int = 0xcc;
    const ARP: c_int = 0xcd;
    const NETROM: c_int = 0xcf;
    if sock.ty != libc::SOCK_RAW && matches!(protocol, 0 | libc::PF_AX25) {
        sock.sk.protocol = TEXT;
    }
    match (sock.ty, protocol) {
        (libc::SOCK_SEQPACKET, SEGMENT | IP | ARP) => {
            Some(Verdict::errno(Errno::ESOCKTNOSUPPORT, Reason::NoProtocol))
        }
        (libc::SOCK_SEQPACKET, ROSE | NETROM) => {
            Some(cx.ask(func!(ax25_create), &"whether the module of that protocol is loaded"))
        }
        _ => None,
    }
}

/// RxRPC: the protocol names the family that carries it.
pub(super) fn rxrpc_transport(_: &mut Cx, _: &mut Socket, protocol: c_int) -> Option<Verdict> {
    match protocol {
        libc::PF_INET | libc::PF_INET6 => None,
        _ => Some(Verdict::errno(Errno::EPROTONOSUPPORT, Reason::NoProtocol)),
    }
}

/// Phonet: one protocol for each type, and 0 for the type's.
pub(super) fn phonet_protocol(cx: &mut Cx, sock: &mut Socket, protocol: c_int) -> Option<Verdict> {
    const PN_PROTO_PHONET: c_int = 1;
    const PN_PROTO_PIPE: c_int = 2;
    let (has, of_type) = match sock.ty {
        libc::SOCK_DGRAM => (Some(true), PN_PROTO_PHONET),
        libc::SOCK_SEQPACKET => (None, PN_PROTO_PIPE),
        _ => (Some(false), 0),
    };
    sock.sk.protocol = of_type as u16;
    let has = match protocol {
        _ if protocol != 0 && protocol != of_type => Some(false),
        // A module brings it.
        _ if has.is_none() => {
            let has = cx.net.facts.has_protocol(libc::AF_PHONET, sock.ty, of_type);
            cx.fact(func!(pn_socket_create), &"PNPIPE", has)
        }
        _ => has,
    };
    unless(has, Errno::EPROTONOSUPPORT, Reason::NoProtocol)
}

/// CAN: only J1939 remembers its number.
pub(super) fn can_protocol(_: &mut Cx, sock: &mut Socket, protocol: c_int) -> Option<Verdict> {
    if protocol != libc::CAN_J1939 {
        sock.sk.protocol = 0;
    }
    None
}

/// PPPoX: every type becomes a stream.
pub(super) fn pppox_type(_: &mut Cx, sock: &mut Socket, _: c_int) -> Option<Verdict> {
    sock.ty = libc::SOCK_STREAM;
    None
}

/// Bluetooth: how many protocols there are.
pub(super) fn bluetooth_range(cx: &mut Cx, _: &mut Socket, protocol: c_int) -> Option<Verdict> {
    const BTPROTO_AVDTP: c_int = 7;
    const BTPROTO_ISO: c_int = 8;
    let in_range = match protocol {
        0..=BTPROTO_AVDTP => Some(true),
        BTPROTO_ISO => cx.since(func!(bt_sock_create), Difference::BluetoothIso),
        _ => Some(false),
    };
    unless(in_range, Errno::EINVAL, Reason::BadProtocol)
}

/// Bluetooth: L2CAP's raw sockets need the capability, those of the other protocols do not.
pub(super) fn l2cap_raw(cx: &mut Cx, sock: &mut Socket, protocol: c_int) -> Option<Verdict> {
    const BTPROTO_L2CAP: c_int = 0;
    (protocol == BTPROTO_L2CAP && sock.ty == libc::SOCK_RAW).then(|| needs_net_raw(cx)).flatten()
}

/// mISDN: which numbers are protocols.
pub(super) fn misdn_protocol(_: &mut Cx, _: &mut Socket, protocol: c_int) -> Option<Verdict> {
    match protocol {
        0..=4 | 16 | 17 | 33..=38 => None,
        _ => Some(Verdict::errno(Errno::EPROTONOSUPPORT, Reason::NoProtocol)),
    }
}

/// mISDN: whoever controls devices needs the capability in the first user namespace, which is the one of the first network
/// namespace.
pub(super) fn misdn_raw(cx: &mut Cx, sock: &mut Socket, protocol: c_int) -> Option<Verdict> {
    if sock.ty != libc::SOCK_RAW {
        return None;
    }
    init_net_or_host(cx, sock, protocol).or_else(|| needs_net_raw(cx))
}

fn needs_net_raw(cx: &mut Cx) -> Option<Verdict> {
    let known = cx.fact(func!(ns_capable), &"CAP_NET_RAW", cx.net.facts.net_raw());
    unless(known, Errno::EPERM, Reason::Privilege)
}

/// What holds in the first network namespace; elsewhere, only the host knows whether the family serves it.
pub(super) fn init_net_or_host(cx: &mut Cx, _: &mut Socket, _: c_int) -> Option<Verdict> {
    match cx.fact(func!(__sock_create), &"init_net", cx.net.facts.is_init_net()) {
        Some(true) => None,
        _ => Some(cx.ask(func!(__sock_create), &"whether the family serves this network namespace")),
    }
}
