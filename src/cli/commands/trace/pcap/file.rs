//! The file: pcapng, with two interfaces, one of which stands for AF_UNIX.

use super::frame::{Flag, Frame, Frames, What};
use etherparse::{PacketBuilder, PacketBuilderStep, TcpOptionElement, UdpHeader};
use pcap_file::pcapng::PcapNgWriter;
use pcap_file::pcapng::blocks::enhanced_packet::{EnhancedPacketBlock, EnhancedPacketOption};
use pcap_file::pcapng::blocks::interface_description::{
    InterfaceDescriptionBlock, InterfaceDescriptionOption,
};
use pcap_file::pcapng::blocks::name_resolution::{Ipv4Record, NameResolutionBlock, Record};
use pcap_file::pcapng::blocks::section_header::{SectionHeaderBlock, SectionHeaderOption};
use pcap_file::pcapng::{PcapNgBlock, PcapNgWriter as Writer};
use pcap_file::{DataLink, PcapError};
use std::borrow::Cow;
use std::io::{self, BufWriter, Write};
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

/// Timestamps are in units of ten to the power of minus this: nanoseconds.
const RESOLUTION: u8 = 9;
/// The direction in a packet's flags.
const INBOUND: u32 = 1;
const OUTBOUND: u32 = 2;
/// What a side says in its first segment: the longest segments, and a window so wide that no sender ever seems to have filled it.
const OPTIONS: [TcpOptionElement; 2] =
    [TcpOptionElement::MaximumSegmentSize(65_495), TcpOptionElement::WindowScale(14)];
const TTL: u8 = 64;

/// A file that packets go to. After an error nothing is written any more.
pub struct PcapFile<W: Write = Box<dyn Write + Send>> {
    writer: Writer<Flushed<W>>,
    packet: Vec<u8>,
    result: io::Result<()>,
}

/// A buffered writer that another one owns, and that is to be flushed nevertheless.
struct Flushed<W: Write>(BufWriter<W>);

impl<W: Write> Write for Flushed<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

impl<W: Write> PcapFile<W> {
    /// Writes the head of a file.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn new(out: W) -> io::Result<PcapFile<W>> {
        let application = format!("sockshim {}", env!("CARGO_PKG_VERSION"));
        let section = SectionHeaderBlock {
            options: vec![SectionHeaderOption::UserApplication(Cow::Owned(application))],
            ..SectionHeaderBlock::default()
        };
        let out = Flushed(BufWriter::with_capacity(256 * 1024, out));
        let mut writer = PcapNgWriter::with_section_header(out, section).map_err(of_file)?;
        for (name, description) in [
            ("inet", "sockets of AF_INET and AF_INET6, as the programs see them"),
            ("unix", "sockets of AF_UNIX: the addresses stand for their names"),
        ] {
            let interface = InterfaceDescriptionBlock {
                linktype: DataLink::RAW,
                snaplen: 0,
                options: vec![
                    InterfaceDescriptionOption::IfName(Cow::Borrowed(name)),
                    InterfaceDescriptionOption::IfDescription(Cow::Borrowed(description)),
                    InterfaceDescriptionOption::IfTsResol(RESOLUTION),
                ],
            };
            writer.write_block(&interface.into_block()).map_err(of_file)?;
        }
        let mut file = PcapFile { writer, packet: Vec::new(), result: Ok(()) };
        file.flush();
        Ok(file)
    }

    /// Hands on what there is.
    pub fn flush(&mut self) {
        if self.result.is_ok() {
            self.result = self.writer.get_mut().flush();
        }
    }

    /// Ends the file.
    ///
    /// # Errors
    /// Something of it could not be written.
    pub fn end(mut self) -> io::Result<()> {
        self.flush();
        self.result
    }

    fn block<'a>(&mut self, block: impl PcapNgBlock<'a>) {
        if self.result.is_ok() {
            self.result = self.writer.write_block(&block.into_block()).map(|_| ()).map_err(of_file);
        }
    }
}

fn of_file(error: PcapError) -> io::Error {
    match error {
        PcapError::IoError(error) => error,
        error => io::Error::other(error),
    }
}

impl<W: Write> Frames for PcapFile<W> {
    fn frame(&mut self, frame: Frame) {
        let mut packet = std::mem::take(&mut self.packet);
        packet.clear();
        // The headers of what fits into an address and a datagram can be made.
        if build(&frame, &mut packet).is_some() {
            let direction = if frame.is_sent { OUTBOUND } else { INBOUND };
            self.block(EnhancedPacketBlock {
                interface_id: frame.is_unix.into(),
                timestamp: Duration::from_nanos(frame.time),
                original_len: packet.len() as u32,
                data: Cow::Borrowed(&packet),
                options: vec![
                    EnhancedPacketOption::Comment(Cow::Borrowed(frame.comment)),
                    EnhancedPacketOption::Flags(direction),
                ],
            });
        }
        self.packet = packet;
    }

    fn name(&mut self, address: SocketAddr, name: &str) {
        let IpAddr::V4(ip) = address.ip() else { return };
        let record =
            Ipv4Record { ip_addr: Cow::Owned(ip.octets().to_vec()), names: vec![Cow::Borrowed(name)] };
        self.block(NameResolutionBlock { records: vec![Record::Ipv4(record)], options: Vec::new() });
    }
}

/// The packet with its headers.
fn build(frame: &Frame, packet: &mut Vec<u8>) -> Option<()> {
    let ip = match (frame.from.ip(), frame.to.ip()) {
        (IpAddr::V4(from), IpAddr::V4(to)) => PacketBuilder::ipv4(from.octets(), to.octets(), TTL),
        (IpAddr::V6(from), IpAddr::V6(to)) => PacketBuilder::ipv6(from.octets(), to.octets(), TTL),
        _ => return None,
    };
    let (from, to) = (frame.from.port(), frame.to.port());
    match frame.what {
        What::Udp => {
            let udp: PacketBuilderStep<UdpHeader> = ip.udp(from, to);
            udp.write(packet, frame.payload).ok()
        }
        What::Tcp { seq, ack, flag } => {
            let mut tcp = ip.tcp(from, to, seq, u16::MAX);
            if let Some(ack) = ack {
                tcp = tcp.ack(ack);
            }
            tcp = match flag {
                Flag::None if frame.payload.is_empty() => tcp,
                Flag::None => tcp.psh(),
                Flag::Syn => tcp.syn().options(&OPTIONS).ok()?,
                Flag::Fin => tcp.fin(),
                Flag::Rst => tcp.rst(),
            };
            tcp.write(packet, frame.payload).ok()
        }
    }
}
