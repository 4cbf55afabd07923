//! A frame of any kind, and how it stands in memory, as in `struct can_frame`, `struct canfd_frame` and `struct canxl_frame`, and
//! in a capture (`LINKTYPE_CAN_SOCKETCAN`).

use sockshim_can_proto::frame::{
    CAN_ERR_FLAG, CAN_MAX_DLEN, CAN_MTU, CAN_RTR_FLAG, CANFD_FDF, CANFD_MAX_DLEN, CANFD_MTU, CANXL_HEAD,
    CANXL_MAX_DLEN, CANXL_XLF, HEAD,
};

/// Which of the three kinds a frame is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// Classic CAN: at most eight bytes.
    Classic {
        /// The length code behind a length of eight, 9 to 15; 0 without one.
        len8_dlc: u8,
    },
    /// CAN FD: at most 64 bytes.
    Fd {
        /// Its flags, such as `CANFD_BRS`.
        flags: u8,
    },
    /// CAN XL: 1 to 2048 bytes. `id` is the priority, with the VCID above it.
    Xl {
        /// Its flags, with `CANXL_XLF`.
        flags: u8,
        /// What the data is, the SDU type.
        sdt: u8,
        /// The acceptance field.
        af: u32,
    },
}

/// A frame.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Frame {
    /// `can_id`, with its flags.
    pub id: u32,
    /// Its kind.
    pub kind: Kind,
    /// Its data. A request has none, but a length.
    pub data: Vec<u8>,
}

/// The bits of the priority in the first word of a CAN XL frame, and where the VCID begins.
pub const PRIORITY: u32 = 0x7ff;
/// Where the VCID begins.
pub const VCID_SHIFT: u32 = 16;

impl Frame {
    /// Whether it is a request.
    pub fn is_request(&self) -> bool {
        matches!(self.kind, Kind::Classic { .. }) && self.id & (CAN_RTR_FLAG | CAN_ERR_FLAG) == CAN_RTR_FLAG
    }

    /// Whether it is a message about an error.
    pub fn is_error(&self) -> bool {
        !matches!(self.kind, Kind::Xl { .. }) && self.id & CAN_ERR_FLAG != 0
    }

    /// As a socket takes it.
    pub fn to_memory(&self) -> Vec<u8> {
        let mut bytes = self.head(u32::to_ne_bytes, u16::to_ne_bytes, u32::to_ne_bytes);
        bytes.extend(&self.data);
        match self.kind {
            Kind::Classic { .. } => bytes.resize(CAN_MTU, 0),
            Kind::Fd { .. } => bytes.resize(CANFD_MTU, 0),
            Kind::Xl { .. } => {}
        }
        bytes
    }

    /// As a capture has it: the first word is big-endian, the others of CAN XL are little-endian.
    pub fn to_capture(&self) -> Vec<u8> {
        let mut bytes = self.head(u32::to_be_bytes, u16::to_le_bytes, u32::to_le_bytes);
        bytes.extend(&self.data);
        if matches!(self.kind, Kind::Fd { .. }) {
            bytes[5] |= CANFD_FDF;
        }
        bytes
    }

    fn head(
        &self,
        id: fn(u32) -> [u8; 4],
        length: fn(u16) -> [u8; 2],
        acceptance: fn(u32) -> [u8; 4],
    ) -> Vec<u8> {
        let mut bytes = id(self.id).to_vec();
        let len = self.data.len();
        match self.kind {
            Kind::Classic { len8_dlc } => bytes.extend([len as u8, 0, 0, len8_dlc]),
            Kind::Fd { flags } => bytes.extend([len as u8, flags, 0, 0]),
            Kind::Xl { flags, sdt, af } => {
                bytes.extend([flags | CANXL_XLF, sdt]);
                bytes.extend(length(len as u16));
                bytes.extend(acceptance(af));
            }
        }
        bytes
    }

    /// What a socket gave; `None` if it is no frame.
    pub fn of_memory(bytes: &[u8]) -> Option<Frame> {
        if is_xl(bytes) {
            return Frame::of_xl(bytes, u32::from_ne_bytes, u16::from_ne_bytes, u32::from_ne_bytes);
        }
        let is_fd = match bytes.len() {
            CAN_MTU => false,
            CANFD_MTU => true,
            _ => return None,
        };
        Frame::of_head(bytes, u32::from_ne_bytes, is_fd)
    }

    /// What a capture has; `None` if it is no frame, or cut off. Who does not know of `CANFD_FDF` tells CAN FD by the length.
    pub fn of_capture(bytes: &[u8]) -> Option<Frame> {
        if is_xl(bytes) {
            return Frame::of_xl(bytes, u32::from_be_bytes, u16::from_le_bytes, u32::from_le_bytes);
        }
        let head = bytes.first_chunk::<HEAD>()?;
        let is_long = bytes.len() == CANFD_MTU || usize::from(head[4]) > CAN_MAX_DLEN;
        Frame::of_head(bytes, u32::from_be_bytes, is_long || head[5] & CANFD_FDF != 0)
    }

    fn of_head(bytes: &[u8], id: fn([u8; 4]) -> u32, is_fd: bool) -> Option<Frame> {
        let (head, rest) = bytes.split_first_chunk::<HEAD>()?;
        let len = usize::from(head[4]);
        if len > if is_fd { CANFD_MAX_DLEN } else { CAN_MAX_DLEN } {
            return None;
        }
        let len8_dlc = if len == CAN_MAX_DLEN && (9..=15).contains(&head[7]) { head[7] } else { 0 };
        let kind = if is_fd { Kind::Fd { flags: head[5] } } else { Kind::Classic { len8_dlc } };
        let mut frame = Frame { id: id(*bytes.first_chunk()?), kind, data: Vec::new() };
        // A request's data is not there, whatever the bytes say, so a capture may end before it.
        frame.data = if frame.is_request() { vec![0; len] } else { rest.get(..len)?.to_vec() };
        Some(frame)
    }

