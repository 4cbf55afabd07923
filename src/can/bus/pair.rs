//! What a socket's two ends say to each other: the program's, which is the descriptor, and that of its engine, a process that
//! runs the socket's protocol.
//!
//! A [`Request`] stands before what the program sends. It comes with a socket for the answer, if there is to be one: the
//! [result](answer), and what follows it. A [`Message`] stands before what the program receives. Both have the same length, and
//! are of one machine and one build.
//!
//! A PDU of CAN_ISOTP comes without a request, see [`PDU`].

/// The length of both heads.
pub const HEAD: usize = 64;
/// The longest address, `struct sockaddr_can`.
pub const NAME: usize = 24;
/// The length of an answer before what follows it: 0 or more, or a negative errno.
pub const ANSWER: usize = 8;
/// The most data of one message, in either direction; a socket has room for as much by default.
pub const MOST: usize = 64 * 7 * 255;

/// The length of a message with a PDU of CAN_ISOTP: zeros, a one, and the PDU, so no head but only the beginning differs with
/// its length. All have the same length, so that one of them fills the program's end until it is taken.
pub const PDU: usize = 9152;
/// SO_SNDBUF of the program's end of CAN_ISOTP, of which the kernel makes twice as much: a message of [`PDU`] bytes fits, and
/// with what the kernel counts beside it, it is all that fits.
pub const PDU_SNDBUF: u32 = 4608;

/// What a request is about. None is 0 or 1, with which a PDU begins.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Op {
    /// The first: `a` is the protocol, the data the directory of the bus.
    Hello,
    /// bind(2).
    Bind,
    /// connect(2).
    Connect,
    /// getsockname(2). The answer is followed by the address.
    Getsockname,
    /// getpeername(2). The answer is followed by the address.
    Getpeername,
    /// setsockopt(2): `a` is the level, `b` the name, the data the value.
    Setsockopt,
    /// getsockopt(2): `a` is the level, `b` the name, `size` the room. The answer is followed by the value.
    Getsockopt,
    /// sendmsg(2): `size` is what is left of the message, of which the data is the beginning.
    Send,
    /// recvmsg(2) with MSG_ERRQUEUE. The answer is followed by a [`ReportHead`] and the data.
    Errqueue,
    /// A piece of a message that was too long: `size` is where it begins, `a` its number, `b` the length. The answer is followed
    /// by it. Nothing is asked for what is behind the last piece: with a length of 0 the message is forgotten.
    Fetch,
}

const OPS: [Op; 10] = [
    Op::Hello,
    Op::Bind,
    Op::Connect,
    Op::Getsockname,
    Op::Getpeername,
    Op::Setsockopt,
    Op::Getsockopt,
    Op::Send,
    Op::Errqueue,
    Op::Fetch,
];

/// The number of the first of them.
const FIRST_OP: u32 = 2;

/// In the flags of a request: the call does not wait.
pub const DONTWAIT: u32 = 1;
/// In the flags of a request: the program has CAP_NET_ADMIN.
pub const PRIVILEGED: u32 = 2;
/// In the flags of a request: the program has passed a null pointer.
pub const NULL: u32 = 4;

/// What stands before what the program sends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Request {
    /// What it is about.
    pub op: Op,
    /// A number, by the op.
    pub a: i32,
    /// Another.
    pub b: i32,
    /// Flags.
    pub flags: u32,
    /// A length, by the op.
    pub size: u64,
    /// The length of the address; a longer one is cut.
    pub name_len: usize,
    /// The address.
    pub name: [u8; NAME],
}

impl Request {
    /// A request without arguments.
    pub const fn new(op: Op) -> Request {
        Request { op, a: 0, b: 0, flags: 0, size: 0, name_len: 0, name: [0; NAME] }
    }

    /// With an address.
    #[must_use]
    pub fn to(mut self, name: &[u8]) -> Request {
        self.name_len = name.len().min(NAME);
        self.name[..self.name_len].copy_from_slice(&name[..self.name_len]);
        self
    }

    /// The address.
    pub fn name(&self) -> &[u8] {
        &self.name[..self.name_len]
    }

    /// As it is sent.
    pub fn bytes(&self) -> [u8; HEAD] {
        let mut bytes = [0; HEAD];
        let place = OPS.iter().position(|op| *op == self.op).unwrap_or(0) as u32;
        let words =
            [FIRST_OP + place, self.a as u32, self.b as u32, self.flags, 0, 0, self.name_len as u32, 0];
        put(&mut bytes, &words);
        bytes[16..24].copy_from_slice(&self.size.to_ne_bytes());
        bytes[32..32 + NAME].copy_from_slice(&self.name);
        bytes
    }

    /// The request that was received.
    pub fn of_bytes(bytes: &[u8; HEAD]) -> Option<Request> {
        let op = *OPS.get(word(bytes, 0).checked_sub(FIRST_OP)? as usize)?;
        let mut name = [0; NAME];
        name.copy_from_slice(&bytes[32..32 + NAME]);
        Some(Request {
            op,
            a: word(bytes, 4) as i32,
            b: word(bytes, 8) as i32,
            flags: word(bytes, 12),
            size: long(bytes, 16),
            name_len: (word(bytes, 24) as usize).min(NAME),
            name,
        })
    }
}

