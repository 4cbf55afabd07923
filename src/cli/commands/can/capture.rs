//! Captures: pcapng files with the frames as Wireshark reads them (LINKTYPE_CAN_SOCKETCAN), and pcap files of the same.
//!
//! A frame stands there as in memory, but for the byte order: the identifier has the most significant byte first, and of CAN XL the
//! length and the acceptance field have the least significant byte first. A CAN FD frame is one by the bit CANFD_FDF.

use super::log::Record;
use pcap_file::pcap::PcapReader;
use pcap_file::pcapng::blocks::enhanced_packet::EnhancedPacketBlock;
use pcap_file::pcapng::blocks::interface_description::{
    InterfaceDescriptionBlock, InterfaceDescriptionOption,
};
use pcap_file::pcapng::blocks::section_header::{SectionHeaderBlock, SectionHeaderOption};
use pcap_file::pcapng::{Block, PcapNgBlock, PcapNgReader, PcapNgWriter};
use pcap_file::{DataLink, PcapError};
use sockshim_can_proto::frame::{CAN_MTU, CANFD_FDF, CANFD_MTU, CANXL_HEAD, CANXL_XLF, HEAD};
use sockshim_can_proto::text::{self, Kind};
use std::borrow::Cow;
use std::io::{self, BufWriter, Read, Write};
use std::time::Duration;

/// `LINKTYPE_CAN_SOCKETCAN`.
const LINKTYPE: DataLink = DataLink::CAN_SOCKETCAN;
/// Time stamps are in units of ten to the power of minus this: nanoseconds.
const RESOLUTION: u8 = 9;

/// A pcapng file that is written.
pub struct Writer {
    writer: PcapNgWriter<Flushed>,
    interfaces: Vec<String>,
}

/// A buffered writer that another one owns, and that is to be flushed nevertheless.
struct Flushed(BufWriter<Box<dyn Write>>);

impl Write for Flushed {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

fn of_file(error: PcapError) -> io::Error {
    match error {
        PcapError::IoError(error) => error,
        error => io::Error::other(error),
    }
}

impl Writer {
    /// Writes the head of a file.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn new(out: Box<dyn Write>) -> io::Result<Writer> {
        let application = format!("sockshim {}", env!("CARGO_PKG_VERSION"));
        let section = SectionHeaderBlock {
            options: vec![SectionHeaderOption::UserApplication(Cow::Owned(application))],
            ..SectionHeaderBlock::default()
        };
        let writer =
            PcapNgWriter::with_section_header(Flushed(BufWriter::new(out)), section).map_err(of_file)?;
        let mut writer = Writer { writer, interfaces: Vec::new() };
        writer.flush()?;
        Ok(writer)
    }

    /// Writes a frame. What is none is left out.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn write(&mut self, time: Duration, interface: &str, bytes: &[u8]) -> io::Result<()> {
        let Some(packet) = packet(bytes) else { return Ok(()) };
        let number = match self.interfaces.iter().position(|known| known == interface) {
            Some(number) => number,
            None => self.add(interface)?,
        };
        let block = EnhancedPacketBlock {
            interface_id: number as u32,
            timestamp: time,
            original_len: packet.len() as u32,
            data: Cow::Owned(packet),
            options: Vec::new(),
        };
        self.writer.write_block(&block.into_block()).map(|_| ()).map_err(of_file)
    }

    fn add(&mut self, interface: &str) -> io::Result<usize> {
        let block = InterfaceDescriptionBlock {
            linktype: LINKTYPE,
            snaplen: 0,
            options: vec![
                InterfaceDescriptionOption::IfName(Cow::Borrowed(interface)),
                InterfaceDescriptionOption::IfTsResol(RESOLUTION),
            ],
        };
        self.writer.write_block(&block.into_block()).map_err(of_file)?;
        self.interfaces.push(interface.to_string());
        Ok(self.interfaces.len() - 1)
    }

    /// Hands on what there is.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn flush(&mut self) -> io::Result<()> {
        self.writer.get_mut().flush()
    }
}

