//! A socket of CAN_ISOTP. What the program sends stays unread while it is on its way, so that the program's end is full.

use std::os::fd::BorrowedFd;

use sockshim_can_bus::pair::{Message, Op, Request};
use sockshim_can_proto::Nanos;
use sockshim_can_proto::frame::{CANFD_MTU, Frame};
use sockshim_can_proto::isotp::{Address, ISOTP_MIN_NAMELEN, Isotp, OPTION_WORDS, Options, Output};

use crate::end::{Asker, name};
use crate::line::exactly;
use crate::run::{Protocol, Sides};

/// The socket.
pub struct Engine {
    bound: Option<(Address, Isotp)>,
    /// A PDU is on its way, and unread.
    sends: bool,
    /// Who waits for its end.
    asker: Asker,
}

impl Engine {
    /// `isotp_init`.
    pub fn new() -> Engine {
        Engine { bound: None, sends: false, asker: Asker::default() }
    }

    /// What of `isotp_bind` is left when the program's side has checked it.
    fn bind(&mut self, sides: &mut Sides, request: &Request, len: usize) -> Result<usize, i32> {
        let words = |bytes: &[u8]| -> Vec<u32> {
            bytes.as_chunks::<4>().0.iter().map(|word| u32::from_ne_bytes(*word)).collect()
        };
        let options = words(sides.end.data(len));
        let options: &[u32; OPTION_WORDS] = options.first_chunk().ok_or(libc::EINVAL)?;
        let options = Options::load(options);
        let &[_, ifindex, rx_id, tx_id] = &words(request.name())[..] else { return Err(libc::EINVAL) };
        let address = Address { ifindex: ifindex as i32, rx_id, tx_id };
        let receives = options.receives().then(|| exactly(rx_id));
        sides.line.hear(Some(address.ifindex), &mut receives.into_iter())?;
        self.bound = Some((address, Isotp::new(options, rx_id, tx_id)));
        if sides.line.device(address.ifindex) == Err(libc::ENETDOWN) {
            sides.end.report(libc::ENETDOWN);
        }
        Ok(0)
    }

    /// Begins with a PDU.
    fn begin(&mut self, sides: &Sides, now: Nanos, len: usize) -> Result<(), i32> {
        let (address, isotp) = self.bound.as_mut().ok_or(libc::EADDRNOTAVAIL)?;
        let fd = usize::from(isotp.options().ll().mtu) == CANFD_MTU;
        sides.line.takes(address.ifindex, fd)?;
        isotp.send(now, sides.end.pdu(len).ok_or(libc::EINVAL)?)
    }

    /// The PDU has ended, so there is room for the next.
    fn end(&mut self, sides: &mut Sides) -> Asker {
        if std::mem::take(&mut self.sends) {
            sides.end.take();
        }
        std::mem::take(&mut self.asker)
    }

    fn cancel(&mut self, sides: &mut Sides) -> Asker {
        if let Some((_, isotp)) = &mut self.bound {
            isotp.cancel();
        }
        self.end(sides)
    }
}

impl Protocol for Engine {
    const PEEKS: bool = true;

    fn request(&mut self, sides: &mut Sides, _now: Nanos, request: &Request, len: usize, asker: Asker) {
        let result = match request.op {
            Op::Bind => self.bind(sides, request, len),
            _ => Err(libc::EOPNOTSUPP),
        };
        asker.answer(result, &[]);
    }

    fn pdu(&mut self, sides: &mut Sides, now: Nanos, len: usize, asker: Asker) {
        match self.begin(sides, now, len) {
            Ok(()) => (self.sends, self.asker) = (true, asker),
            Err(errno) => {
                sides.end.take();
                if asker.is_there() {
                    asker.answer(Err(errno), &[]);
                } else {
                    sides.end.report(errno);
                }
            }
        }
    }

    fn reads(&self) -> bool {
        !self.sends
    }

    fn frame(&mut self, now: Nanos, _ifindex: i32, frame: &Frame) {
        if let Some((_, isotp)) = &mut self.bound {
            isotp.receive(now, frame, false);
        }
    }

    fn notice(&mut self, sides: &mut Sides, ifindex: i32, errno: i32) {
        if self.bound.as_ref().is_none_or(|(address, _)| address.ifindex != ifindex) {
            return;
        }
        if errno == libc::ENODEV {
            self.cancel(sides).answer(Err(errno), &[]);
            self.bound = None;
        }
        sides.end.report(errno);
    }

    fn next_timer(&self) -> Option<Nanos> {
        self.bound.as_ref().and_then(|(_, isotp)| isotp.next_timer())
    }

    fn timer(&mut self, now: Nanos) {
        if let Some((_, isotp)) = &mut self.bound {
            isotp.timer(now);
        }
    }

    fn flush(&mut self, sides: &mut Sides, now: Nanos) {
        let mut error = None;
        while let Some((address, isotp)) = &mut self.bound {
            match isotp.output() {
                None => break,
                Some(Output::Frame(frame)) => {
                    if sides.line.send(address.ifindex, &frame) {
                        // Before anything else that comes: an answer to it cannot be earlier.
                        isotp.receive(now, &frame, true);
                    }
                }
                Some(Output::Pdu(pdu)) => {
                    let head = Message {
                        name_len: ISOTP_MIN_NAMELEN,
                        name: name(address.ifindex),
                        stamp: sockshim_sys::realtime(),
                        ..Message::default()
                    };
                    sides.end.deliver(&head, &pdu);
                }
                Some(Output::Error(errno)) => error = Some(errno),
                Some(Output::Done(result)) => {
                    let asker = self.end(sides);
                    if asker.is_there() {
                        // The call that waits takes it.
                        error = None;
                    }
                    asker.answer(result.map(|()| 0), &[]);
                }
            }
        }
        if let Some(errno) = error {
            sides.end.report(errno);
        }
    }

    fn is_done(&self) -> bool {
        !self.sends
    }

    fn waits(&self) -> Option<BorrowedFd<'_>> {
        self.asker.fd()
    }

    fn interrupted(&mut self, sides: &mut Sides) {
        self.cancel(sides);
    }
}
