//! The protocols of AF_CAN (`net/can/`) as pure state machines: frames, requests and time go in; frames, answers and the next
//! timer come out. Nothing here makes a system call, reads a clock or waits, so the same code runs in a socket's engine, in a
//! fuzzer, and against itself.
//!
//! | here | in the kernel |
//! |---|---|
//! | [`frame`] | `include/uapi/linux/can.h`: the frames of classic CAN, CAN FD and CAN XL |
//! | [`raw`] | `net/can/raw.c`: which frames a raw socket gets |
//! | [`isotp`] | `net/can/isotp.c`: PDUs that are longer than a frame |
//! | [`bcm`] | `net/can/bcm.c`: frames that are sent again and again, and changes of those that come |
//! | [`j1939`] | `net/can/j1939/`: messages of any length between addresses and NAMEs |

#![forbid(unsafe_code)]

pub mod bcm;
pub mod frame;
pub mod isotp;
pub mod j1939;
pub mod raw;

/// Nanoseconds since any fixed point: CLOCK_MONOTONIC where it matters.
pub type Nanos = u64;

/// An errno, positive.
pub type Errno = libc::c_int;
