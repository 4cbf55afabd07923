//! What is known of a message beside its data: the kernel's `struct j1939_sk_buff_cb`.

use super::uapi::{J1939_NO_ADDR, J1939_NO_NAME, Sockaddr};

/// How a message travels, `enum j1939_transfer_type`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Kind {
    /// In one frame.
    Simple,
    /// In up to 255 packets.
    Tp,
    /// In more.
    Etp,
}

/// The addresses, the PGN and the priority of a message.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Cb {
    pub(super) src_name: u64,
    pub(super) dst_name: u64,
    pub(super) pgn: u32,
    pub(super) sa: u8,
    pub(super) da: u8,
    pub(super) kind: Kind,
    /// The source is a socket of this host.
    pub(super) local_src: bool,
    /// The destination is a socket of this host.
    pub(super) local_dst: bool,
    pub(super) priority: u8,
}

impl Cb {
    /// Whether it is for everybody.
    pub(super) fn is_broadcast(&self) -> bool {
        self.dst_name == J1939_NO_NAME && self.da == J1939_NO_ADDR
    }

    /// The same for an answer.
    pub(super) fn swapped(self) -> Cb {
        Cb {
            src_name: self.dst_name,
            dst_name: self.src_name,
            sa: self.da,
            da: self.sa,
            local_src: self.local_dst,
            local_dst: self.local_src,
            ..self
        }
    }

    /// The source as a socket address.
    pub(super) fn source(&self, ifindex: i32) -> Sockaddr {
        Sockaddr { ifindex, name: self.src_name, pgn: self.pgn, addr: self.sa }
    }

    /// Whether a message with these addresses belongs to the session with this one's: NAMEs count before addresses.
    pub(super) fn matches(&self, other: &Cb) -> bool {
        let source = match self.src_name {
            J1939_NO_NAME => self.sa == other.sa,
            name => name == other.src_name,
        };
        let destination = match self.dst_name {
            J1939_NO_NAME => self.da == other.da,
            name => name == other.dst_name,
        };
        self.kind == other.kind && source && destination
    }
}
