//! `libsockshim_can.so`: AF_CAN in userspace (`net/can/`), a module like any other: it uses nothing of sockshim's but the ABI of
//! modules.
//!
//! | file | in the kernel |
//! |---|---|
//! | [`af_can`] | `af_can.c`: the family |
//! | [`raw`] | `raw.c`: CAN_RAW |
//! | [`bcm`] | `bcm.c`: CAN_BCM |
//! | [`isotp`] | `isotp.c`: CAN_ISOTP |
//! | [`j1939`] | `j1939/socket.c`: CAN_J1939 |
//! | [`pair`] | the sockets whose protocol runs in a process of its own, `sockshim-can-engine` |
//! | [`device`] | `drivers/net/can/vcan.c`: the interfaces |
//!
//! Buses are in the crate [`sockshim_can_bus`], the protocols themselves in [`sockshim_can_proto`].
//!
//! # Safety
//! Functions of the ABI are called with what `sockshim/module.h` promises, and what they are given is what it says.

mod af_can;
mod bcm;
mod caught;
mod device;
mod isotp;
mod j1939;
mod kept;
mod kernel;
mod pair;
#[path = "../rulefile/panic.rs"]
mod panic;
mod protocols;
mod raw;
#[cfg(wrapped)]
#[path = "../preload/redirect.rs"]
mod redirect;
#[path = "../preload/unwind.rs"]
mod unwind;

use core::ffi::c_int;
use sockshim_module::{ABI, SockshimKernel};
use sockshim_sys as sys;

/// The version of the ABI that this is made for.
#[unsafe(no_mangle)]
#[allow(non_upper_case_globals, reason = "the name that the host looks for")]
pub static sockshim_module_abi: u32 = ABI;

/// Registers the family and its interfaces.
///
/// # Safety
/// It is called once, by a host of this ABI.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sockshim_module_init(host: &'static SockshimKernel) -> c_int {
    kernel::set(host);
    pair::init();
    panic::attempt(|| device::init().and_then(|()| af_can::init()).map_or_else(|errno| -errno, |()| 0))
        .unwrap_or(-libc::EIO)
}
