//! Streams: connections with the segments that TCP might have sent. Both ends may be captured. Then each byte is told of twice, and
//! stands there once: what a side has sent and what the other one has received are counted, and only what is beyond the greater
//! count is new.

use super::frame::{Flag, Frame, Frames, What, comment};
use sockshim_core::tap::packet::{Head, Kind};
use sockshim_core::tap::reader::Packet;
use std::collections::{HashMap, VecDeque};
use std::net::SocketAddr;

/// The most bytes of a segment: 65,535 without the headers.
const LONGEST: usize = 65_495;
/// How many connections are remembered that both ends have closed: an end may be accepted when the other is closed already.
const CLOSED: usize = 4096;

/// The addresses of a connection as one end sees them.
#[derive(Clone, Copy, Debug)]
pub struct Ends {
    /// The socket's own.
    pub own: SocketAddr,
    /// The other end's.
    pub peer: SocketAddr,
    /// The other end's cookie, where the addresses do not tell.
    pub other: Option<u64>,
    /// Whether they stand for sockets of AF_UNIX.
    pub is_unix: bool,
}

/// All connections.
#[derive(Default)]
pub struct Streams {
    sockets: HashMap<u64, Socket>,
    by_ends: HashMap<[SocketAddr; 2], u64>,
    connections: HashMap<u64, Connection>,
    closed: VecDeque<u64>,
    count: u64,
}

/// A socket that belongs to a connection.
#[derive(Clone, Copy)]
struct Socket {
    connection: u64,
    side: usize,
    /// The process that was seen with it first, and how often that had forked then.
    pid: i32,
    forks: u32,
    /// That process has closed it, but a child may have it.
    is_left: bool,
}

/// A connection. Side 0 is the one that was seen first; each side has its direction.
struct Connection {
    ends: [SocketAddr; 2],
    is_unix: bool,
    /// Which sides are captured, and which of them are closed.
    seen: [bool; 2],
    is_closed: [bool; 2],
    client: usize,
    has_begun: bool,
    is_open: bool,
    /// How many bytes of each direction its sender has told of, how many its receiver, and how many stand there.
    sent: [u64; 2],
    received: [u64; 2],
    shown: [u64; 2],
    has_ended: [bool; 2],
    /// Whether the direction's sender has told of bytes that it has not shown. From then on its receiver is believed.
    is_received: [bool; 2],
    /// Whether the side receives no more because it has said so.
    is_deaf: [bool; 2],
    first: [u32; 2],
}

impl Streams {
    /// Takes a packet of a socket; without `ends` its addresses are not known, which they must be only once.
    pub fn add(&mut self, packet: &Packet, ends: Option<Ends>, out: &mut dyn Frames) {
        let head = &packet.head;
        if head.kind == Kind::Connected && !self.connects(head, ends, out) {
            return;
        }
        let Some(socket) = self.socket(head, ends) else { return };
        let side = socket.side;
        let Some(connection) = self.connections.get_mut(&socket.connection) else { return };
        let comment = comment(head);
        let mut to = Out { head, comment: &comment, frames: out };
        match head.kind {
            Kind::Connected => {
                connection.client = side;
                connection.begin(&mut to);
                // One that is under way is open when something is moved.
                if head.number == 0 {
                    connection.open(&mut to);
                }
            }
            Kind::Accepted => {
                connection.client = 1 - side;
                connection.open(&mut to);
            }
            // Most pairs only wake somebody, so they are shown when something is moved.
            Kind::Paired => {
                connection.seen = [true; 2];
                self.sockets.insert(head.moved, Socket { side: 1 - side, ..socket });
            }
            Kind::Sent => {
                let from = connection.sent[side];
                connection.sent[side] += head.moved;
                if !connection.is_received[side] {
                    let is_whole = packet.data.len() as u64 == head.moved;
                    connection.is_received[side] = !is_whole && connection.seen[1 - side];
                    connection.bytes(side, from, &packet.data, &mut to);
                }
            }
            Kind::Received if head.moved == 0 => {
                if !connection.is_deaf[side] {
                    connection.end(1 - side, &mut to);
                }
            }
            Kind::Received => {
                let from = connection.received[1 - side];
                connection.received[1 - side] += head.moved;
                connection.bytes(1 - side, from, &packet.data, &mut to);
            }
            Kind::ShutDown => {
                connection.is_deaf[side] |= head.number != libc::SHUT_WR;
                if head.number != libc::SHUT_RD {
                    connection.end(side, &mut to);
                }
            }
            Kind::Closed if self.is_last(head) => self.close(head.cookie, socket, &mut to),
            Kind::Closed => {}
        }
    }

