//! A socket of CAN_BCM.

use sockshim_can_bus::pair::{Message, Op, Request};
use sockshim_can_proto::Nanos;
use sockshim_can_proto::bcm::{Bcm, Origin, Output, TX_SEND, check};
use sockshim_can_proto::frame::Frame;

use crate::end::{Asker, name, real};
use crate::line::exactly;
use crate::run::{Protocol, Sides};

/// `BCM_MIN_NAMELEN`.
const BCM_MIN_NAMELEN: usize = 8;

/// The socket.
pub struct Engine {
    bcm: Bcm,
    /// The interface that it is connected to, 0 for none in particular.
    connected: Option<i32>,
}

/// The interface of an address, and its family.
fn ifindex_of(name: &[u8]) -> Result<(i32, i32), i32> {
    let name: &[u8; BCM_MIN_NAMELEN] = name.first_chunk().ok_or(libc::EINVAL)?;
    let family = u16::from_ne_bytes([name[0], name[1]]);
    Ok((i32::from_ne_bytes([name[4], name[5], name[6], name[7]]), family.into()))
}

impl Engine {
    /// `bcm_init`.
    pub fn new() -> Engine {
        Engine { bcm: Bcm::new(), connected: None }
    }

    /// `bcm_connect`.
    fn connect(&mut self, sides: &Sides, address: &[u8]) -> Result<usize, i32> {
        let (ifindex, _) = ifindex_of(address)?;
        if self.connected.is_some() {
            return Err(libc::EISCONN);
        }
        if ifindex != 0 {
            exists(sides, ifindex)?;
        }
        self.connected = Some(ifindex);
        self.hear(sides).map(|()| 0)
    }

    /// `bcm_sendmsg`.
    fn send(&mut self, sides: &Sides, now: Nanos, request: &Request, bytes: &[u8]) -> Result<usize, i32> {
        let mut ifindex = self.connected.ok_or(libc::ENOTCONN)?;
        if bytes.len() as u64 != request.size {
            return Err(libc::EINVAL);
        }
        if ifindex == 0 && request.name_len != 0 {
            let (index, family) = ifindex_of(request.name())?;
            if family != libc::AF_CAN {
                return Err(libc::EINVAL);
            }
            if index != 0 {
                exists(sides, index)?;
            }
            ifindex = index;
        }
        check(ifindex, bytes)?;
        let opcode = bytes.first_chunk().map(|word| u32::from_ne_bytes(*word));
        if opcode == Some(TX_SEND) {
            let head = sockshim_can_proto::bcm::BcmMsgHead::of_bytes(bytes);
            sides.line.takes(ifindex, head.is_some_and(|head| head.fd()))?;
        }
        let sent = self.bcm.request(now, ifindex, bytes)?;
        self.hear(sides)?;
        Ok(sent)
    }

    /// Has the bus's frames sorted by what the ops want.
    fn hear(&self, sides: &Sides) -> Result<(), i32> {
        let Some(own) = self.connected else { return Ok(()) };
        let elsewhere = self.bcm.subscriptions().any(|wanted| wanted.ifindex != own);
        let filters: Vec<_> = self.bcm.subscriptions().map(|wanted| exactly(wanted.can_id)).collect();
        sides.line.hear(Some(if elsewhere { 0 } else { own }), &mut filters.into_iter())
    }
}

/// Whether an interface is there; whether it is up does not matter.
fn exists(sides: &Sides, ifindex: i32) -> Result<(), i32> {
    match sides.line.device(ifindex) {
        Err(libc::ENODEV) => Err(libc::ENODEV),
        _ => Ok(()),
    }
}

impl Protocol for Engine {
    fn request(&mut self, sides: &mut Sides, now: Nanos, request: &Request, len: usize, asker: Asker) {
        let result = match request.op {
            Op::Connect => self.connect(sides, request.name()),
            Op::Send => {
                let bytes = sides.end.data(len).to_vec();
                self.send(sides, now, request, &bytes)
            }
            _ => Err(libc::EOPNOTSUPP),
        };
        // What a call brings about has happened when it returns.
        self.flush(sides, now);
        asker.answer(result, &[]);
    }

    fn frame(&mut self, now: Nanos, ifindex: i32, frame: &Frame) {
        // Whoever is on the bus is on this host.
        self.bcm.receive(now, ifindex, frame, Origin::Local);
    }

    fn notice(&mut self, sides: &mut Sides, ifindex: i32, errno: i32) {
        if self.connected == Some(ifindex) {
            if errno == libc::ENODEV {
                self.connected = None;
            }
            sides.end.report(errno);
        }
    }

    fn next_timer(&self) -> Option<Nanos> {
        self.bcm.next_timer()
    }

    fn timer(&mut self, now: Nanos) {
        self.bcm.timer(now);
    }

    fn flush(&mut self, sides: &mut Sides, now: Nanos) {
        while let Some(output) = self.bcm.output() {
            match output {
                Output::Frame { ifindex, frame } => {
                    if sides.line.send(ifindex, &frame) {
                        self.bcm.receive(now, ifindex, &frame, Origin::Own);
                    }
                }
                Output::Message(message) => {
                    let head = Message {
                        msg_flags: message.msg_flags,
                        name_len: BCM_MIN_NAMELEN,
                        name: name(message.ifindex),
                        stamp: real(message.stamp.unwrap_or(now)),
                        ..Message::default()
                    };
                    sides.end.deliver(&head, &message.bytes);
                }
            }
        }
    }
}
