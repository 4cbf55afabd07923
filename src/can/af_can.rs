//! The family (`net/can/af_can.c`): which protocols there are.
//!
//! # Safety
//! The functions of `struct net_proto_family` get what the header says.

use crate::caught::caught;
use crate::protocols::{CAN_BCM, CAN_ISOTP, CAN_J1939, CAN_RAW};
use crate::{bcm, isotp, j1939, kernel, raw};
use core::ffi::c_int;
use core::slice;
use sockshim_module::{NetProtoFamily, Socket};

/// `CAN_NPROTO`.
const CAN_NPROTO: c_int = 8;

/// `struct can_proto`.
struct CanProto {
    protocol: c_int,
    ty: c_int,
    create: fn(&mut Socket, c_int) -> Result<(), c_int>,
    restore: fn(&mut Socket, &[u32]) -> Option<()>,
}

/// `proto_tab[]`.
static PROTO_TAB: [CanProto; 4] = [
    CanProto { protocol: CAN_RAW, ty: libc::SOCK_RAW, create: raw::create, restore: raw::restore },
    CanProto { protocol: CAN_BCM, ty: libc::SOCK_DGRAM, create: bcm::create, restore: bcm::restore },
    CanProto { protocol: CAN_ISOTP, ty: libc::SOCK_DGRAM, create: isotp::create, restore: isotp::restore },
    CanProto { protocol: CAN_J1939, ty: libc::SOCK_DGRAM, create: j1939::create, restore: j1939::restore },
];

static FAMILY: NetProtoFamily =
    NetProtoFamily { family: libc::AF_CAN, create: can_create, restore: Some(can_restore) };

/// `can_init`.
pub fn init() -> Result<(), c_int> {
    // SAFETY: a family that stays.
    match unsafe { (kernel::get().sock_register)(&FAMILY) } {
        0 => Ok(()),
        errno => Err(-errno),
    }
}

fn can_get_proto(protocol: c_int) -> Option<&'static CanProto> {
    PROTO_TAB.iter().find(|entry| entry.protocol == protocol)
}

unsafe extern "C" fn can_create(sock: &mut Socket, protocol: c_int, flags: c_int) -> c_int {
    caught(|| {
        if !(0..CAN_NPROTO).contains(&protocol) {
            return -libc::EINVAL;
        }
        let Some(cp) = can_get_proto(protocol) else { return -libc::EPROTONOSUPPORT };
        if cp.ty != sock.ty {
            return -libc::EPROTOTYPE;
        }
        // The kernel's own sockets of this family leave `sk_protocol` at 0, too.
        sock.protocol = 0;
        (cp.create)(sock, flags).map_or_else(|errno| -errno, |()| 0)
    })
}

/// The first of the saved words is the protocol.
unsafe extern "C" fn can_restore(sock: &mut Socket, state: *const u32, words: usize) -> c_int {
    caught(|| {
        // SAFETY: what the header promises.
        let state = unsafe { slice::from_raw_parts(state, words) };
        let restored = state.split_first().and_then(|(protocol, rest)| {
            let cp = can_get_proto(*protocol as c_int)?;
            (cp.restore)(sock, rest)
        });
        restored.map_or(-libc::EINVAL, |()| 0)
    })
}