    /// Whether a connect(2) has made a connection, or may yet. One that was refused is shown at once.
    fn connects(&mut self, head: &Head, ends: Option<Ends>, out: &mut dyn Frames) -> bool {
        let Some(ends) = ends else { return false };
        match head.number {
            0 | libc::EINPROGRESS => {
                // A socket may be connected again after that.
                let old =
                    self.sockets.get(&head.cookie).and_then(|old| self.connections.get(&old.connection));
                if old.is_some_and(|old| {
                    old.is_open && old.ends != [ends.own, ends.peer] && old.ends != [ends.peer, ends.own]
                }) {
                    self.sockets.remove(&head.cookie);
                }
                true
            }
            libc::ECONNREFUSED if !ends.is_unix => {
                let comment = comment(head);
                refuse(ends, &mut Out { head, comment: &comment, frames: out });
                false
            }
            _ => false,
        }
    }

    /// The socket, which belongs to a connection from now on.
    fn socket(&mut self, head: &Head, ends: Option<Ends>) -> Option<Socket> {
        if let Some(socket) = self.sockets.get(&head.cookie) {
            return Some(*socket);
        }
        let ends = ends?;
        let joined = match ends.other.and_then(|other| self.sockets.get(&other)) {
            Some(other) => Some((other.connection, 1 - other.side)),
            None => self.by_ends.get(&[ends.peer, ends.own]).map(|connection| (*connection, 1)),
        };
        let free = |(connection, side): &(u64, usize)| {
            self.connections.get(connection).is_some_and(|connection| !connection.seen[*side])
        };
        let (connection, side) = joined.filter(free).unwrap_or_else(|| (self.make(ends), 0));
        self.connections.get_mut(&connection)?.seen[side] = true;
        let socket = Socket { connection, side, pid: head.pid, forks: head.forks, is_left: false };
        self.sockets.insert(head.cookie, socket);
        Some(socket)
    }

    fn make(&mut self, ends: Ends) -> u64 {
        self.count += 1;
        // Any numbers will do, but those of two connections should differ.
        let first = (self.count as u32).wrapping_mul(0x9e37_79b9);
        let connection = Connection {
            ends: [ends.own, ends.peer],
            is_unix: ends.is_unix,
            seen: [false; 2],
            is_closed: [false; 2],
            client: 0,
            has_begun: false,
            is_open: false,
            sent: [0; 2],
            received: [0; 2],
            shown: [0; 2],
            has_ended: [false; 2],
            is_received: [false; 2],
            is_deaf: [false; 2],
            first: [first, !first],
        };
        self.by_ends.insert(connection.ends, self.count);
        self.connections.insert(self.count, connection);
        self.count
    }

    /// Whether a close(2) closes the socket. A child that was forked since may have it, or a parent.
    fn is_last(&mut self, head: &Head) -> bool {
        let Some(socket) = self.sockets.get_mut(&head.cookie) else { return false };
        match () {
            () if head.number != 1 => false,
            () if head.pid != socket.pid => socket.is_left,
            () => {
                socket.is_left = true;
                head.forks == socket.forks
            }
        }
    }

    fn close(&mut self, cookie: u64, socket: Socket, out: &mut Out) {
        self.sockets.remove(&cookie);
        let Some(connection) = self.connections.get_mut(&socket.connection) else { return };
        if connection.is_open {
            connection.end(socket.side, out);
        }
        connection.is_closed[socket.side] = true;
        if connection.is_closed == connection.seen {
            self.closed.push_back(socket.connection);
        }
        if self.closed.len() > CLOSED
            && let Some(oldest) = self.closed.pop_front()
            // Another end may have come since.
            && self.connections.get(&oldest).is_some_and(|oldest| oldest.is_closed == oldest.seen)
            && let Some(connection) = self.connections.remove(&oldest)
            && self.by_ends.get(&connection.ends) == Some(&oldest)
        {
            self.by_ends.remove(&connection.ends);
        }
    }
}

