//! What `bcm_sendmsg` refuses before it looks at any op: who only sends the request to an engine can ask this alone.

use libc::{EFAULT, EINVAL, ENODEV};

use super::head::*;
use crate::Errno;

/// A request whose head is a good one.
pub(super) struct Request<'a> {
    /// The head; for `RX_SETUP` with what the kernel makes of flags that contradict the number of frames.
    pub(super) head: BcmMsgHead,
    /// What stands behind it.
    rest: &'a [u8],
}

/// Whether a request could be a good one on an interface, the one that the socket is connected to or, if that is 0, the one
/// of the call's address; and what sendmsg returns if the rest of it is, too.
///
/// The caller has refused a socket that is not connected (ENOTCONN) and an address that is none (EINVAL), or of no CAN
/// interface (ENODEV).
///
/// # Errors
/// EINVAL for a message that is shorter than a head, or is not followed by whole frames; for an unknown opcode, a number of
/// frames that does not fit to it, and times that are none. ENODEV if nothing says where frames are to be sent.
///
/// What [`Bcm::request`](super::Bcm::request) alone knows: E2BIG, EINVAL for ops that do not exist, and what only follows after
/// these: EFAULT for fewer frames than the head says, EINVAL for a frame's length.
pub fn check(ifindex: i32, bytes: &[u8]) -> Result<usize, Errno> {
    Request::parse(ifindex, bytes).map(|request| request.returned())
}

impl Request<'_> {
    /// See [`check`].
    pub(super) fn parse(ifindex: i32, bytes: &[u8]) -> Result<Request<'_>, Errno> {
        let mut head = BcmMsgHead::of_bytes(bytes).ok_or(EINVAL)?;
        let rest = &bytes[MHSIZ..];
        if !rest.len().is_multiple_of(head.cfsiz()) {
            return Err(EINVAL);
        }
        match head.opcode {
            TX_SETUP => check_tx_setup(ifindex, &head)?,
            RX_SETUP => {
                if head.flags & RX_FILTER_ID != 0 || head.nframes == 0 {
                    head.flags |= RX_FILTER_ID;
                    head.nframes = 0;
                }
                check_rx_setup(&head)?;
            }
            TX_SEND if head.nframes != 1 || rest.len() != head.cfsiz() => return Err(EINVAL),
            TX_SEND if ifindex == 0 => return Err(ENODEV),
            TX_SEND if Slot::of_bytes(rest).frame(head.fd()).is_none() => return Err(EINVAL),
            TX_SEND | TX_DELETE | TX_READ | RX_DELETE | RX_READ => {}
            _ => return Err(EINVAL),
        }
        Ok(Request { head, rest })
    }

    /// The return value of sendmsg: what has been read of the message.
    pub(super) fn returned(&self) -> usize {
        let frames = match self.head.opcode {
            TX_SETUP | RX_SETUP | TX_SEND => self.head.nframes as usize,
            _ => 0,
        };
        MHSIZ + frames * self.head.cfsiz()
    }

    /// The frames.
    ///
    /// # Errors
    /// EFAULT if there are fewer than the head says. With `sent`, EINVAL for the first whose length is none.
    pub(super) fn frames(&self, sent: bool) -> Result<Vec<Slot>, Errno> {
        let mut chunks = self.rest.chunks_exact(self.head.cfsiz());
        let mut frames = Vec::new();
        for _ in 0..self.head.nframes {
            let frame = Slot::of_bytes(chunks.next().ok_or(EFAULT)?);
            if sent && frame.frame(self.head.fd()).is_none() {
                return Err(EINVAL);
            }
            frames.push(frame);
        }
        Ok(frames)
    }
}

fn check_tx_setup(ifindex: i32, head: &BcmMsgHead) -> Result<(), Errno> {
    match head.nframes {
        _ if ifindex == 0 => Err(ENODEV),
        1..=MAX_NFRAMES if has_times(head) => Ok(()),
        _ => Err(EINVAL),
    }
}

fn check_rx_setup(head: &BcmMsgHead) -> Result<(), Errno> {
    // A request is answered with one frame, and is one.
    let answers = head.flags & RX_RTR_FRAME != 0;
    let request = head.nframes == 1 && head.can_id & crate::frame::CAN_RTR_FLAG != 0;
    // The first frame of a multiplex filter is the mask.
    if head.nframes > MAX_NFRAMES + 1 || answers && !request || !has_times(head) {
        return Err(EINVAL);
    }
    Ok(())
}

/// Whether the times are some, if they are to be set.
fn has_times(head: &BcmMsgHead) -> bool {
    head.flags & SETTIMER == 0 || head.ival1.is_valid() && head.ival2.is_valid()
}
