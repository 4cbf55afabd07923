//! The numbers of the protocols (`include/uapi/linux/can.h`).

use core::ffi::c_int;

/// `CAN_RAW`.
pub const CAN_RAW: c_int = 1;
/// `CAN_BCM`.
pub const CAN_BCM: c_int = 2;
/// `CAN_ISOTP`.
pub const CAN_ISOTP: c_int = 6;
/// `CAN_J1939`.
pub const CAN_J1939: c_int = 7;
