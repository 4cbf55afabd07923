//! CAN_BCM (`net/can/bcm.c`), the broadcast manager: frames that are sent again and again without the program, and only the
//! changes of those that come.
//!
//! 1. [`check`] refuses what needs no state to be refused. [`Bcm::request`] does what a sendmsg asks for.
//! 2. [`Bcm::receive`] gets the frames of the interfaces, own ones too; [`Bcm::subscriptions`] says which are wanted.
//! 3. [`Bcm::timer`] is called when [`Bcm::next_timer`] is reached.
//! 4. After each of them, [`Bcm::output`] is asked until there is no more.
//!
//! | here | in the kernel |
//! |---|---|
//! | `head.rs` | `include/uapi/linux/can/bcm.h` |
//! | `check.rs` | the first checks of `bcm_sendmsg`, `bcm_tx_setup` and `bcm_rx_setup` |
//! | `tx.rs` | `bcm_tx_setup`, `bcm_can_tx`, `bcm_tx_timeout_handler` |
//! | `rx.rs` | `bcm_rx_setup`, `bcm_rx_handler`, `bcm_rx_thr_handler`, `bcm_rx_timeout_handler` |
//!
//! It is Linux 6.12. Known differences of others: kernels from 2026 bind an op of any interface that has a time to the first
//! interface from which a frame comes, and refuse an answer to remote requests whose length is none, which 6.12 takes and
//! never sends. As in those, a request that fails changes nothing; 6.12 may have changed the first of several frames.

mod check;
mod head;
mod rx;
#[cfg(test)]
mod tests;
mod tx;

use std::collections::VecDeque;

use libc::EINVAL;

pub use check::check;
pub use head::*;

use crate::frame::Frame;
use crate::{Errno, Nanos};
use check::Request;
use rx::RxOp;
use tx::TxOp;

/// What tells ops apart.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Key {
    can_id: u32,
    /// The interface, 0 for all.
    ifindex: i32,
    fd: bool,
}

/// Who has sent a frame.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Origin {
    /// Another machine.
    Remote,
    /// Another socket of this host; on a virtual interface it is always this or the next.
    Local,
    /// This socket.
    Own,
}

/// Frames that an op wants.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Subscription {
    /// The interface, 0 for all.
    pub ifindex: i32,
    /// The identifier with its flags, all of which count.
    pub can_id: u32,
    /// Whether they are those of CAN FD.
    pub fd: bool,
}

/// A message for the program to read.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Message {
    /// The head and its frames.
    pub bytes: Vec<u8>,
    /// The interface for the address that recvfrom returns. 0 in messages about sending.
    pub ifindex: i32,
    /// `MSG_DONTROUTE` and `MSG_CONFIRM` for `msg_flags`, by the origin of a single frame.
    pub msg_flags: libc::c_int,
    /// When the frame came, for its time stamp. Without one the message has its own time.
    pub stamp: Option<Nanos>,
}

impl Message {
    /// `bcm_send_to_user`.
    fn of(head: BcmMsgHead, frames: &[Slot], ifindex: i32, stamp: Option<Nanos>) -> Message {
        let mut bytes = head.bytes().to_vec();
        let mut msg_flags = 0;
        for mut frame in frames.iter().copied() {
            if frames.len() == 1 {
                msg_flags = rx::traffic(&mut frame);
            }
            bytes.extend_from_slice(frame.bytes(head.cfsiz()));
        }
        Message { bytes, ifindex, msg_flags, stamp }
    }
}

/// What the machine wants done.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Output {
    /// A frame for an interface. It comes back as any other, with [`Origin::Own`].
    Frame {
        /// The interface.
        ifindex: i32,
        /// The frame.
        frame: Frame,
    },
    /// A message for the program.
    Message(Message),
}

/// A connected socket.
#[derive(Clone, Default, Debug)]
pub struct Bcm {
    tx: Vec<TxOp>,
    rx: Vec<RxOp>,
    outputs: VecDeque<Output>,
}

impl Bcm {
    /// A socket without ops.
    pub fn new() -> Bcm {
        Bcm::default()
    }

