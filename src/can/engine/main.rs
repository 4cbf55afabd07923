//! `sockshim-can-engine`: the process behind a socket of CAN_BCM, CAN_ISOTP or CAN_J1939. libsockshim_can.so starts one for each
//! such socket, and nobody else does: descriptor 3 is its end of a pair, of which the program has the other.
//!
//! It ends when the last copy of the program's end is closed, and what the kernel finishes in close(2) is finished.
//!
//! | file | what |
//! |---|---|
//! | [`end`] | the end of the pair: requests, answers, messages |
//! | [`line`] | the socket on the bus |
//! | [`run`] | what happens when |
//! | [`bcm`], [`isotp`], [`j1939`] | between these and the protocols' state machines |

mod bcm;
mod claims;
mod end;
mod isotp;
mod j1939;
mod line;
mod run;

use end::End;
use line::Line;
use sockshim_can_bus::pair::Op;
use sockshim_oldlibc as _;
use sockshim_sys as sys;

/// `CAN_BCM`.
const CAN_BCM: i32 = 2;
/// `CAN_ISOTP`.
const CAN_ISOTP: i32 = 6;
/// `CAN_J1939`.
const CAN_J1939: i32 = 7;

fn main() {
    sys::set_name(c"sockshim-can");
    // They were all blocked on the way here.
    sys::restore_signals(0);
    // Times are meant as they are said; by default the kernel adds 50 µs.
    let _ = rustix::thread::set_current_timer_slack(std::num::NonZeroU64::new(1));
    // Without a program or a bus there is nothing to do, and nobody to tell.
    let _ = serve();
}

fn serve() -> Result<(), libc::c_int> {
    let mut end = End::inherited()?;
    let hello = end.next(false)?.ok_or(libc::EINVAL)?;
    let request = hello.request.filter(|request| request.op == Op::Hello).ok_or(libc::EINVAL)?;
    let line = Line::open(end.data(hello.len))?;
    match request.a {
        CAN_BCM => run::run(&mut bcm::Engine::new(), end, line),
        CAN_ISOTP => run::run(&mut isotp::Engine::new(), end, line),
        CAN_J1939 => run::run(&mut j1939::Engine::new(), end, line),
        _ => Err(libc::EPROTONOSUPPORT),
    }
}
