//! Messages of AF_NETLINK and their attributes (`include/uapi/linux/netlink.h`).

/// The size of `struct nlmsghdr`.
pub const HEAD: usize = 16;
/// The size of `struct ifinfomsg`.
pub const IFINFOMSG: usize = 16;
/// The size of `struct nlattr`.
const ATTRIBUTE: usize = 4;
const NLA_TYPE_MASK: u16 = 0x3fff;

/// `struct nlmsghdr`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Head {
    pub len: u32,
    pub ty: u16,
    pub flags: u16,
    pub seq: u32,
    pub pid: u32,
}

fn word(bytes: &[u8], at: usize) -> u32 {
    bytes.get(at..at + 4).and_then(|word| word.try_into().ok()).map_or(0, u32::from_ne_bytes)
}

fn half(bytes: &[u8], at: usize) -> u16 {
    bytes.get(at..at + 2).and_then(|half| half.try_into().ok()).map_or(0, u16::from_ne_bytes)
}

impl Head {
    pub fn of_bytes(bytes: &[u8]) -> Head {
        Head {
            len: word(bytes, 0),
            ty: half(bytes, 4),
            flags: half(bytes, 6),
            seq: word(bytes, 8),
            pid: word(bytes, 12),
        }
    }

    pub fn bytes(&self) -> [u8; HEAD] {
        let mut bytes = [0; HEAD];
        bytes[..4].copy_from_slice(&self.len.to_ne_bytes());
        bytes[4..6].copy_from_slice(&self.ty.to_ne_bytes());
        bytes[6..8].copy_from_slice(&self.flags.to_ne_bytes());
        bytes[8..12].copy_from_slice(&self.seq.to_ne_bytes());
        bytes[12..].copy_from_slice(&self.pid.to_ne_bytes());
        bytes
    }
}

/// A number of 32 bits in a message's payload.
pub fn number(payload: &[u8], at: usize) -> u32 {
    word(payload, at)
}

fn align(len: usize) -> usize {
    len.next_multiple_of(4)
}

/// The messages of a datagram, each with its head. It ends where one is longer than what is left.
pub fn messages(bytes: &[u8]) -> impl Iterator<Item = (Head, &[u8])> {
    let mut left = bytes;
    core::iter::from_fn(move || {
        let head = Head::of_bytes(left);
        let len = head.len as usize;
        if left.len() < HEAD || len < HEAD {
            return None;
        }
        let message = left.get(..len)?;
        left = left.get(align(len)..).unwrap_or(&[]);
        Some((head, message))
    })
}

/// The attributes in these bytes: type and value.
pub fn attributes(bytes: &[u8]) -> impl Iterator<Item = (u16, &[u8])> {
    let mut left = bytes;
    core::iter::from_fn(move || {
        let len = usize::from(half(left, 0));
        if left.len() < ATTRIBUTE || len < ATTRIBUTE {
            return None;
        }
        let value = left.get(ATTRIBUTE..len)?;
        let ty = half(left, 2) & NLA_TYPE_MASK;
        left = left.get(align(len)..).unwrap_or(&[]);
        Some((ty, value))
    })
}

/// The value of the attribute of this type.
pub fn attribute(bytes: &[u8], ty: u16) -> Option<&[u8]> {
    attributes(bytes).find_map(|(found, value)| (found == ty).then_some(value))
}

/// A text without the NUL behind it.
pub fn text(value: &[u8]) -> &[u8] {
    value.split(|byte| *byte == 0).next().unwrap_or(value)
}

/// Writes messages one behind the other. What there is no room for is left out, and is noticed by [`Writer::len`].
pub struct Writer<'a> {
    bytes: &'a mut [u8],
    len: usize,
}

impl<'a> Writer<'a> {
    pub fn new(bytes: &'a mut [u8]) -> Writer<'a> {
        Writer { bytes, len: 0 }
    }

    /// How many bytes were written, or would have been.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Bytes, and zeros up to the next multiple of four.
    pub fn put(&mut self, bytes: &[u8]) {
        let end = self.len + bytes.len();
        if let Some(place) = self.bytes.get_mut(self.len..end) {
            place.copy_from_slice(bytes);
        }
        self.len = align(end);
    }

    /// An attribute.
    pub fn attribute(&mut self, ty: u16, value: &[u8]) {
        let mut head = [0; ATTRIBUTE];
        head[..2].copy_from_slice(&((ATTRIBUTE + value.len()) as u16).to_ne_bytes());
        head[2..].copy_from_slice(&ty.to_ne_bytes());
        self.put(&head);
        self.put(value);
    }

    /// Sets the length of the message that began at `start` to what was written since.
    pub fn end(&mut self, start: usize) {
        let len = (self.len - start) as u32;
        if let Some(place) = self.bytes.get_mut(start..start + 4) {
            place.copy_from_slice(&len.to_ne_bytes());
        }
    }
}
