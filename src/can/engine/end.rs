//! The engine's end of the pair.
//!
//! # Safety
//! Descriptor 3 is ours from the start.

use std::io::{IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, FromRawFd, OwnedFd};

use rustix::io::Errno;
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendFlags, recvmsg, sendmsg,
};
use sockshim_can_bus::pair::{HEAD, MOST, Message, Request, answer};
use sockshim_sys as sys;

/// Where the module has put it.
const END: i32 = 3;

/// The end, and the buffer in which the last message of the program is.
pub struct End {
    fd: OwnedFd,
    buffer: Vec<u8>,
    /// An error for which there was no room yet: it is told once there is.
    error: Option<i32>,
}

/// A message of the program.
pub struct Taken {
    /// Its head; none before a PDU of CAN_ISOTP.
    pub request: Option<Request>,
    /// The length of the whole.
    pub len: usize,
    /// Who waits for the answer.
    pub asker: Asker,
}

/// The call that waits for an answer, if it does.
#[derive(Default)]
pub struct Asker(Option<OwnedFd>);

impl Asker {
    /// Answers; with an error nothing follows.
    pub fn answer(self, result: Result<usize, i32>, rest: &[u8]) {
        let Some(fd) = self.0 else { return };
        let answer = answer(result);
        let parts = [IoSlice::new(&answer), IoSlice::new(rest)];
        // A call that does not wait any more hears nothing.
        let _ = sendmsg(&fd, &parts, &mut SendAncillaryBuffer::default(), SendFlags::NOSIGNAL);
    }

    /// Whether anybody waits.
    pub fn is_there(&self) -> bool {
        self.0.is_some()
    }

    /// What hangs up when the call is interrupted.
    pub fn fd(&self) -> Option<BorrowedFd<'_>> {
        self.0.as_ref().map(AsFd::as_fd)
    }
}

impl End {
    /// The end that this process has from the start.
    pub fn inherited() -> Result<End, i32> {
        sys::getsockopt_cookie(END)?;
        // SAFETY: it is a socket, and nothing else here knows of it.
        let fd = unsafe { OwnedFd::from_raw_fd(END) };
        // What the program starts is not meant to have it, but nothing is started here.
        let _ = rustix::io::fcntl_setfd(&fd, rustix::io::FdFlags::CLOEXEC);
        Ok(End { fd, buffer: vec![0; HEAD + MOST], error: None })
    }

    /// The program's next message; `None` if the program's end is closed. With `peek` it stays where it is. EAGAIN if there is
    /// none yet.
    pub fn next(&mut self, peek: bool) -> Result<Option<Taken>, i32> {
        let mut flags = RecvFlags::CMSG_CLOEXEC | RecvFlags::DONTWAIT;
        if peek {
            flags |= RecvFlags::PEEK;
        }
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
        let mut control = RecvAncillaryBuffer::new(&mut space);
        let len = loop {
            match recvmsg(&self.fd, &mut [IoSliceMut::new(&mut self.buffer)], &mut control, flags) {
                Ok(got) => break got.bytes,
                // Told once of a program that has left messages unread.
                Err(Errno::INTR | Errno::CONNRESET) => {}
                Err(errno) => return Err(errno.raw_os_error()),
            }
        };
        let mut asker = Asker::default();
        for message in control.drain() {
            if let RecvAncillaryMessage::ScmRights(mut fds) = message {
                asker = Asker(fds.next());
            }
        }
        if len == 0 {
            return Ok(None);
        }
        let request = self.buffer.first_chunk().and_then(Request::of_bytes);
        Ok(Some(Taken { request, len, asker }))
    }

    /// Takes a message away that was looked at.
    pub fn take(&mut self) {
        let _ = rustix::net::recv(&self.fd, &mut [0u8; 1][..], RecvFlags::DONTWAIT);
    }

    /// What stands behind the head of the last message, which has this length.
    pub fn data(&self, len: usize) -> &[u8] {
        self.buffer.get(HEAD..len).unwrap_or_default()
    }

    /// The last message without a head: the PDU behind its padding.
    pub fn pdu(&self, len: usize) -> Option<&[u8]> {
        let bytes = self.buffer.get(..len)?;
        let begin = bytes.iter().position(|byte| *byte != 0)?;
        bytes.get(begin + 1..).filter(|_| bytes[begin] == 1)
    }

    /// A message for the program. As in the kernel, one for which there is no room is lost.
    pub fn deliver(&self, head: &Message, data: &[u8]) -> bool {
        let head = head.bytes();
        let parts = [IoSlice::new(&head), IoSlice::new(data)];
        let flags = SendFlags::DONTWAIT | SendFlags::NOSIGNAL;
        sendmsg(&self.fd, &parts, &mut SendAncillaryBuffer::default(), flags).is_ok()
    }

    /// `sk_err`.
    pub fn report(&mut self, errno: i32) {
        self.error = Some(errno);
        self.retry();
    }

    /// Tells the error for which there was no room.
    pub fn retry(&mut self) {
        if let Some(errno) = self.error
            && self.deliver(&Message { errno, ..Message::default() }, &[])
        {
            self.error = None;
        }
    }

    /// Whether there is one.
    pub fn owes(&self) -> bool {
        self.error.is_some()
    }

    /// To wait for.
    pub fn fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

/// `struct sockaddr_can` with an interface and no more: its first eight bytes.
pub fn name(ifindex: i32) -> [u8; sockshim_can_bus::pair::NAME] {
    let mut name = [0; sockshim_can_bus::pair::NAME];
    name[..2].copy_from_slice(&(libc::AF_CAN as u16).to_ne_bytes());
    name[4..8].copy_from_slice(&ifindex.to_ne_bytes());
    name
}

/// CLOCK_REALTIME when CLOCK_MONOTONIC was this.
pub fn real(stamp: u64) -> u64 {
    sys::realtime().saturating_sub(sys::monotonic().saturating_sub(stamp))
}
