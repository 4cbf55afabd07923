//! The socket with everything that it has under way.

use std::collections::VecDeque;

use super::Output;
use super::ecu::Claim;
use super::errqueue::SOF_TIMESTAMPING_OPT_ID;
use super::link::Link;
use super::others::Others;
use super::session::{Segment, Session};
use super::socket::Sock;
use super::uapi::*;
use crate::frame::Frame;
use crate::{Errno, Nanos};

/// A CAN_J1939 socket.
#[derive(Clone, Debug)]
pub struct J1939 {
    pub(super) link: Link,
    /// What is under way, `active_session_list`.
    pub(super) active: Vec<Session>,
    /// The active session after which the next of `waiting` has its turn: the first of `sk_session_queue`.
    pub(super) head: Option<u32>,
    /// What waits for it.
    pub(super) waiting: VecDeque<Session>,
    pub(super) others: Others,
    pub(super) last_id: u32,
    pub(super) sk_tskey: u32,
    pub(super) rx_tskey: u32,
}

impl Default for J1939 {
    fn default() -> J1939 {
        J1939::new()
    }
}

impl J1939 {
    /// What socket(2) makes.
    pub fn new() -> J1939 {
        J1939 {
            link: Link::new(),
            active: Vec::new(),
            head: None,
            waiting: VecDeque::new(),
            others: Others::default(),
            last_id: 0,
            sk_tskey: 0,
            rx_tskey: 0,
        }
    }

    /// What is stored of the socket.
    pub fn sock(&self) -> &Sock {
        &self.link.sock
    }

    /// [`Sock::bind`].
    ///
    /// # Errors
    /// Those of [`Sock::bind`].
    pub fn bind(&mut self, address: &[u8], device: Result<(), Errno>) -> Result<(), Errno> {
        let before = self.link.sock.src_name;
        self.link.sock.bind(address, device)?;
        self.link.ecus.put(before);
        self.link.ecus.get(self.link.sock.src_name);
        Ok(())
    }

    /// [`Sock::connect`].
    ///
    /// # Errors
    /// Those of [`Sock::connect`].
    pub fn connect(&mut self, address: &[u8]) -> Result<(), Errno> {
        self.link.sock.connect(address)
    }

    /// [`Sock::setsockopt`].
    ///
    /// # Errors
    /// Those of [`Sock::setsockopt`].
    pub fn setsockopt(
        &mut self,
        name: libc::c_int,
        value: Option<&[u8]>,
        privileged: bool,
    ) -> Result<libc::c_int, Errno> {
        self.link.sock.setsockopt(name, value, privileged)
    }

    /// [`Sock::set_broadcast`].
    pub fn set_broadcast(&mut self, on: bool) {
        self.link.sock.set_broadcast(on);
    }

    /// [`Sock::set_priority`].
    pub fn set_priority(&mut self, sk_priority: u32) {
        self.link.sock.set_priority(sk_priority);
    }

    /// [`Sock::set_timestamping`]. The transfers are counted from 0 again when SOF_TIMESTAMPING_OPT_ID is new among the flags.
    pub fn set_timestamping(&mut self, flags: u32) {
        if flags & !self.link.sock.timestamping() & SOF_TIMESTAMPING_OPT_ID != 0 {
            self.sk_tskey = 0;
        }
        self.link.sock.set_timestamping(flags);
    }

    /// How many sockets with the same address were bound before this one: who answers for it (see the [module](super)).
    pub fn set_rank(&mut self, rank: u32) {
        self.link.rank = rank.into();
    }

    /// Whether another socket of this host has this address.
    pub fn set_neighbour(&mut self, addr: u8, there: bool) {
        self.link.neighbours[usize::from(addr)] = there;
    }

    /// How many packets this socket asks for at once, the kernel's `j1939_tp_block`; 0 is 255.
    pub fn set_block(&mut self, packets: u8) {
        self.link.block = if packets == 0 { 255 } else { packets };
    }

    /// How many more frames the bus takes. What finds no room is tried again, up to a hundred times, after 10 to 25 ms.
    pub fn set_room(&mut self, frames: usize) {
        self.link.room = frames;
    }

    /// Which NAMEs have which addresses.
    pub fn claims(&self) -> impl Iterator<Item = Claim> {
        self.link.ecus.claims()
    }

    /// Believes another engine about a claim from before this socket was there.
    pub fn learn(&mut self, claim: Claim) {
        self.link.ecus.learn(claim);
    }

