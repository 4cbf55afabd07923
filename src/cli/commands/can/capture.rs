//! Captures of CAN frames (`LINKTYPE_CAN_SOCKETCAN`): written as pcapng, with the names of the interfaces, and read as pcapng and
//! as pcap.

use super::frame::Frame;
use super::log::Seen;
use pcap_file::pcap::PcapReader;
use pcap_file::pcapng::blocks::enhanced_packet::EnhancedPacketBlock;
use pcap_file::pcapng::blocks::interface_description::{
    InterfaceDescriptionBlock, InterfaceDescriptionOption,
};
use pcap_file::pcapng::blocks::section_header::{SectionHeaderBlock, SectionHeaderOption};
use pcap_file::pcapng::{Block, PcapNgBlock, PcapNgReader, PcapNgWriter};
use pcap_file::{DataLink, PcapError};
use std::borrow::Cow;
use std::io::{self, Read, Write};
use std::time::Duration;

/// Times are in units of ten to the power of minus this: nanoseconds.
const RESOLUTION: u8 = 9;
/// That of captures that do not say.
const USUAL: u8 = 6;

/// A capture that is written.
pub struct Writer<W: Write> {
    out: PcapNgWriter<W>,
    interfaces: Vec<String>,
}

impl<W: Write> Writer<W> {
    /// Writes its head.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn new(out: W) -> io::Result<Writer<W>> {
        let application = format!("sockshim {}", env!("CARGO_PKG_VERSION"));
        let section = SectionHeaderBlock {
            options: vec![SectionHeaderOption::UserApplication(Cow::Owned(application))],
            ..SectionHeaderBlock::default()
        };
        let out = PcapNgWriter::with_section_header(out, section).map_err(of_file)?;
        Ok(Writer { out, interfaces: Vec::new() })
    }

    /// Its number of an interface, which is described there with the first frame.
    fn interface(&mut self, name: &str) -> io::Result<u32> {
        let known = self.interfaces.iter().position(|interface| interface == name);
        let place = match known {
            Some(place) => place,
            None => {
                let block = InterfaceDescriptionBlock {
                    linktype: DataLink::CAN_SOCKETCAN,
                    snaplen: 0,
                    options: vec![
                        InterfaceDescriptionOption::IfName(Cow::Borrowed(name)),
                        InterfaceDescriptionOption::IfTsResol(RESOLUTION),
                    ],
                };
                self.out.write_block(&block.into_block()).map_err(of_file)?;
                self.interfaces.push(name.to_owned());
                self.interfaces.len() - 1
            }
        };
        Ok(place as u32)
    }

    /// Writes a frame.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn frame(&mut self, seen: &Seen) -> io::Result<()> {
        let data = seen.frame.to_capture();
        let block = EnhancedPacketBlock {
            interface_id: self.interface(&seen.interface)?,
            timestamp: seen.time,
            original_len: data.len() as u32,
            data: Cow::Owned(data),
            options: Vec::new(),
        };
        self.out.write_block(&block.into_block()).map(|_| ()).map_err(of_file)
    }

    /// Hands on what there is.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn flush(&mut self) -> io::Result<()> {
        self.out.get_mut().flush()
    }
}

fn of_file(error: PcapError) -> io::Error {
    match error {
        PcapError::IoError(error) => error,
        error => io::Error::other(error),
    }
}

/// A capture that is read.
pub enum Reader<R: Read> {
    /// In the old format, whose interface has no name.
    Pcap(PcapReader<R>),
    /// In the new one.
    PcapNg(PcapNgReader<R>),
}

/// What frames are on whose interface has no name.
pub const UNNAMED: &str = "any";

/// Whether a file that begins with these bytes is a capture, and if so, whether it is one in the new format.
pub fn is_new(start: &[u8]) -> Option<bool> {
    match start {
        [0x0a, 0x0d, 0x0d, 0x0a] => Some(true),
        [0xa1, 0xb2, 0xc3, 0xd4] | [0xd4, 0xc3, 0xb2, 0xa1] => Some(false),
        [0xa1, 0xb2, 0x3c, 0x4d] | [0x4d, 0x3c, 0xb2, 0xa1] => Some(false),
        _ => None,
    }
}

impl<R: Read> Reader<R> {
    /// A capture in one of the two formats.
    ///
    /// # Errors
    /// It is none, or not one of CAN frames.
    pub fn new(file: R, is_new: bool) -> Result<Reader<R>, String> {
        if is_new {
            return PcapNgReader::new(file).map(Reader::PcapNg).map_err(in_words);
        }
        let reader = PcapReader::new(file).map_err(in_words)?;
        match reader.header().datalink {
            DataLink::CAN_SOCKETCAN => Ok(Reader::Pcap(reader)),
            other => Err(other_link(other)),
        }
    }

    /// The next frame.
    pub fn next(&mut self) -> Option<Result<Seen, String>> {
        match self {
            Reader::Pcap(reader) => {
                let packet = reader.next_packet()?;
                let seen = packet.map_err(in_words).and_then(|packet| {
                    Ok(Seen {
                        time: packet.timestamp,
                        interface: UNNAMED.to_owned(),
                        frame: frame(&packet.data)?,
                    })
                });
                Some(seen)
            }
            Reader::PcapNg(reader) => next_of_new(reader),
        }
    }
}

