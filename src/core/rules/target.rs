//! TARGET: which addresses a rule is about.

use crate::rules::glob::Glob;
use ipnet::IpNet;
use std::fmt;
use std::net::IpAddr;

/// Which addresses a rule is about. v4-mapped addresses are IPv4's. As `remote`, the unspecified address is loopback,
/// because that is where a call to it goes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Target {
    /// `ADDR[/LEN][:PORT[-PORT]]`: a network.
    Inet {
        /// The network.
        net: IpNet,
        /// The ports.
        ports: Ports,
    },
    /// `*[:PORT[-PORT]]`: any IPv4 or IPv6 address.
    Any {
        /// The ports.
        ports: Ports,
    },
    /// `loopback[:PORT[-PORT]]`: 127.0.0.0/8 and ::1.
    Loopback {
        /// The ports.
        ports: Ports,
    },
    /// `beyond-loopback[:PORT[-PORT]]`: any IPv4 or IPv6 address that is not loopback.
    Beyond {
        /// The ports.
        ports: Ports,
    },
    /// `unix:GLOB`: a path of AF_UNIX.
    Unix(Glob),
    /// `@GLOB`: an abstract name of AF_UNIX.
    Abstract(Glob),
    /// A glob over the name that [`Call::Resolve`](crate::rules::Call::Resolve) looks up, in lower case.
    Host(Glob),
}

/// Ports from one to another.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Ports {
    /// The first one.
    pub first: u16,
    /// The last one, not below the first.
    pub last: u16,
}

impl Ports {
    /// Every port.
    pub const ALL: Ports = Ports { first: 0, last: u16::MAX };

    /// Whether all of these are among the others.
    pub fn are_within(self, other: Ports) -> bool {
        other.first <= self.first && self.last <= other.last
    }
}

/// The name of [`Target::Loopback`].
pub(super) const LOOPBACK: &str = "loopback";
/// The name of [`Target::Beyond`].
pub(super) const BEYOND: &str = "beyond-loopback";

/// As it is written in a rule file.
impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ports = match self {
            Target::Unix(glob) => return write!(f, "unix:{glob}"),
            Target::Abstract(glob) => return write!(f, "@{glob}"),
            Target::Host(glob) => return f.write_str(glob.text()),
            Target::Inet { net, ports } => {
                let whole = net.prefix_len() == net.max_prefix_len();
                match net.addr() {
                    IpAddr::V4(address) => write!(f, "{address}")?,
                    IpAddr::V6(address) => write!(f, "[{address}]")?,
                }
                if !whole {
                    write!(f, "/{}", net.prefix_len())?;
                }
                ports
            }
            Target::Any { ports } => {
                f.write_str("*")?;
                ports
            }
            Target::Loopback { ports } => {
                f.write_str(LOOPBACK)?;
                ports
            }
            Target::Beyond { ports } => {
                f.write_str(BEYOND)?;
                ports
            }
        };
        match *ports {
            Ports::ALL => Ok(()),
            Ports { first, last } if first == last => write!(f, ":{first}"),
            Ports { first, last } => write!(f, ":{first}-{last}"),
        }
    }
}
