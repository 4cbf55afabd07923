//! Streams: connections with the segments that TCP might have sent. Both ends may be captured. Then each byte is told of twice, and
//! stands there once ([`direction`](super::direction)).

use super::direction::Direction;
use super::frame::{Flag, Frame, Frames, What, comment};
use sockshim_core::tap::packet::{Head, Kind};
use sockshim_core::tap::reader::Packet;
use std::collections::{BTreeMap, HashMap, VecDeque};
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
    connections: BTreeMap<u64, Connection>,
    closed: VecDeque<u64>,
    count: u64,
    /// Gaps of connections that are not remembered any more.
    gaps: u64,
}

/// A socket that belongs to a connection.
#[derive(Clone, Copy)]
struct Socket {
    connection: u64,
    side: usize,
    /// The process that was seen with it first, and how often that had given descriptors away then.
    pid: i32,
    shares: u32,
    /// Whether it has told that it is connected.
    is_settled: bool,
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
    bytes: [Direction; 2],
    has_ended: [bool; 2],
    /// Whether the direction ends when its last bytes were told.
    ends_later: [bool; 2],
    /// Whether the side receives no more because it has said so.
    is_deaf: [bool; 2],
    first: [u32; 2],
    /// What was told last.
    last: Option<Head>,
}

impl Streams {
    /// Takes a packet of a socket; without `ends` its addresses are not known, which they must be only once.
    pub fn add(&mut self, packet: &Packet, ends: Option<Ends>, out: &mut dyn Frames) {
        let head = &packet.head;
        if head.kind == Kind::Connected && !self.connects(head, ends, out) {
            return;
        }
        let Some(socket) = self.socket(head, ends) else { return };
        if head.kind != Kind::Connected || head.number == 0 {
            self.sockets.insert(head.cookie, Socket { is_settled: true, ..socket });
        }
        let side = socket.side;
        let Some(connection) = self.connections.get_mut(&socket.connection) else { return };
        connection.last = Some(*head);
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
            Kind::Sent => connection.sent(side, &packet.data, &mut to),
            Kind::Received => connection.received(1 - side, &packet.data, &mut to),
            Kind::ShutDown => {
                connection.is_deaf[side] |= head.number != libc::SHUT_WR;
                if head.number != libc::SHUT_RD {
                    connection.end(side, &mut to);
                }
            }
            Kind::Closed => self.close(socket, &mut to),
        }
    }

    /// Whether a connect(2) has made a connection, or may yet. One that was refused is shown at once.
    fn connects(&mut self, head: &Head, ends: Option<Ends>, out: &mut dyn Frames) -> bool {
        let Some(ends) = ends else { return false };
        match head.number {
            0 | libc::EINPROGRESS => {
                // Whoever is connected connects again only after it has let go of the peer.
                if self.sockets.get(&head.cookie).is_some_and(|socket| socket.is_settled) {
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
        let socket = Socket { connection, side, pid: head.pid, shares: head.shares, is_settled: false };
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
            bytes: Default::default(),
            has_ended: [false; 2],
            ends_later: [false; 2],
            is_deaf: [false; 2],
            first: [first, !first],
            last: None,
        };
        self.by_ends.insert(connection.ends, self.count);
        self.connections.insert(self.count, connection);
        self.count
    }

    /// A process closes a socket. That is its end only if no other process can have it.
    fn close(&mut self, socket: Socket, out: &mut Out) {
        let Some(connection) = self.connections.get_mut(&socket.connection) else { return };
        let head = out.head;
        if head.number == 1 && (head.pid, head.shares) == (socket.pid, socket.shares) && connection.is_open {
            connection.end(socket.side, out);
        }
        connection.is_closed[socket.side] = true;
        if connection.is_closed == connection.seen {
            self.closed.push_back(socket.connection);
        }
        if self.closed.len() > CLOSED
            && let Some(oldest) = self.closed.pop_front()
        {
            self.forget(oldest, out.frames);
        }
    }

    /// The connection is over, unless another end has come since.
    fn forget(&mut self, number: u64, out: &mut dyn Frames) {
        if self.connections.get(&number).is_none_or(|connection| connection.is_closed != connection.seen) {
            return;
        }
        let Some(mut connection) = self.connections.remove(&number) else { return };
        connection.end_all(out);
        self.gaps += connection.gaps();
        self.sockets.retain(|_, socket| socket.connection != number);
        if self.by_ends.get(&connection.ends) == Some(&number) {
            self.by_ends.remove(&connection.ends);
        }
    }

    /// Nothing comes any more.
    pub fn end(&mut self, out: &mut dyn Frames) {
        self.connections.values_mut().for_each(|connection| connection.end_all(out));
    }

    /// How many pieces of streams are missing.
    pub fn gaps(&self) -> u64 {
        self.gaps + self.connections.values().map(Connection::gaps).sum::<u64>()
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

    /// The side has sent bytes.
    fn sent(&mut self, side: usize, data: &[u8], out: &mut Out) {
        self.open(out);
        self.tell(side, out, |direction, moved, show| direction.sent(moved, data, show));
    }

    /// The bytes of a direction have been received, or that there are no more.
    fn received(&mut self, direction: usize, data: &[u8], out: &mut Out) {
        let side = 1 - direction;
        if out.head.moved == 0 {
            if !self.is_deaf[side] {
                self.tell(direction, out, |direction, _, show| direction.give_up_all(show));
                self.end(direction, out);
            }
            return;
        }
        self.open(out);
        // An answer comes behind the question, of which nobody else tells.
        let alone = !self.seen[direction];
        if alone {
            self.tell(side, out, |direction, _, show| direction.give_up_all(show));
        }
        self.tell(direction, out, |direction, moved, show| direction.received(moved, data, alone, show));
    }

    /// Segments of what a direction gives out.
    fn tell(
        &mut self,
        direction: usize,
        out: &mut Out,
        tell: impl FnOnce(&mut Direction, u64, &mut dyn FnMut(u64, &[u8])),
    ) {
        let mut bytes = std::mem::take(&mut self.bytes[direction]);
        let other = self.reached(1 - direction);
        tell(&mut bytes, out.head.moved, &mut |from, data| {
            for (piece, data) in data.chunks(LONGEST).enumerate() {
                let seq = self.first[direction].wrapping_add(1).wrapping_add(from as u32);
                let seq = seq.wrapping_add((piece * LONGEST) as u32);
                self.segment(direction, (seq, Some(other)), Flag::None, data, out);
            }
        });
        self.bytes[direction] = bytes;
        if self.ends_later[direction] && !self.bytes[direction].has_hole() {
            self.end(direction, out);
        }
    }

    /// Nothing comes in this direction any more. What is still to be told is told before.
    fn end(&mut self, direction: usize, out: &mut Out) {
        if self.has_ended[direction] {
            return;
        }
        if self.bytes[direction].has_hole() {
            self.ends_later[direction] = true;
            return;
        }
        self.open(out);
        let numbers = (self.reached(direction), Some(self.reached(1 - direction)));
        self.segment(direction, numbers, Flag::Fin, &[], out);
        self.has_ended[direction] = true;
    }

    /// Nobody tells anything any more.
    fn end_all(&mut self, frames: &mut dyn Frames) {
        let Some(head) = self.last else { return };
        let comment = comment(&head);
        let mut out = Out { head: &head, comment: &comment, frames };
        for direction in [0, 1] {
            if self.bytes[direction].has_hole() {
                self.tell(direction, &mut out, |direction, _, show| direction.give_up_all(show));
            }
        }
    }

    fn gaps(&self) -> u64 {
        self.bytes.iter().map(|direction| direction.gaps).sum()
    }

    /// The number of the next byte of a direction.
    fn reached(&self, direction: usize) -> u32 {
        let moved = self.bytes[direction].shown() + u64::from(self.has_ended[direction]);
        self.first[direction].wrapping_add(1).wrapping_add(moved as u32)
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