fn next_of_new<R: Read>(reader: &mut PcapNgReader<R>) -> Option<Result<Seen, String>> {
    loop {
        let (place, units, data) = match reader.next_block()? {
            Ok(Block::EnhancedPacket(packet)) => {
                // The crate takes every unit for a nanosecond.
                (packet.interface_id as usize, packet.timestamp.as_nanos(), packet.data.into_owned())
            }
            Ok(Block::SimplePacket(packet)) => (0, 0, packet.data.into_owned()),
            Ok(_) => continue,
            Err(error) => return Some(Err(in_words(error))),
        };
        let Some(interface) = reader.interfaces().get(place) else {
            return Some(Err("a packet is of an interface that is not described".to_owned()));
        };
        if interface.linktype != DataLink::CAN_SOCKETCAN {
            return Some(Err(other_link(interface.linktype)));
        }
        let (mut name, mut resolution) = (UNNAMED.to_owned(), USUAL);
        for option in &interface.options {
            match option {
                InterfaceDescriptionOption::IfName(text) if !text.is_empty() => name = text.to_string(),
                InterfaceDescriptionOption::IfTsResol(said) => resolution = *said,
                _ => {}
            }
        }
        let seen = |frame| Seen { time: time(units, resolution), interface: name, frame };
        return Some(frame(&data).map(seen));
    }
}

fn frame(data: &[u8]) -> Result<Frame, String> {
    Frame::of_capture(data).ok_or_else(|| "a packet is no CAN frame, or it was cut off".to_owned())
}

/// Units of ten to the power of minus `resolution` seconds; of two, if its highest bit is set.
fn time(units: u128, resolution: u8) -> Duration {
    const NANOS: u128 = 1_000_000_000;
    let nanos = match (resolution & 0x7f, resolution & 0x80) {
        (power, 0) => match 10u128.checked_pow(power.into()) {
            Some(second) => units.saturating_mul(NANOS) / second,
            None => 0,
        },
        (power, _) => units.saturating_mul(NANOS) >> power,
    };
    Duration::new((nanos / NANOS) as u64, (nanos % NANOS) as u32)
}

fn other_link(link: DataLink) -> String {
    format!(
        "a capture of CAN frames has the link type {}, and this one has {}",
        u32::from(DataLink::CAN_SOCKETCAN),
        u32::from(link)
    )
}

fn in_words(error: PcapError) -> String {
    match error {
        PcapError::IoError(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
            "the capture is cut off".to_owned()
        }
        PcapError::IoError(error) => error.to_string(),
        PcapError::IncompleteBuffer => "the capture is cut off".to_owned(),
        error => format!("the capture is damaged: {error}"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::frame::tests::any_frame;
    use super::*;
    use proptest::collection::vec;
    use proptest::prelude::*;

    fn read(bytes: &[u8]) -> Result<Vec<Seen>, String> {
        let is_new = bytes.get(..4).and_then(is_new).ok_or("no capture")?;
        let mut reader = Reader::new(bytes, is_new)?;
        std::iter::from_fn(|| reader.next()).collect()
    }

    fn written(seen: &[Seen]) -> Vec<u8> {
        let mut writer = Writer::new(Vec::new()).expect("memory takes everything");
        seen.iter().for_each(|seen| writer.frame(seen).expect("memory takes everything"));
        writer.out.into_inner()
    }

    fn any_seen() -> impl Strategy<Value = Seen> {
        let name = prop_oneof![Just("vcan0"), Just("can1")];
        (any_frame(), 0..4_000_000_000_000_000_000u64, name).prop_map(|(frame, nanos, name)| Seen {
            time: Duration::from_nanos(nanos),
            interface: name.into(),
            frame,
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn what_is_written_is_read(seen in vec(any_seen(), 0..8)) {
            prop_assert_eq!(read(&written(&seen)), Ok(seen));
        }

        #[test]
        fn a_capture_that_is_damaged_is_read_or_refused(
            seen in vec(any_seen(), 1..4), at in any::<prop::sample::Index>(), byte in any::<u8>(), cut in any::<bool>()
        ) {
            let mut bytes = written(&seen);
            let at = at.index(bytes.len());
            if cut { bytes.truncate(at) } else { bytes[at] = byte }
            let _ = read(&bytes);
        }
    }

    /// A capture in the old format, of one packet at 1.5 s.
    fn old(link: u8, data: &[u8]) -> Vec<u8> {
        let mut bytes =
            vec![0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0, link, 0, 0, 0];
        bytes.extend([1, 0, 0, 0, 0x20, 0xa1, 7, 0, data.len() as u8, 0, 0, 0, data.len() as u8, 0, 0, 0]);
        bytes.extend(data);
        bytes
    }

    #[test]
    fn the_old_format_has_no_names() {
        let data = [0, 0, 1, 0x23, 2, 0, 0, 0, 7, 8, 0, 0, 0, 0, 0, 0];
        let seen = read(&old(227, &data)).expect("a capture");
        assert_eq!((seen.len(), seen[0].interface.as_str()), (1, UNNAMED));
        assert_eq!(
            (seen[0].time, seen[0].frame.to_string().as_str()),
            (Duration::from_millis(1500), "123#0708")
        );
    }

    #[test]
    fn what_is_wrong_is_said() {
        assert!(read(&old(1, &[])).expect_err("Ethernet").contains("link type 227, and this one has 1"));
        assert!(read(&old(227, &[0; 4])).expect_err("short").contains("no CAN frame"));
        let whole = old(227, &[0; 16]);
        assert_eq!(read(&whole[..whole.len() - 1]).expect_err("cut off"), "the capture is cut off");
        assert_eq!(read(&whole[..10]).expect_err("cut off"), "the capture is cut off");
    }

    #[test]
    fn times_have_units() {
        assert_eq!(time(1_500_000, 6), Duration::from_millis(1500));
        assert_eq!(time(1_500, 3), Duration::from_millis(1500));
        assert_eq!(time(3, 0x81), Duration::from_millis(1500));
        assert_eq!(time(u128::from(u64::MAX), 0x7f), Duration::ZERO);
    }
}