/// The numbers of a frame in the byte order of a capture; it is its own inverse.
fn swap(kind: Kind, bytes: &mut [u8]) {
    if cfg!(target_endian = "little") {
        bytes[..4].reverse();
    } else if kind == Kind::Xl {
        bytes[6..8].reverse();
        bytes[8..12].reverse();
    }
}

/// A frame as a capture has it.
fn packet(bytes: &[u8]) -> Option<Vec<u8>> {
    let kind = text::kind(bytes)?;
    let mut packet = match kind {
        Kind::Xl => bytes.to_vec(),
        _ => bytes[..HEAD + usize::from(bytes[4])].to_vec(),
    };
    swap(kind, &mut packet);
    if kind == Kind::Fd {
        packet[5] |= CANFD_FDF;
    }
    Some(packet)
}

/// The frame that a packet is.
fn frame(packet: &[u8]) -> Option<Vec<u8>> {
    if packet.len() < HEAD {
        return None;
    }
    let mut frame = packet.to_vec();
    if packet[4] & CANXL_XLF != 0 {
        if packet.len() <= CANXL_HEAD {
            return None;
        }
        swap(Kind::Xl, &mut frame);
    } else {
        let is_fd = packet[5] & CANFD_FDF != 0 || packet[4] > 8 || packet.len() > CAN_MTU;
        let (kind, size) = if is_fd { (Kind::Fd, CANFD_MTU) } else { (Kind::Classic, CAN_MTU) };
        if packet.len() < HEAD + usize::from(packet[4]) && packet[0] & 0x40 == 0 || packet.len() > size {
            return None;
        }
        frame.resize(size, 0);
        swap(kind, &mut frame);
    }
    text::kind(&frame).map(|_| frame)
}

/// Whether a file with this beginning is a capture.
pub fn is_capture(head: &[u8]) -> bool {
    const MAGICS: [[u8; 4]; 5] = [
        [0x0a, 0x0d, 0x0d, 0x0a],
        [0xd4, 0xc3, 0xb2, 0xa1],
        [0xa1, 0xb2, 0xc3, 0xd4],
        [0x4d, 0x3c, 0xb2, 0xa1],
        [0xa1, 0xb2, 0x3c, 0x4d],
    ];
    MAGICS.iter().any(|magic| head.starts_with(magic))
}

/// All frames of a capture.
///
/// # Errors
/// It is none, it is cut short, or it has packets that are no frames.
pub fn read(bytes: &[u8]) -> Result<Vec<Record>, String> {
    if bytes.starts_with(&[0x0a, 0x0d, 0x0d, 0x0a]) { read_pcapng(bytes) } else { read_pcap(bytes) }
}

fn damaged(count: usize, error: PcapError) -> String {
    format!("damaged behind packet {count}: {error}")
}

fn record(
    count: usize,
    linktype: DataLink,
    time: Duration,
    interface: &str,
    data: &[u8],
) -> Result<Record, String> {
    if linktype != LINKTYPE {
        return Err(format!("packet {} is no CAN frame: its link type is {linktype:?}", count + 1));
    }
    let bytes = frame(data).ok_or_else(|| format!("packet {} is no CAN frame", count + 1))?;
    Ok(Record { time, interface: interface.to_string(), bytes })
}

fn read_pcap(bytes: &[u8]) -> Result<Vec<Record>, String> {
    let mut reader = PcapReader::new(bytes).map_err(|error| format!("not a capture: {error}"))?;
    let linktype = reader.header().datalink;
    let mut records = Vec::new();
    while let Some(packet) = reader.next_packet() {
        let packet = packet.map_err(|error| damaged(records.len(), error))?;
        records.push(record(records.len(), linktype, packet.timestamp, "", &packet.data)?);
    }
    Ok(records)
}

