//! What happens when: the program's messages, frames, time, and the end.

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use sockshim_can_bus::pair::Request;
use sockshim_can_proto::Nanos;
use sockshim_can_proto::frame::Frame;
use sockshim_sys as sys;
use std::os::fd::BorrowedFd;

use crate::end::{Asker, End, Taken};
use crate::line::{Event, Line};

/// An engine's two sides.
pub struct Sides {
    /// The program.
    pub end: End,
    /// The bus.
    pub line: Line,
}

/// A protocol's state.
pub trait Protocol {
    /// Whether messages without a head stay unread until [`Protocol::pdu`]'s work is done.
    const PEEKS: bool = false;

    /// What the program asks for, with so many bytes behind its head.
    fn request(&mut self, sides: &mut Sides, now: Nanos, request: &Request, len: usize, asker: Asker);
    /// A message without a head. It is left unread.
    fn pdu(&mut self, sides: &mut Sides, now: Nanos, len: usize, asker: Asker) {
        let _ = (now, len, asker);
        sides.end.take();
    }
    /// Whether the program's next message can be taken.
    fn reads(&self) -> bool {
        true
    }
    /// A frame of another socket.
    fn frame(&mut self, now: Nanos, ifindex: i32, frame: &Frame);
    /// An interface has gone down or away.
    fn notice(&mut self, sides: &mut Sides, ifindex: i32, errno: i32);
    /// When there is something to do.
    fn next_timer(&self) -> Option<Nanos>;
    /// It is done.
    fn timer(&mut self, now: Nanos);
    /// What has come of all that goes out.
    fn flush(&mut self, sides: &mut Sides, now: Nanos);
    /// Whether nothing has to be finished once the program's end is closed.
    fn is_done(&self) -> bool {
        true
    }
    /// A call that waits: what hangs up when it is interrupted.
    fn waits(&self) -> Option<BorrowedFd<'_>> {
        None
    }
    /// It was.
    fn interrupted(&mut self, sides: &mut Sides) {
        let _ = sides;
    }
}

/// Frames that are taken before anything else gets its turn.
const FRAMES: usize = 64;

/// Runs until the program's end is closed.
pub fn run<P: Protocol>(protocol: &mut P, end: End, line: Line) -> Result<(), i32> {
    let mut sides = Sides { end, line };
    let (mut closed, mut hung_up) = (false, false);
    loop {
        let now = sys::monotonic();
        if protocol.next_timer().is_some_and(|due| due <= now) {
            protocol.timer(now);
        }
        protocol.flush(&mut sides, now);
        if closed && protocol.is_done() {
            return Ok(());
        }
        sides.end.retry();
        // An end that has hung up would wake for ever. What it still has is read when the protocol reads again.
        let listens = !closed && (!hung_up || protocol.reads());
        let ready = wait(protocol, &sides, listens)?;
        sides.line.rest();
        if ready.frames {
            frames(protocol, &mut sides);
        }
        if ready.interrupted {
            protocol.interrupted(&mut sides);
        }
        if ready.program && protocol.reads() {
            closed = !program(protocol, &mut sides);
        }
        hung_up |= ready.hung_up;
    }
}

#[derive(Default)]
struct Ready {
    program: bool,
    hung_up: bool,
    frames: bool,
    interrupted: bool,
}

fn wait<P: Protocol>(protocol: &P, sides: &Sides, listens: bool) -> Result<Ready, i32> {
    let timeout = protocol.next_timer().map(|due| {
        let left = due.saturating_sub(sys::monotonic());
        Timespec { tv_sec: (left / 1_000_000_000) as i64, tv_nsec: (left % 1_000_000_000) as i64 }
    });
    let mut wanted = if protocol.reads() { PollFlags::IN } else { PollFlags::empty() };
    if sides.end.owes() {
        wanted |= PollFlags::OUT;
    }
    let mut fds = Vec::with_capacity(3);
    fds.push(PollFd::from_borrowed_fd(sides.line.fd(), PollFlags::IN));
    let mut places = (None, None);
    if listens {
        places.0 = Some(fds.len());
        fds.push(PollFd::from_borrowed_fd(sides.end.fd(), wanted));
    }
    if let Some(fd) = protocol.waits() {
        places.1 = Some(fds.len());
        fds.push(PollFd::from_borrowed_fd(fd, PollFlags::empty()));
    }
    match poll(&mut fds, timeout.as_ref()) {
        Ok(_) | Err(rustix::io::Errno::INTR) => {}
        Err(errno) => return Err(errno.raw_os_error()),
    }
    let seen = |place: Option<usize>| place.map_or(PollFlags::empty(), |place| fds[place].revents());
    let program = seen(places.0);
    Ok(Ready {
        frames: !fds[0].revents().is_empty(),
        program: program.intersects(PollFlags::IN | PollFlags::HUP | PollFlags::ERR),
        hung_up: program.contains(PollFlags::HUP),
        interrupted: seen(places.1).contains(PollFlags::HUP),
    })
}

fn frames<P: Protocol>(protocol: &mut P, sides: &mut Sides) {
    for _ in 0..FRAMES {
        let Some(event) = sides.line.next() else { return };
        let now = sys::monotonic();
        match event {
            Event::Frame(ifindex, frame) => protocol.frame(now, ifindex, &frame),
            Event::Notice(ifindex, errno) => protocol.notice(sides, ifindex, errno),
        }
        protocol.flush(sides, now);
    }
}

/// Takes one message of the program; whether the program's end is open.
fn program<P: Protocol>(protocol: &mut P, sides: &mut Sides) -> bool {
    let now = sys::monotonic();
    match sides.end.next(P::PEEKS) {
        Ok(Some(Taken { request: Some(request), len, asker })) => {
            if P::PEEKS {
                sides.end.take();
            }
            protocol.request(sides, now, &request, len, asker);
            true
        }
        Ok(Some(Taken { request: None, len, asker })) => {
            protocol.pdu(sides, now, len, asker);
            true
        }
        Ok(None) => false,
        Err(libc::EAGAIN) => true,
        Err(_) => false,
    }
}
