//! A packet of the tap: what a call has moved, or what has become of a connection.

/// The words of a packet before its addresses; the first one is its length.
pub const WORDS: usize = 10;

/// What a packet tells.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Kind {
    /// Bytes were sent.
    Sent = 1,
    /// Bytes were received. None from a stream: the peer sends no more.
    Received,
    /// connect(2): its error is in `number`.
    Connected,
    /// accept(2): the socket is the new one. Over AF_UNIX the process that has connected is in `number`, 0 if it is not known.
    Accepted,
    /// socketpair(2): the cookie of the other socket is in `moved`.
    Paired,
    /// shutdown(2): what is shut is in `number`.
    ShutDown,
    /// close(2), before it: how many descriptors the process has of the socket is in `number`.
    Closed,
}

impl Kind {
    const ALL: [Kind; 7] = [
        Kind::Sent,
        Kind::Received,
        Kind::Connected,
        Kind::Accepted,
        Kind::Paired,
        Kind::ShutDown,
        Kind::Closed,
    ];
}

/// What a packet tells beside its addresses and its data.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Head {
    /// What it tells.
    pub kind: Kind,
    /// CLOCK_REALTIME at the end of the call, in nanoseconds.
    pub time: u64,
    /// The socket's SO_COOKIE.
    pub cookie: u64,
    /// The process.
    pub pid: i32,
    /// The process's name, padded with zeros.
    pub name: [u8; 16],
    /// The descriptor.
    pub fd: i32,
    /// The socket's family, type and protocol.
    pub family: u8,
    /// See `family`.
    pub ty: u8,
    /// See `family`.
    pub protocol: u16,
    /// How many bytes the call has moved. More than the data where it has more than is copied.
    pub moved: u64,
    /// What `kind` says.
    pub number: i32,
    /// How often the process has given descriptors to another one so far: by fork, spawn or SCM_RIGHTS.
    pub shares: u32,
    /// How many bytes the socket's own address has.
    pub local: u8,
    /// The same of the peer's; 0 if it has none, or none that is known.
    pub peer: u8,
    /// How many bytes of data there are.
    pub data: u32,
}

impl Head {
    /// All but the first word.
    pub fn to_words(self) -> [u64; WORDS - 1] {
        let name = u128::from_le_bytes(self.name);
        let lengths = u64::from(self.data) | u64::from(self.local) << 32 | u64::from(self.peer) << 40;
        [
            self.time,
            self.cookie,
            u64::from(self.pid as u32) | u64::from(self.fd as u32) << 32,
            name as u64,
            (name >> 64) as u64,
            u64::from(self.kind as u8)
                | u64::from(self.family) << 8
                | u64::from(self.ty) << 16
                | u64::from(self.protocol) << 32,
            self.moved,
            u64::from(self.number as u32) | u64::from(self.shares) << 32,
            lengths,
        ]
    }

    /// The head of these words; `None` if it is of no known kind.
    pub fn of_words(words: [u64; WORDS - 1]) -> Option<Head> {
        let [time, cookie, ids, low, high, socket, moved, numbers, lengths] = words;
        let [kind, family, ty, ..] = socket.to_le_bytes();
        Some(Head {
            kind: Kind::ALL.into_iter().find(|known| *known as u8 == kind)?,
            time,
            cookie,
            pid: ids as i32,
            name: (u128::from(high) << 64 | u128::from(low)).to_le_bytes(),
            fd: (ids >> 32) as i32,
            family,
            ty,
            protocol: (socket >> 32) as u16,
            moved,
            number: numbers as i32,
            shares: (numbers >> 32) as u32,
            local: (lengths >> 32) as u8,
            peer: (lengths >> 40) as u8,
            data: lengths as u32,
        })
    }
}