    /// Sends a message, to `None` as connected; returns its length. [`Sock::check_send`] reads the address.
    ///
    /// # Errors
    /// Those of [`Sock::check_send`]. EDOM: a PGN of the transport protocols. EMSGSIZE: more than 117,440,505 bytes.
    /// EDESTADDRREQ: more than 1785 bytes for everybody. EADDRNOTAVAIL: a NAME without an address. EPROTO, ENODEV: a claim that
    /// is none. EBUSY: another socket has a transfer between these addresses. EIO: see [`send_part`](J1939::send_part).
    pub fn send(&mut self, now: Nanos, to: Option<&Sockaddr>, data: &[u8]) -> Result<usize, Errno> {
        self.send_part(now, to, data.len(), data)
    }

    /// Sends a message of which only the start is there. `size` is what is left of it, as far as its sender can say: in the
    /// first call the whole. Takes pieces of 1785 bytes and returns how much. The next call, with less left, goes on with it,
    /// as a non-blocking socket whose buffer is full makes a program do. Meanwhile [`incomplete`](J1939::incomplete) says how
    /// much is missing; if that becomes `None`, the transfer has failed, and the rest would be a new message.
    ///
    /// # Errors
    /// Those of [`send`](J1939::send). EIO: a message is incomplete, and not by `size`.
    pub fn send_part(
        &mut self,
        now: Nanos,
        to: Option<&Sockaddr>,
        size: usize,
        data: &[u8],
    ) -> Result<usize, Errno> {
        self.link.now = self.link.now.max(now);
        self.link.sock.admit(to)?;
        let usable =
            if data.len() >= size { size } else { data.len() - data.len() % J1939_MAX_TP_PACKET_SIZE };
        if let Some(left) = self.incomplete() {
            if left != size {
                return Err(libc::EIO);
            }
        } else if usable > 0 || size == 0 {
            self.begin(to, size, &data[..usable])?;
        }
        if let Some(session) = self.last_of_queue().filter(|session| !session.is_complete()) {
            for piece in data[..usable].chunks(J1939_MAX_TP_PACKET_SIZE) {
                let offset = session.total_queued_size;
                session.segments.push_back(Segment { offset, data: piece.to_vec() });
                session.total_queued_size += piece.len() as u32;
            }
        }
        self.run();
        Ok(usable)
    }

    /// How much of the last message is still to come, see [`send_part`](J1939::send_part).
    pub fn incomplete(&self) -> Option<usize> {
        let last = self.waiting.back().or_else(|| self.active.iter().find(|s| Some(s.id) == self.head))?;
        (!last.is_complete()).then(|| (last.total_message_size - last.total_queued_size) as usize)
    }

    /// How many messages have been sent and not ended: while there are some, close(2) waits.
    pub fn pending(&self) -> usize {
        self.waiting.len() + self.active.iter().filter(|session| session.transmission).count()
    }

    /// The bytes of the messages that are kept for sending: what counts against SO_SNDBUF.
    pub fn queued(&self) -> usize {
        self.waiting.iter().chain(&self.active).map(Session::queued).sum()
    }

    /// Takes a frame from the bus. What this socket has sent itself may come or not, it is known.
    pub fn receive(&mut self, now: Nanos, frame: &Frame, from_this_socket: bool) {
        self.link.now = self.link.now.max(now);
        if !from_this_socket {
            self.can_recv(frame, None, false);
        }
        self.run();
    }

    /// Does what its time has come for.
    pub fn timer(&mut self, now: Nanos) {
        self.link.now = self.link.now.max(now);
        self.run();
    }

    /// When [`timer`](J1939::timer) is to be called; a call at any other time does no harm.
    pub fn next_timer(&self) -> Option<Nanos> {
        let sessions = self.active.iter().filter_map(Session::next_timer).min();
        [sessions, self.link.ecus.next_timer()].into_iter().flatten().min()
    }

    /// What has come out, in its order; an error stands before everything else.
    pub fn poll(&mut self) -> Option<Output> {
        match self.link.sk_err.take() {
            Some(err) => Some(Output::Error(err)),
            None => self.link.output.pop_front(),
        }
    }

    /// The interface is down: everything under way ends with ENETDOWN, and NAMEs have to be claimed again.
    pub fn down(&mut self) {
        self.cancel_all(libc::ESHUTDOWN, libc::ENETDOWN, false);
        self.link.sk_err = Some(libc::ENETDOWN);
        self.link.ecus.unmap_all();
    }

    /// The program does not wait for what is under way any longer: a close(2) that a signal has interrupted.
    pub fn shutdown(&mut self) {
        self.cancel_all(libc::ESHUTDOWN, libc::ESHUTDOWN, true);
    }
}