fn read_pcapng(bytes: &[u8]) -> Result<Vec<Record>, String> {
    let mut reader = PcapNgReader::new(bytes).map_err(|error| format!("not a capture: {error}"))?;
    let mut interfaces: Vec<(DataLink, String)> = Vec::new();
    let mut records = Vec::new();
    while let Some(block) = reader.next_block() {
        match block.map_err(|error| damaged(records.len(), error))? {
            Block::SectionHeader(_) => interfaces.clear(),
            Block::InterfaceDescription(interface) => {
                let name = interface.options.iter().find_map(|option| match option {
                    InterfaceDescriptionOption::IfName(name) => Some(name.to_string()),
                    _ => None,
                });
                interfaces.push((interface.linktype, name.unwrap_or_default()));
            }
            Block::EnhancedPacket(packet) => {
                let (linktype, name) = interfaces
                    .get(packet.interface_id as usize)
                    .ok_or_else(|| format!("packet {} has no interface", records.len() + 1))?;
                records.push(record(records.len(), *linktype, packet.timestamp, name, &packet.data)?);
            }
            _ => {}
        }
    }
    Ok(records)
}

/// The whole of a reader.
///
/// # Errors
/// What it reports.
pub fn whole(mut from: impl Read) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    from.read_to_end(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::RefCell;
    use std::rc::Rc;

    /// A writer whose bytes can be looked at.
    #[derive(Clone, Default)]
    struct Kept(Rc<RefCell<Vec<u8>>>);

    impl Write for Kept {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.borrow_mut().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    const FRAMES: [&str; 7] = [
        "123#C0FFEE",
        "12345678#",
        "123#R3",
        "123##5112233445566778899AABBCC",
        "20000004#0001020304050607",
        "45123#81:03:12345678#112233",
        "123##4",
    ];

    fn written() -> Vec<u8> {
        let kept = Kept::default();
        let mut writer = Writer::new(Box::new(kept.clone())).expect("memory");
        for (number, text) in FRAMES.iter().enumerate() {
            let interface = if number % 2 == 0 { "vcan0" } else { "vcan1" };
            let bytes = text::parse(text).expect(text);
            writer.write(Duration::new(1000 + number as u64, 7), interface, &bytes).expect("memory");
        }
        writer.flush().expect("memory");
        drop(writer);
        kept.0.take()
    }

    #[test]
    fn what_is_written_is_read() {
        let bytes = written();
        assert!(is_capture(&bytes) && !is_capture(b"(1.0) vcan0 123#"));
        let records = read(&bytes).expect("a capture");
        let texts: Vec<_> =
            records.iter().map(|record| text::compact(&record.bytes).expect("a frame")).collect();
        assert_eq!(texts, FRAMES);
        assert_eq!((records[1].time, records[1].interface.as_str()), (Duration::new(1001, 7), "vcan1"));
    }

    #[test]
    fn the_identifier_has_its_first_byte_first() {
        let bytes = text::parse("12345678#01").expect("a frame");
        assert_eq!(packet(&bytes).expect("a frame"), [0x92, 0x34, 0x56, 0x78, 1, 0, 0, 0, 1]);
        let bytes = text::parse("45123#81:03:12345678#11").expect("a frame");
        let expected = [0, 0x45, 0x01, 0x23, 0x81, 3, 1, 0, 0x78, 0x56, 0x34, 0x12, 0x11];
        assert_eq!(packet(&bytes).expect("a frame"), expected);
    }

    #[test]
    fn any_bytes_have_an_answer() {
        let bytes = written();
        for len in 0..bytes.len() {
            let _ = read(&bytes[..len]);
        }
        for at in 0..bytes.len() {
            let mut other = bytes.clone();
            other[at] ^= 0xff;
            let _ = read(&other);
        }
        assert!(read(&bytes[..bytes.len() - 4]).is_err_and(|why| why.starts_with("damaged behind packet 6")));
    }
}
