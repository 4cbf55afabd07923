//! CAN frames, in memory as `struct can_frame`, `struct canfd_frame` and `struct canxl_frame` (`include/uapi/linux/can.h`).

/// The size of `struct can_frame`.
pub const CAN_MTU: usize = 16;
/// The size of `struct canfd_frame`.
pub const CANFD_MTU: usize = 72;
/// The size of the largest `struct canxl_frame`.
pub const CANXL_MAX_MTU: usize = CANXL_HEAD + CANXL_MAX_DLEN;
/// The size of the smallest: one byte of data.
pub const CANXL_MIN_MTU: usize = CANXL_HEAD + 1;
/// What stands before the data of a CAN XL frame.
pub const CANXL_HEAD: usize = 12;
/// The most data of a CAN XL frame.
pub const CANXL_MAX_DLEN: usize = 2048;
/// What stands before the data of the other frames.
pub const HEAD: usize = 8;
/// The most data of a classic frame.
pub const CAN_MAX_DLEN: usize = 8;
/// The most data of a CAN FD frame.
pub const CANFD_MAX_DLEN: usize = 64;

/// The identifier has 29 bits.
pub const CAN_EFF_FLAG: u32 = 0x8000_0000;
/// A request for a frame.
pub const CAN_RTR_FLAG: u32 = 0x4000_0000;
/// A message about an error.
pub const CAN_ERR_FLAG: u32 = 0x2000_0000;
/// In a filter: whatever does not match.
pub const CAN_INV_FILTER: u32 = 0x2000_0000;
/// The bits of an identifier of 11 bits.
pub const CAN_SFF_MASK: u32 = 0x7ff;
/// The bits of an identifier of 29 bits.
pub const CAN_EFF_MASK: u32 = 0x1fff_ffff;
/// The bits of an error's classes.
pub const CAN_ERR_MASK: u32 = 0x1fff_ffff;

/// In the flags of a CAN FD frame: faster data.
pub const CANFD_BRS: u8 = 0x01;
/// In the flags of a CAN FD frame: the sender is error passive.
pub const CANFD_ESI: u8 = 0x02;
/// In the flags of a CAN FD frame: it is one.
pub const CANFD_FDF: u8 = 0x04;
/// In the flags of a CAN XL frame, which stand where other frames have their length: it is one.
pub const CANXL_XLF: u8 = 0x80;

/// A classic frame or a CAN FD frame.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Frame {
    /// The identifier with its flags, `can_id`.
    pub id: u32,
    /// How many bytes of data there are.
    pub len: u8,
    /// The flags of CAN FD; in a classic frame the padding at their place.
    pub flags: u8,
    /// The bytes between the flags and the data: padding, and in classic frames `len8_dlc`.
    pub rest: [u8; 2],
    /// The data; what is behind `len` is sent and received, too.
    pub data: [u8; CANFD_MAX_DLEN],
    /// Whether it is a CAN FD frame.
    pub fd: bool,
}

impl Frame {
    /// A classic frame with this data.
    ///
    /// # Panics
    /// With more than eight bytes.
    pub fn classic(id: u32, data: &[u8]) -> Frame {
        assert!(data.len() <= CAN_MAX_DLEN);
        Frame::new(id, data, false)
    }

    /// A CAN FD frame with this data.
    ///
    /// # Panics
    /// With more than 64 bytes.
    pub fn fd(id: u32, flags: u8, data: &[u8]) -> Frame {
        Frame { flags, ..Frame::new(id, data, true) }
    }

    fn new(id: u32, data: &[u8], fd: bool) -> Frame {
        let mut all = [0; CANFD_MAX_DLEN];
        all[..data.len()].copy_from_slice(data);
        Frame { id, len: data.len() as u8, flags: 0, rest: [0; 2], data: all, fd }
    }

    /// The data.
    pub fn data(&self) -> &[u8] {
        &self.data[..usize::from(self.len).min(self.most())]
    }

    /// How many bytes of data there is room for.
    fn most(&self) -> usize {
        if self.fd { CANFD_MAX_DLEN } else { CAN_MAX_DLEN }
    }

    /// The frame in memory: the first element says how much of the array it is.
    pub fn bytes(&self) -> (usize, [u8; CANFD_MTU]) {
        let mut bytes = [0; CANFD_MTU];
        bytes[..4].copy_from_slice(&self.id.to_ne_bytes());
        bytes[4] = self.len;
        bytes[5] = self.flags;
        bytes[6..HEAD].copy_from_slice(&self.rest);
        let most = self.most();
        bytes[HEAD..HEAD + most].copy_from_slice(&self.data[..most]);
        (HEAD + most, bytes)
    }

    /// The frame that these bytes are, by their number; `None` if it is neither kind's, or the length does not fit.
    pub fn of_bytes(bytes: &[u8]) -> Option<Frame> {
        let fd = match bytes.len() {
            CAN_MTU => false,
            CANFD_MTU => true,
            _ => return None,
        };
        let mut frame = Frame::new(u32::from_ne_bytes(bytes[..4].try_into().ok()?), &bytes[HEAD..], fd);
        (frame.len, frame.flags, frame.rest) = (bytes[4], bytes[5], [bytes[6], bytes[7]]);
        (usize::from(frame.len) <= frame.most()).then_some(frame)
    }
}

/// The lengths that a CAN FD frame can have, by its length code.
pub const LENGTHS: [u8; 16] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 12, 16, 20, 24, 32, 48, 64];

/// The shortest length of a CAN FD frame that holds so many bytes; 64 for more than that.
pub fn padded_length(len: usize) -> u8 {
    LENGTHS.into_iter().find(|length| usize::from(*length) >= len).unwrap_or(64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_is_what_its_bytes_are() {
        for frame in [
            Frame::classic(0x123, &[1, 2, 3]),
            Frame::classic(CAN_EFF_FLAG | 0x1abc_def0, &[0; 8]),
            Frame::fd(0x7ff, CANFD_BRS | CANFD_FDF, &[7; 64]),
        ] {
            let (len, bytes) = frame.bytes();
            assert_eq!(len, if frame.fd { CANFD_MTU } else { CAN_MTU });
            assert_eq!(Frame::of_bytes(&bytes[..len]), Some(frame));
        }
        assert_eq!(Frame::of_bytes(&[0; 15]), None);
        let mut long = [0; CAN_MTU];
        long[4] = 9;
        assert_eq!(Frame::of_bytes(&long), None);
    }

    #[test]
    fn lengths_of_can_fd_are_steps() {
        let steps = [(0, 0), (8, 8), (9, 12), (13, 16), (33, 48), (49, 64), (100, 64)];
        for (len, length) in steps {
            assert_eq!(padded_length(len), length);
        }
    }
}
