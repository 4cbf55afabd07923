//! What a request asks, and what comes of it (`rtnetlink_rcv_msg`).
//!
//! Interfaces of the kernel come first: what names one of them, or none that there is, is the kernel's to answer. As there, only
//! root may change anything, but for what changes nothing: so a script that adds an interface which was declared, and sets it up,
//! runs as it is.

use super::message::{Head, IFINFOMSG, attribute, number, text};
use crate::{host, netdevice};
use core::ffi::{CStr, c_int, c_uint};
use libc::{IFNAMSIZ, RTM_DELLINK, RTM_GETLINK, RTM_NEWLINK, RTM_SETLINK};
use sockshim_module::NetDevice;
use sockshim_sys as sys;

const IFLA_INFO_KIND: u16 = 1;
const IFLA_ALT_IFNAME: u16 = 53;
const NLM_F_DUMP: u16 = libc::NLM_F_DUMP as u16;
const NLM_F_CREATE: u16 = libc::NLM_F_CREATE as u16;
const NLM_F_EXCL: u16 = libc::NLM_F_EXCL as u16;
const IFF_UP: c_uint = libc::IFF_UP as c_uint;

/// Who answers a request.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Answer {
    /// The kernel, alone.
    Kernel,
    /// The kernel, and interfaces of modules before the end of its dump.
    Dump,
    /// The interface with this index.
    Link(c_int),
    /// An errno, or 0.
    Errno(c_int),
}

/// Looks at a message, and does what it asks for.
pub fn answer(head: &Head, message: &[u8]) -> Answer {
    if ![RTM_NEWLINK, RTM_DELLINK, RTM_GETLINK, RTM_SETLINK].contains(&head.ty) {
        return Answer::Kernel;
    }
    let payload = &message[super::message::HEAD..];
    let attributes = payload.get(IFINFOMSG..).unwrap_or(&[]);
    if head.ty == RTM_GETLINK && head.flags & NLM_F_DUMP == NLM_F_DUMP {
        // Of a master, a dump has its own only; and of the bridge family, bridges.
        let is_of_all = payload
            .first()
            .is_none_or(|family| *family == libc::AF_UNSPEC as u8 || *family == libc::AF_PACKET as u8);
        let has_master = attribute(attributes, libc::IFLA_MASTER).is_some();
        return if is_of_all && !has_master { Answer::Dump } else { Answer::Kernel };
    }
    let ifindex = number(payload, 4) as c_int;
    let name =
        attribute(attributes, libc::IFLA_IFNAME).or_else(|| attribute(attributes, IFLA_ALT_IFNAME)).map(text);
    let found = match (ifindex, name) {
        (0, Some(name)) => netdevice::own_by_name(name),
        (0, None) => None,
        _ => netdevice::own_by_index(ifindex),
    };
    let change = Change { payload, attributes };
    match (head.ty, found) {
        (RTM_GETLINK, Some(own)) => Answer::Link(own.device.ifindex),
        (RTM_DELLINK, Some(own)) => changed(|| netdevice::del(&own)),
        (RTM_NEWLINK, Some(own)) if head.flags & NLM_F_EXCL != 0 => {
            Answer::Errno(if is_declared(&own.device) { 0 } else { libc::EEXIST })
        }
        (RTM_NEWLINK | RTM_SETLINK, Some(own)) => set(&own, &change),
        (RTM_NEWLINK, None) if head.flags & NLM_F_CREATE != 0 && ifindex == 0 => add(name, &change),
        _ => Answer::Kernel,
    }
}

/// What a request would change.
struct Change<'a> {
    payload: &'a [u8],
    attributes: &'a [u8],
}

impl Change<'_> {
    /// `rtnl_dev_combine_flags`.
    fn flags(&self, before: c_uint) -> c_uint {
        let (flags, change) = (number(self.payload, 8), number(self.payload, 12));
        match (flags, change) {
            (0, 0) => before,
            (_, 0) => flags,
            _ => flags & change | before & !change,
        }
    }

    fn mtu(&self) -> Option<c_uint> {
        attribute(self.attributes, libc::IFLA_MTU).map(|value| number(value, 0))
    }

    fn kind(&self) -> Option<&[u8]> {
        attribute(attribute(self.attributes, libc::IFLA_LINKINFO)?, IFLA_INFO_KIND).map(text)
    }
}

/// Whether `SOCKSHIM_CAN` names it: then it was there from the beginning, and adding it changes nothing.
fn is_declared(device: &NetDevice) -> bool {
    let len = device.name.iter().position(|byte| *byte == 0).unwrap_or(IFNAMSIZ);
    let names = host::variable(c"SOCKSHIM_CAN").unwrap_or(b"").split(|byte| *byte == b',');
    names.filter_map(|spec| spec.split(|byte| *byte == b':').next()).any(|name| *name == device.name[..len])
}

/// Makes a change that only root may make. The kernel's errno is positive here.
fn changed(make: impl FnOnce() -> Result<(), c_int>) -> Answer {
    if sys::geteuid() != 0 {
        return Answer::Errno(libc::EPERM);
    }
    Answer::Errno(make().err().unwrap_or(0))
}

/// `do_setlink`.
fn set(own: &netdevice::Own, change: &Change) -> Answer {
    let before = &own.device;
    let up = change.flags(before.flags) & IFF_UP;
    let after =
        NetDevice { flags: before.flags & !IFF_UP | up, mtu: change.mtu().unwrap_or(before.mtu), ..*before };
    if after.flags == before.flags && after.mtu == before.mtu {
        return Answer::Errno(0);
    }
    // First the MTU, which an interface that is up does not change, then the flags.
    changed(|| {
        if after.mtu != before.mtu {
            netdevice::set(own, &NetDevice { flags: before.flags, ..after })?;
        }
        if after.flags != before.flags { netdevice::set(own, &after) } else { Ok(()) }
    })
}

/// `rtnl_newlink`: a new interface, if it is of a kind that a module has.
fn add(name: Option<&[u8]>, change: &Change) -> Answer {
    let Some(kind) = change.kind() else { return Answer::Kernel };
    let mut text = [0; 32];
    if kind.len() >= text.len() || !netdevice::has_kind(kind) {
        return Answer::Kernel;
    }
    text[..kind.len()].copy_from_slice(kind);
    let Ok(kind) = CStr::from_bytes_until_nul(&text) else { return Answer::Kernel };
    let mut device =
        NetDevice { mtu: change.mtu().unwrap_or(0), flags: change.flags(0) & IFF_UP, ..netdevice::EMPTY };
    match name {
        Some(name) if netdevice::is_real(name) => return Answer::Kernel,
        Some(name) if name.is_empty() || name.len() >= IFNAMSIZ => return Answer::Errno(libc::EINVAL),
        Some(name) => device.name[..name.len()].copy_from_slice(name),
        None => match netdevice::free_name(kind) {
            Some(name) => device.name = name,
            None => return Answer::Errno(libc::ENFILE),
        },
    }
    changed(|| netdevice::add(kind, &device))
}
