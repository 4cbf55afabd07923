//! All frames of a bus, in their order, and which of them are wanted.
//!
//! One socket takes everything, and the filters are applied here, by the same rules as in the socket layer. Frames of several
//! interfaces so have one order. And the kernel counts as lost what there was no room for, but on a bus of sockshim's also what
//! a filter of its own keeps away; so it keeps nothing away.

use super::filter::{ANY, Source};
use crate::commands::can::bus::{self, BusOptions};
use crate::commands::can::frame::{Frame, Kind};
use crate::commands::can::log::Seen;
use crate::commands::can::socket::{self, CAN_RAW_XL_VCID_RX_FILTER, CanSocket, Received};
use crate::commands::run::Refusal;
use rustix::fd::{AsFd, BorrowedFd};
use sockshim_can_proto::frame::{CAN_ERR_MASK, CANXL_MAX_MTU};
use sockshim_can_proto::raw::{FILTERS, Options, Sent, Vcid};
use std::collections::HashMap;
use std::io::{self, ErrorKind};

/// Who listens to a bus.
pub struct Listener {
    socket: CanSocket,
    sources: Vec<Options>,
    names: HashMap<i32, String>,
    taken: u64,
    lost: u32,
    /// What the kernel had counted before it listened.
    before: u32,
}

/// A frame, whether it was sent on this machine, and how often it is wanted.
type Next = (Seen, bool, usize);

impl Listener {
    /// Listens from now on.
    ///
    /// # Errors
    /// There is no CAN, or no such interface.
    pub fn new(sources: &[Source], bus: &BusOptions) -> Result<Listener, Refusal> {
        let refused = |error: io::Error| Refusal::own(format!("cannot listen: {error}"));
        let socket = CanSocket::new().map_err(|error| bus::no_sockets(&error))?;
        let sources = sources.iter().map(|source| options(source, bus)).collect::<Result<_, _>>()?;
        socket.all_kinds();
        socket.watch().map_err(refused)?;
        socket.errors(CAN_ERR_MASK).map_err(refused)?;
        socket.bind(0).map_err(refused)?;
        let before = socket.lost().unwrap_or(0);
        Ok(Listener { socket, sources, names: HashMap::new(), taken: 0, lost: before, before })
    }

    /// The next frame; none if there is none now.
    ///
    /// # Errors
    /// The kernel's.
    pub fn next(&mut self) -> io::Result<Option<Next>> {
        let mut buffer = [0; CANXL_MAX_MTU];
        loop {
            let Received { len, ifindex, time, is_own, lost } = match self.socket.receive(&mut buffer) {
                Ok(received) => received,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(None),
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            self.lost = lost.unwrap_or(self.lost);
            self.taken += 1;
            let Some(frame) = Frame::of_memory(&buffer[..len]) else { continue };
            let sent = Sent {
                ifindex,
                id: frame.id,
                fd: matches!(frame.kind, Kind::Fd { .. }),
                xl: matches!(frame.kind, Kind::Xl { .. }),
                own: false,
            };
            let times = self.sources.iter().filter(|source| source.wants(&sent)).count();
            let interface = self.names.entry(ifindex).or_insert_with(|| socket::name(ifindex)).clone();
            return Ok(Some((Seen { time, interface, frame }, is_own, times)));
        }
    }

    /// How many frames were taken, wanted or not.
    pub fn taken(&self) -> u64 {
        self.taken
    }

    /// How many frames the kernel had no room for.
    pub fn lost(&self) -> u32 {
        // What was lost behind the last frame is not told with one.
        self.socket.lost().unwrap_or(0).max(self.lost).saturating_sub(self.before)
    }
}

impl AsFd for Listener {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

/// What a socket would have for options that wants this.
fn options(source: &Source, bus: &BusOptions) -> Result<Options, Refusal> {
    let name = source.interface.as_str();
    let ifindex = if name == ANY { 0 } else { interface(name, bus)? };
    let mut options = Options::default();
    (options.bound, options.ifindex) = (true, ifindex);
    (options.fd_frames, options.xl_frames) = (1, 1);
    options.vcid = Vcid { flags: CAN_RAW_XL_VCID_RX_FILTER, ..Vcid::default() };
    options.join_filters = source.join.into();
    options.err_mask = source.errors.unwrap_or(0);
    if !source.filters.is_empty() && !options.set_filters(source.filters.iter().copied()) {
        return Err(Refusal::own(format!("{name}: there are more than {FILTERS} filters")));
    }
    Ok(options)
}

/// The index of an interface of CAN.
fn interface(name: &str, bus: &BusOptions) -> Result<i32, Refusal> {
    let ifindex = socket::index(name).ok_or_else(|| bus.unknown(name))?;
    let bound = CanSocket::new().and_then(|socket| socket.bind(ifindex));
    bound.map_err(|error| match error.raw_os_error() {
        Some(libc::ENODEV) => Refusal::own(format!("{name} is no CAN interface, or not one of this bus")),
        _ => Refusal::own(format!("{name}: {error}")),
    })?;
    Ok(ifindex)
}
