//! `sockshim can send`, and what sends frames.

use super::bus::{self, BusOptions};
use super::frame::{Frame, Kind};
use super::notation;
use super::socket::{self, CanSocket};
use crate::commands::run::Refusal;
use sockshim_can_proto::frame::CANFD_MTU;
use std::collections::HashMap;
use std::io;
use std::time::{Duration, Instant};

/// Send frames
///
/// They are written as for cansend: 123#DEADBEEF has the identifier 123 and four
/// bytes, and 8 digits before the # are an identifier of 29 bits.
#[derive(clap::Args)]
#[command(verbatim_doc_comment, after_help = EXAMPLES, after_long_help = format!("{FRAMES}\n\n{EXAMPLES}"))]
pub struct SendArgs {
    #[command(flatten)]
    bus: BusOptions,

    /// The interface
    #[arg(value_name = "INTERFACE")]
    interface: String,

    /// The frames
    #[arg(value_name = "FRAME", required = true, value_parser = notation::parse)]
    frames: Vec<Frame>,
}

const FRAMES: &str = "\
Frames:
  ID#DATA         classic CAN: up to 8 bytes, hexadecimal, with dots between them or without;
                  ID has 3 digits, or 8 if it has 29 bits; 20000004#… is a message about an error
  ID#DATA_N       with 8 bytes: the length code N, 9 to F
  ID#R, ID#R3     a request, for 3 bytes
  ID##FDATA       CAN FD: flags F in one digit, and up to 64 bytes, which are filled up to a length that there is
  VVPPP#FF:SS:AAAAAAAA#DATA
                  CAN XL: VCID, priority, flags (80 or more), type and acceptance field; 1 to 2048 bytes";

const EXAMPLES: &str = "\
Examples:
  sockshim can send vcan0 123#DEADBEEF
  sockshim can send --can vcan0 vcan0 12345678#11.22 123#R3 123##1AABB";

/// How long a queue may be full.
const FULL: Duration = Duration::from_secs(1);
/// How long to wait for room in it.
const PAUSE: Duration = Duration::from_millis(1);

/// Runs the subcommand.
///
/// # Errors
/// A frame cannot be sent.
pub fn run(args: &SendArgs) -> Result<u8, Refusal> {
    args.bus.enter(&[&args.interface])?;
    let mut sender = Sender::new(&args.bus)?;
    args.frames.iter().try_for_each(|frame| sender.send(&args.interface, frame))?;
    Ok(0)
}

/// Sends frames to interfaces by their names.
pub struct Sender<'a> {
    bus: &'a BusOptions,
    socket: CanSocket,
    interfaces: HashMap<String, Interface>,
}

#[derive(Clone, Copy)]
struct Interface {
    index: i32,
    mtu: usize,
}

impl Sender<'_> {
    /// A sender, which receives nothing.
    ///
    /// # Errors
    /// There is no CAN.
    pub fn new(bus: &BusOptions) -> Result<Sender<'_>, Refusal> {
        let socket = CanSocket::new().map_err(|error| bus::no_sockets(&error))?;
        socket.all_kinds();
        socket.only_send();
        Ok(Sender { bus, socket, interfaces: HashMap::new() })
    }

    /// Sends a frame.
    ///
    /// # Errors
    /// There is no such interface, or it does not take the frame.
    pub fn send(&mut self, name: &str, frame: &Frame) -> Result<(), Refusal> {
        let Interface { index, mtu } = self.interface(name)?;
        let bytes = frame.to_memory();
        let is_xl = matches!(frame.kind, Kind::Xl { .. });
        // Only larger ones than those of CAN FD take CAN XL.
        if bytes.len() > mtu || is_xl && mtu <= CANFD_MTU {
            let what = if is_xl { "CAN XL of this length" } else { "CAN FD" };
            return Err(Refusal::own(format!("{name} takes no frames of {what}: its MTU is {mtu}")));
        }
        let mut full_since = None;
        loop {
            let error = match self.socket.send(index, &bytes) {
                Ok(()) => return Ok(()),
                Err(error) => error,
            };
            // The queue of a real interface.
            let is_full =
                error.raw_os_error() == Some(libc::ENOBUFS) || error.kind() == io::ErrorKind::WouldBlock;
            if !is_full || full_since.get_or_insert_with(Instant::now).elapsed() > FULL {
                return Err(Refusal::own(format!("{name} does not take {frame}: {error}")));
            }
            std::thread::sleep(PAUSE);
        }
    }

    fn interface(&mut self, name: &str) -> Result<Interface, Refusal> {
        if let Some(interface) = self.interfaces.get(name) {
            return Ok(*interface);
        }
        let index = socket::index(name).ok_or_else(|| self.bus.unknown(name))?;
        let mtu = self.socket.mtu(name).map_err(|error| Refusal::own(format!("{name}: {error}")))?;
        let interface = Interface { index, mtu };
        self.interfaces.insert(name.to_owned(), interface);
        Ok(interface)
    }
}