    /// Does what a message asks for, on the interface that [`check`] describes. Returns what sendmsg returns.
    ///
    /// # Errors
    /// Those of [`check`]. EINVAL for `…_DELETE` and `…_READ` of an op that does not exist; E2BIG if an op would get more
    /// frames than it has; EFAULT if the message has fewer frames than its head says; EINVAL for frames to be sent whose
    /// length is none.
    pub fn request(&mut self, now: Nanos, ifindex: i32, bytes: &[u8]) -> Result<usize, Errno> {
        let request = Request::parse(ifindex, bytes)?;
        let key = Key { can_id: request.head.can_id, ifindex, fd: request.head.fd() };
        let tx = self.tx.iter().position(|op| op.key == key);
        let rx = self.rx.iter().position(|op| op.key == key);
        match request.head.opcode {
            TX_SETUP => self.tx_setup(now, tx, key, &request)?,
            RX_SETUP => self.rx_setup(now, rx, key, &request)?,
            TX_DELETE => drop(self.tx.remove(tx.ok_or(EINVAL)?)),
            RX_DELETE => drop(self.rx.remove(rx.ok_or(EINVAL)?)),
            TX_READ => self.outputs.push_back(Output::Message(self.tx[tx.ok_or(EINVAL)?].status())),
            RX_READ => self.outputs.push_back(Output::Message(self.rx[rx.ok_or(EINVAL)?].status())),
            _ => {
                let frame = request.frames(true)?[0].frame(key.fd).ok_or(EINVAL)?;
                self.outputs.push_back(Output::Frame { ifindex, frame });
            }
        }
        Ok(request.returned())
    }

    fn tx_setup(&mut self, now: Nanos, at: Option<usize>, key: Key, request: &Request) -> Result<(), Errno> {
        if let Some(at) = at {
            return self.tx[at].setup(now, request, false, &mut self.outputs);
        }
        let mut op = TxOp::new(key);
        op.setup(now, request, true, &mut self.outputs)?;
        self.tx.push(op);
        Ok(())
    }

    fn rx_setup(&mut self, now: Nanos, at: Option<usize>, key: Key, request: &Request) -> Result<(), Errno> {
        let at = match at {
            Some(at) => {
                self.rx[at].refilter(request)?;
                at
            }
            None => {
                self.rx.push(RxOp::new(key, request)?);
                self.rx.len() - 1
            }
        };
        self.rx[at].setup(now, &request.head, &mut self.outputs);
        Ok(())
    }

    /// A frame from an interface.
    pub fn receive(&mut self, now: Nanos, ifindex: i32, frame: &Frame, origin: Origin) {
        // The kernel asks those first that listen everywhere, and in both groups the newest first.
        for everywhere in [true, false] {
            let group = self.rx.iter_mut().rev().filter(|op| (op.key.ifindex == 0) == everywhere);
            for op in group.filter(|op| op.wants(ifindex, frame)) {
                op.receive(now, ifindex, frame, origin, &mut self.outputs);
            }
        }
    }

    /// When [`timer`](Self::timer) has something to do. `None`: only a frame or a request can change anything.
    pub fn next_timer(&self) -> Option<Nanos> {
        let tx = self.tx.iter().filter_map(|op| op.timer);
        let rx = self.rx.iter().flat_map(|op| [op.timer, op.thrtimer]).flatten();
        tx.chain(rx).min()
    }

    /// It is `now`: what should have happened by then happens, in its order. A frame that should have been sent several times
    /// is sent once.
    pub fn timer(&mut self, now: Nanos) {
        while let Some(due) = self.next_timer().filter(|due| *due <= now) {
            let out = &mut self.outputs;
            for op in self.tx.iter_mut().filter(|op| op.timer == Some(due)) {
                op.timer(now, due, out);
            }
            for op in &mut self.rx {
                if op.timer == Some(due) {
                    op.timer(out);
                }
                if op.thrtimer == Some(due) {
                    op.thrtimer(now, due, out);
                }
            }
        }
    }

    /// The next thing to do.
    pub fn output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// The frames that the ops want, in any order and some of them perhaps twice. They change with [`request`](Self::request).
    pub fn subscriptions(&self) -> impl Iterator<Item = Subscription> + '_ {
        self.rx.iter().map(|RxOp { key, .. }| Subscription {
            ifindex: key.ifindex,
            can_id: key.can_id,
            fd: key.fd,
        })
    }
}