/// Where the segments of a packet go, and what stands with each of them.
struct Out<'a> {
    head: &'a Head,
    comment: &'a str,
    frames: &'a mut dyn Frames,
}

impl Connection {
    /// The first segment of the handshake.
    fn begin(&mut self, out: &mut Out) {
        if !std::mem::replace(&mut self.has_begun, true) {
            self.segment(self.client, (self.first[self.client], None), Flag::Syn, &[], out);
        }
    }

    /// The handshake.
    fn open(&mut self, out: &mut Out) {
        self.begin(out);
        if std::mem::replace(&mut self.is_open, true) {
            return;
        }
        let (client, server) = (self.client, 1 - self.client);
        let [seq, other] = [self.first[client], self.first[server]];
        self.segment(server, (other, Some(seq.wrapping_add(1))), Flag::Syn, &[], out);
        self.segment(client, (seq.wrapping_add(1), Some(other.wrapping_add(1))), Flag::None, &[], out);
    }

    /// Bytes of a direction, from its byte `from` on. The call may have moved more than `data`, which then is a gap, unless the
    /// receiver will tell of them.
    fn bytes(&mut self, direction: usize, from: u64, data: &[u8], out: &mut Out) {
        self.open(out);
        let known = self.shown[direction].saturating_sub(from).min(out.head.moved);
        let new = data.get(known as usize..).unwrap_or_default();
        if known < out.head.moved {
            self.shown[direction] = from + known;
        }
        for piece in new.chunks(LONGEST) {
            let numbers = self.numbers(direction);
            self.segment(direction, numbers, Flag::None, piece, out);
            self.shown[direction] += piece.len() as u64;
        }
        if out.head.kind == Kind::Received || !self.is_received[direction] {
            self.shown[direction] = self.shown[direction].max(from + out.head.moved);
        }
    }

    /// Nothing comes in this direction any more.
    fn end(&mut self, direction: usize, out: &mut Out) {
        if self.has_ended[direction] {
            return;
        }
        self.open(out);
        let numbers = self.numbers(direction);
        self.segment(direction, numbers, Flag::Fin, &[], out);
        self.has_ended[direction] = true;
    }

    /// The number of the next byte of a direction, and the one that the other direction has reached.
    fn numbers(&self, direction: usize) -> (u32, Option<u32>) {
        let [own, other] = [direction, 1 - direction].map(|direction| {
            let moved = self.shown[direction] + u64::from(self.has_ended[direction]);
            self.first[direction].wrapping_add(1).wrapping_add(moved as u32)
        });
        (own, Some(other))
    }

    fn segment(
        &self,
        side: usize,
        (seq, ack): (u32, Option<u32>),
        flag: Flag,
        payload: &[u8],
        out: &mut Out,
    ) {
        out.frames.frame(Frame {
            time: out.head.time,
            is_unix: self.is_unix,
            from: self.ends[side],
            to: self.ends[1 - side],
            what: What::Tcp { seq, ack, flag },
            payload,
            comment: out.comment,
            is_sent: self.seen[side],
        });
    }
}

/// A connection that was refused. The kernel has taken the socket's port back already.
fn refuse(ends: Ends, out: &mut Out) {
    let (time, comment, seq) = (out.head.time, out.comment, out.head.cookie as u32);
    let mut own = ends.own;
    if own.port() == 0 {
        own.set_port(49_152 | out.head.cookie as u16);
    }
    let segment = |from, to, what, is_sent| Frame {
        time,
        is_unix: false,
        from,
        to,
        what,
        payload: &[],
        comment,
        is_sent,
    };
    let reset = What::Tcp { seq: 0, ack: Some(seq.wrapping_add(1)), flag: Flag::Rst };
    out.frames.frame(segment(own, ends.peer, What::Tcp { seq, ack: None, flag: Flag::Syn }, true));
    out.frames.frame(segment(ends.peer, own, reset, false));
}
