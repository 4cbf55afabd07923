//! `sockshim can send`: puts frames on a bus.

use super::socket::CanSocket;
use super::{Failure, index};
use sockshim_can_proto::text;

/// Put frames on a bus
#[derive(clap::Args)]
#[command(
    verbatim_doc_comment,
    after_help = "Frames, as cansend has them, in hexadecimal digits; an ID of eight digits has 29 bits:\n  123#C0FFEE               data of up to 8 bytes\n  123#R, 123#R3            a request for a frame\n  123##1C0FFEE             CAN FD: flags, and up to 64 bytes\n  45123#81:00:12345678#C0  CAN XL: VCID and priority, flags, type, acceptance\n  20000004#0000000000000000  a message about an error\n\nExamples:\n  sockshim can send vcan0 123#C0FFEE\n  sockshim can send --can vcan0:mtu=72 vcan0 12345678##1AABB 123#R"
)]
pub struct SendArgs {
    /// The interface
    interface: String,

    /// Frames, in this order
    #[arg(value_name = "FRAME", required = true)]
    frames: Vec<String>,
}

/// Runs the subcommand. All frames are read before the first is sent.
///
/// # Errors
/// A frame cannot be understood, or cannot be sent.
pub fn run(args: &SendArgs) -> Result<(), Failure> {
    let frames: Result<Vec<Vec<u8>>, Failure> = args.frames.iter().map(|text| parse(text)).collect();
    let frames = frames?;
    if args.interface == "any" {
        return Err(Failure::Said("a frame is sent to one interface, not to any".into()));
    }
    let ifindex = index(&args.interface)?;
    let socket = CanSocket::sending()?;
    for (frame, text) in frames.iter().zip(&args.frames) {
        let failed = |error| Failure::of(format_args!("{}: {text}", args.interface), &error);
        socket.send(ifindex, frame).map_err(failed)?;
    }
    Ok(())
}

fn parse(text: &str) -> Result<Vec<u8>, Failure> {
    text::parse(text).map_err(|wrong| {
        let part = text.get(wrong.at.clone()).filter(|part| !part.is_empty() && part.len() < text.len());
        let part = part.map(|part| format!(" at '{part}'")).unwrap_or_default();
        Failure::Said(format!("'{text}' is no frame: {}{part}", wrong.what))
    })
}