/// In the control messages of a [`Message`]: there is one with the destination's address.
pub const DEST_ADDR: u8 = 1;
/// The same with its NAME.
pub const DEST_NAME: u8 = 2;
/// The same with the priority.
pub const PRIO: u8 = 4;

/// What stands before the data of the error queue.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ReportHead {
    /// `struct sock_extended_err`.
    pub error: [u8; 16],
    /// When it came, in ns of CLOCK_REALTIME; 0 if the program does not want to know.
    pub stamp: u64,
}

impl ReportHead {
    /// The length.
    pub const LEN: usize = 24;

    /// As it is sent.
    pub fn bytes(&self) -> [u8; Self::LEN] {
        let mut bytes = [0; Self::LEN];
        bytes[..16].copy_from_slice(&self.error);
        bytes[16..].copy_from_slice(&self.stamp.to_ne_bytes());
        bytes
    }

    /// The head that was received.
    pub fn of_bytes(bytes: &[u8; Self::LEN]) -> ReportHead {
        let (mut error, mut stamp) = ([0; 16], [0; 8]);
        error.copy_from_slice(&bytes[..16]);
        stamp.copy_from_slice(&bytes[16..]);
        ReportHead { error, stamp: u64::from_ne_bytes(stamp) }
    }
}

/// What stands before what the program receives.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Message {
    /// If it is not 0, this is no message but an error, `sk_err`.
    pub errno: i32,
    /// MSG_DONTROUTE and MSG_CONFIRM.
    pub msg_flags: i32,
    /// The length of the address.
    pub name_len: usize,
    /// The address.
    pub name: [u8; NAME],
    /// When it came, in ns of CLOCK_REALTIME.
    pub stamp: u64,
    /// Which of the following there are.
    pub cmsgs: u8,
    /// `SCM_J1939_DEST_ADDR`.
    pub dest_addr: u8,
    /// `SCM_J1939_DEST_NAME`.
    pub dest_name: u64,
    /// `SCM_J1939_PRIO`.
    pub prio: u8,
    /// The number and the length of a message that does not follow, because it is too long: [`Op::Fetch`]. 0 if it follows.
    pub far: (u32, u32),
}

impl Message {
    /// As it is sent.
    pub fn bytes(&self) -> [u8; HEAD] {
        let mut bytes = [0; HEAD];
        put(&mut bytes, &[self.errno as u32, self.msg_flags as u32, self.name_len as u32]);
        (bytes[12], bytes[13], bytes[14]) = (self.cmsgs, self.dest_addr, self.prio);
        bytes[16..16 + NAME].copy_from_slice(&self.name);
        bytes[40..48].copy_from_slice(&self.stamp.to_ne_bytes());
        bytes[48..56].copy_from_slice(&self.dest_name.to_ne_bytes());
        bytes[56..60].copy_from_slice(&self.far.0.to_ne_bytes());
        bytes[60..].copy_from_slice(&self.far.1.to_ne_bytes());
        bytes
    }

    /// The head that was received.
    pub fn of_bytes(bytes: &[u8; HEAD]) -> Message {
        let mut name = [0; NAME];
        name.copy_from_slice(&bytes[16..16 + NAME]);
        Message {
            errno: word(bytes, 0) as i32,
            msg_flags: word(bytes, 4) as i32,
            name_len: (word(bytes, 8) as usize).min(NAME),
            name,
            stamp: long(bytes, 40),
            cmsgs: bytes[12],
            dest_addr: bytes[13],
            dest_name: long(bytes, 48),
            prio: bytes[14],
            far: (word(bytes, 56), word(bytes, 60)),
        }
    }
}

/// The result in an answer.
pub fn answer(result: Result<usize, i32>) -> [u8; ANSWER] {
    result.map_or_else(|errno| -i64::from(errno), |count| count as i64).to_ne_bytes()
}

fn put(bytes: &mut [u8; HEAD], words: &[u32]) {
    for (place, word) in bytes.chunks_exact_mut(4).zip(words) {
        place.copy_from_slice(&word.to_ne_bytes());
    }
}

fn word(bytes: &[u8; HEAD], at: usize) -> u32 {
    u32::from_ne_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

fn long(bytes: &[u8; HEAD], at: usize) -> u64 {
    let mut long = [0; 8];
    long.copy_from_slice(&bytes[at..at + 8]);
    u64::from_ne_bytes(long)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_is_what_its_bytes_are() {
        for op in OPS {
            let request = Request { a: -1, b: 7, flags: NULL, size: 1 << 40, ..Request::new(op) };
            let request = request.to(&[1, 2, 3]);
            assert_eq!(Request::of_bytes(&request.bytes()), Some(request));
            assert!(request.bytes()[0] > 1);
        }
        assert_eq!(Request::of_bytes(&[0; HEAD]), None);
        let message = Message {
            errno: libc::ECOMM,
            msg_flags: libc::MSG_CONFIRM,
            name_len: 8,
            name: [9; NAME],
            stamp: 1 << 60,
            cmsgs: DEST_ADDR | PRIO,
            dest_addr: 3,
            dest_name: 1 << 50,
            prio: 6,
            far: (1, 2),
        };
        let report = ReportHead { error: [3; 16], stamp: 1 << 33 };
        assert_eq!(ReportHead::of_bytes(&report.bytes()), report);
        assert_eq!(Message::of_bytes(&message.bytes()), message);
    }
}