    fn of_xl(
        bytes: &[u8],
        id: fn([u8; 4]) -> u32,
        length: fn([u8; 2]) -> u16,
        acceptance: fn([u8; 4]) -> u32,
    ) -> Option<Frame> {
        let (head, rest) = bytes.split_first_chunk::<CANXL_HEAD>()?;
        let len = usize::from(length([head[6], head[7]]));
        let af = acceptance([head[8], head[9], head[10], head[11]]);
        let kind = Kind::Xl { flags: head[4], sdt: head[5], af };
        let data = rest.get(..len)?.to_vec();
        (1..=CANXL_MAX_DLEN).contains(&len).then_some(Frame { id: id(*bytes.first_chunk()?), kind, data })
    }
}

/// The flag stands where other frames have their length.
fn is_xl(bytes: &[u8]) -> bool {
    bytes.get(4).is_some_and(|flags| flags & CANXL_XLF != 0)
}

#[cfg(test)]
pub mod tests {
    use super::*;
    use proptest::collection::vec;
    use proptest::prelude::*;
    use sockshim_can_proto::frame::{CAN_EFF_FLAG, LENGTHS};

    /// Frames as a socket gives them.
    pub fn any_frame() -> impl Strategy<Value = Frame> {
        let id = prop_oneof![0..0x800u32, (0..0x2000_0000u32).prop_map(|id| id | CAN_EFF_FLAG),];
        let classic = (id.clone(), vec(any::<u8>(), 0..=8), 9..=16u8).prop_map(|(id, data, dlc)| {
            let len8_dlc = if data.len() == 8 && dlc < 16 { dlc } else { 0 };
            Frame { id, kind: Kind::Classic { len8_dlc }, data }
        });
        let request = (id.clone(), 0..=8usize).prop_map(|(id, len)| Frame {
            id: id | CAN_RTR_FLAG,
            kind: Kind::Classic { len8_dlc: 0 },
            data: vec![0; len],
        });
        let error = (0..0x2000_0000u32, vec(any::<u8>(), 0..=8)).prop_map(|(class, data)| Frame {
            id: class | CAN_ERR_FLAG,
            kind: Kind::Classic { len8_dlc: 0 },
            data,
        });
        let fd = (id, 0..16usize, vec(any::<u8>(), 64), 0..16u8).prop_map(|(id, len, mut data, flags)| {
            data.truncate(LENGTHS[len].into());
            Frame { id, kind: Kind::Fd { flags: flags | CANFD_FDF }, data }
        });
        let xl =
            (0..0x800u32, any::<u8>(), any::<u8>(), any::<u8>(), any::<u32>(), vec(any::<u8>(), 1..=2048))
                .prop_map(|(priority, vcid, flags, sdt, af, data)| Frame {
                    id: priority | u32::from(vcid) << VCID_SHIFT,
                    kind: Kind::Xl { flags: flags | CANXL_XLF, sdt, af },
                    data,
                });
        prop_oneof![classic, request, error, fd, xl]
    }

    proptest! {
        #[test]
        fn a_frame_is_what_its_bytes_are(frame in any_frame()) {
            prop_assert_eq!(Frame::of_memory(&frame.to_memory()), Some(frame.clone()));
            prop_assert_eq!(Frame::of_capture(&frame.to_capture()), Some(frame));
        }

        #[test]
        fn any_bytes_are_a_frame_or_none(bytes in vec(any::<u8>(), 0..2100)) {
            for frame in [Frame::of_memory(&bytes), Frame::of_capture(&bytes)].into_iter().flatten() {
                prop_assert!(frame.data.len() <= 2048);
            }
        }

        #[test]
        fn what_is_cut_off_is_none(frame in any_frame(), cut in 1..8usize) {
            let bytes = frame.to_capture();
            if !frame.data.is_empty() && !frame.is_request() {
                prop_assert_eq!(Frame::of_capture(&bytes[..bytes.len() - cut.min(frame.data.len())]), None);
            }
        }
    }

    #[test]
    fn a_capture_has_its_own_byte_order() {
        let classic = Frame { id: 0x123, kind: Kind::Classic { len8_dlc: 0 }, data: vec![7, 8] };
        assert_eq!(classic.to_capture(), [0, 0, 1, 0x23, 2, 0, 0, 0, 7, 8]);
        let xl =
            Frame { id: 0x45_0123, kind: Kind::Xl { flags: 0x81, sdt: 3, af: 0x1234_5678 }, data: vec![9] };
        assert_eq!(xl.to_capture(), [0, 0x45, 1, 0x23, 0x81, 3, 1, 0, 0x78, 0x56, 0x34, 0x12, 9]);
        // As libpcap writes it: padded, and without the flag of CAN FD from old versions.
        let mut padded = classic.to_capture();
        padded.resize(CAN_MTU, 0);
        assert_eq!(Frame::of_capture(&padded), Some(classic));
        padded.resize(CANFD_MTU, 0);
        assert_eq!(Frame::of_capture(&padded).map(|frame| frame.kind), Some(Kind::Fd { flags: 0 }));
    }
}
