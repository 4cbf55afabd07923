//! Socket addresses by their fields, so that two addresses that the kernel tells apart are never written alike.
//!
//! The length of an address that the program passes is an argument of its own. An address that the kernel returns may
//! be cut to the program's buffer, and is then marked.

use crate::net::address::SockAddr;
use crate::trace::escape::{Hex, Lossy, Quoted};
use crate::trace::line::Line;
use crate::uapi::{self, Named};
use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};

/// A socket address by its fields.
#[derive(Clone, Copy)]
pub struct DecodedAddress<'a> {
    /// The address.
    pub addr: &'a SockAddr,
    /// Whether it belongs to a SOCK_PACKET socket, whose AF_PACKET addresses are device names.
    pub names_device: bool,
}

/// The fields of a `struct sockaddr_in6`.
struct Inet6 {
    ip: Ipv6Addr,
    port: u16,
    flowinfo: u32,
    scope_id: u32,
}

/// The fields of a `struct sockaddr_ll`.
struct LinkLayer<'a> {
    ifindex: u32,
    protocol: u16,
    hatype: u16,
    pkttype: u8,
    halen: u8,
    /// As many bytes of the hardware address as there are.
    addr: &'a [u8],
}

/// An address read as one kind.
enum Fields<'a> {
    Inet(Ipv4Addr, u16),
    Inet6(Inet6),
    Unix(UnixName<'a>),
    Netlink { pid: u32, groups: u32 },
    Packet(LinkLayer<'a>),
    Device(&'a [u8]),
    Vsock { cid: u32, port: u32, flags: u8 },
    Raw(&'a [u8]),
}

/// The three kinds of AF_UNIX addresses, named as in unix(7).
#[derive(Clone, Copy)]
enum UnixName<'a> {
    Unnamed,
    /// The name without the leading NUL. Every other NUL is part of the name.
    Abstract(&'a [u8]),
    /// The path up to its NUL. The kernel adds a missing NUL and ignores what follows it, so these name the same
    /// file.
    Pathname(&'a [u8]),
}

impl<'a> UnixName<'a> {
    fn of(path: &'a [u8]) -> UnixName<'a> {
        match path {
            [] => UnixName::Unnamed,
            [0, name @ ..] => UnixName::Abstract(name),
            _ => UnixName::Pathname(path.split(|byte| *byte == 0).next().unwrap_or(path)),
        }
    }
}

/// The shortest length in bytes at which an address of each kind is read by its fields.
mod least {
    pub const INET: usize = 16;
    /// `SIN6_LEN_RFC2133`: without the scope id.
    pub const INET6: usize = 24;
    pub const UNIX: usize = 2;
    pub const NETLINK: usize = 12;
    /// Without the hardware address, of which the kernel returns as much as there is.
    pub const PACKET: usize = 12;
    pub const DEVICE: usize = 3;
    /// Without the flags.
    pub const VSOCK: usize = 12;
}

impl<'a> DecodedAddress<'a> {
    fn fields(&self) -> Fields<'a> {
        let addr = self.addr;
        let bytes = addr.bytes();
        match (addr.family(), bytes.len()) {
            (Some(libc::AF_INET), least::INET..) => Fields::Inet(addr.v4().into(), addr.port()),
            (Some(libc::AF_INET6), least::INET6..) => Fields::Inet6(Inet6 {
                ip: addr.v6().into(),
                port: addr.port(),
                flowinfo: u32::from_be(addr.u32_at(4)),
                // The kernel reads it only if all four bytes are there.
                scope_id: if bytes.len() >= 28 { addr.u32_at(24) } else { 0 },
            }),
            (Some(libc::AF_UNIX), least::UNIX..) => Fields::Unix(UnixName::of(&bytes[2..])),
            (Some(libc::AF_NETLINK), least::NETLINK..) => {
                Fields::Netlink { pid: addr.u32_at(4), groups: addr.u32_at(8) }
            }
            (Some(libc::AF_PACKET), least::DEVICE..) if self.names_device => {
                Fields::Device(bytes[2..].split(|byte| *byte == 0).next().unwrap_or_default())
            }
            (Some(libc::AF_PACKET), least::PACKET..) => Fields::Packet(LinkLayer {
                ifindex: addr.u32_at(4),
                // It is at the offset of a port, and in network order like one.
                protocol: addr.port(),
                hatype: u16::from_ne_bytes([bytes[8], bytes[9]]),
                pkttype: bytes[10],
                halen: bytes[11],
                addr: &bytes[12..bytes.len().min(12 + usize::from(bytes[11]))],
            }),
            (Some(libc::AF_VSOCK), least::VSOCK..) => Fields::Vsock {
                cid: addr.u32_at(8),
                port: addr.u32_at(4),
                flags: bytes.get(12).copied().unwrap_or(0),
            },
            _ => Fields::Raw(bytes),
        }
    }

    /// Writes it as an object of JSON.
    pub fn json(self, line: &mut Line) {
        line.text("{\"family\":\"");
        line.put(|out| Named(uapi::FAMILIES, self.addr.family().unwrap_or(0)).write(out));
        line.text("\"");
        match self.fields() {
            Fields::Inet(ip, port) => line.display(format_args!(",\"address\":\"{ip}\",\"port\":{port}")),
            Fields::Inet6(Inet6 { ip, port, flowinfo, scope_id }) => {
                line.display(format_args!(",\"address\":\"{ip}\",\"port\":{port}"));
                unless_zero(line, ",\"scope_id\":", scope_id);
                unless_zero(line, ",\"flowinfo\":", flowinfo);
            }
            Fields::Unix(name) => self.unix_json(name, line),
            Fields::Netlink { pid, groups } => {
                line.display(format_args!(",\"pid\":{pid},\"groups\":{groups}"));
            }
            Fields::Packet(ll) => {
                line.display(format_args!(",\"ifindex\":{},\"protocol\":{}", ll.ifindex, ll.protocol));
                line.display(format_args!(",\"hatype\":{},\"pkttype\":{}", ll.hatype, ll.pkttype));
                line.display(format_args!(",\"halen\":{},\"hwaddr\":\"{}\"", ll.halen, HwAddr(ll.addr)));
            }
            Fields::Device(name) => {
                line.text(",\"device\":");
                line.foreign(Lossy(name));
                self.bytes_json(name, line);
            }
            Fields::Vsock { cid, port, flags } => {
                line.display(format_args!(",\"cid\":{cid},\"port\":{port}"));
                unless_zero(line, ",\"flags\":", flags.into());
            }
            Fields::Raw(bytes) => line.display(format_args!(",\"bytes\":\"{}\"", Hex(bytes))),
        }
        line.text(if self.addr.is_truncated() { ",\"truncated\":true}" } else { "}" });
    }

    fn unix_json(self, name: UnixName, line: &mut Line) {
        let (kind, at, name) = match name {
            UnixName::Unnamed => ("unnamed", "", [].as_slice()),
            UnixName::Abstract(name) => ("abstract", "@", name),
            UnixName::Pathname(path) => ("pathname", "", path),
        };
        line.text(",\"path\":");
        line.foreign(format_args!("{at}{}", Lossy(name)));
        line.text(",\"kind\":\"");
        line.word(kind);
        line.text("\"");
        self.bytes_json(name, line);
    }

    /// The whole address in hexadecimal, if a JSON string cannot hold its `name`.
    fn bytes_json(self, name: &[u8], line: &mut Line) {
        if core::str::from_utf8(name).is_err() {
            line.display(format_args!(",\"bytes\":\"{}\"", Hex(self.addr.bytes())));
        }
    }
}

/// A member of an object, with its comma and key, unless it is zero.
fn unless_zero(line: &mut Line, key: &'static str, number: u32) {
    if number != 0 {
        line.text(key);
        line.uint(number.into());
    }
}

impl fmt::Display for DecodedAddress<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("{")?;
        if let Some(family) = self.addr.family() {
            write!(f, "{} ", Named(uapi::FAMILIES, family))?;
        }
        match self.fields() {
            Fields::Inet(ip, port) => write!(f, "{ip}:{port}")?,
            Fields::Inet6(addr) => write!(f, "{addr}")?,
            Fields::Unix(UnixName::Unnamed) => f.write_str("unnamed")?,
            Fields::Unix(UnixName::Abstract(name)) => write!(f, "@{}", Quoted(name))?,
            Fields::Unix(UnixName::Pathname(path)) => write!(f, "{}", Quoted(path))?,
            Fields::Netlink { pid, groups } => write!(f, "pid {pid} groups {groups:#x}")?,
            Fields::Packet(addr) => write!(f, "{addr}")?,
            Fields::Device(name) => write!(f, "device {}", Quoted(name))?,
            Fields::Vsock { cid, port, flags: 0 } => write!(f, "{cid}:{port}")?,
            Fields::Vsock { cid, port, flags } => write!(f, "{cid}:{port} flags {flags:#x}")?,
            Fields::Raw(bytes) => write!(f, "{}", Hex(bytes))?,
        }
        f.write_str(if self.addr.is_truncated() { "…}" } else { "}" })
    }
}

impl fmt::Display for Inet6 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.scope_id {
            0 => write!(f, "[{}]:{}", self.ip, self.port)?,
            scope_id => write!(f, "[{}%{scope_id}]:{}", self.ip, self.port)?,
        }
        if self.flowinfo == 0 { Ok(()) } else { write!(f, " flowinfo {:#x}", self.flowinfo) }
    }
}

impl fmt::Display for LinkLayer<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ifindex {} protocol {:#x}", self.ifindex, self.protocol)?;
        if self.hatype != 0 {
            write!(f, " hatype {}", self.hatype)?;
        }
        if self.pkttype != 0 {
            write!(f, " pkttype {}", self.pkttype)?;
        }
        if self.addr.len() != usize::from(self.halen) {
            write!(f, " halen {}", self.halen)?;
        }
        if self.addr.is_empty() { Ok(()) } else { write!(f, " hwaddr {}", HwAddr(self.addr)) }
    }
}

/// A hardware address: bytes in hexadecimal with colons between them.
struct HwAddr<'a>(&'a [u8]);

impl fmt::Display for HwAddr<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().enumerate().try_for_each(|(index, byte)| {
            let colon = if index == 0 { "" } else { ":" };
            write!(f, "{colon}{byte:02x}")
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(addr: &SockAddr, names_device: bool) -> (String, String) {
        let addr = DecodedAddress { addr, names_device };
        let mut buffer = [0; 512];
        let mut line = Line::new(&mut buffer);
        addr.json(&mut line);
        (addr.to_string(), String::from_utf8(line.written().to_vec()).expect("UTF-8"))
    }

    fn text(bytes: &[u8]) -> String {
        written(&SockAddr::new(bytes), false).0
    }

    fn json(bytes: &[u8]) -> String {
        written(&SockAddr::new(bytes), false).1
    }

    /// [fe80::1]:80, with the bytes that follow the address.
    fn inet6(flowinfo: [u8; 4], behind: &[u8]) -> Vec<u8> {
        let mut bytes = vec![10, 0, 0, 80];
        bytes.extend(flowinfo);
        bytes.extend([0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
        bytes.extend(behind);
        bytes
    }

    #[test]
    fn inet() {
        let addr = [2, 0, 0x1f, 0x90, 127, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0];
        assert_eq!(text(&addr), "{AF_INET 127.0.0.1:8080}");
        assert_eq!(json(&addr), r#"{"family":"AF_INET","address":"127.0.0.1","port":8080}"#);
        assert_eq!(text(&[addr.as_slice(), &[0; 12]].concat()), "{AF_INET 127.0.0.1:8080}");
        assert_eq!(text(&addr[..15]), "{AF_INET 02001f907f00000100000000000000}");
        assert_eq!(
            (text(&[]), text(&[2]), text(&[2, 0])),
            ("{}".into(), "{02}".into(), "{AF_INET 0200}".into())
        );
        assert_eq!(json(&[]), r#"{"family":"AF_UNSPEC","bytes":""}"#);
    }

    #[test]
    fn inet6_scope_and_flow() {
        let (none, flow) = ([0; 4], [0x0f, 0x01, 0x23, 0x45]);
        assert_eq!(text(&inet6(none, &[0; 4])), "{AF_INET6 [fe80::1]:80}");
        assert_eq!(text(&inet6(none, &2_u32.to_ne_bytes())), "{AF_INET6 [fe80::1%2]:80}");
        assert_eq!(text(&inet6(flow, &[0; 4])), "{AF_INET6 [fe80::1]:80 flowinfo 0xf012345}");
        let whole = inet6(flow, &2_u32.to_ne_bytes());
        assert_eq!(
            json(&whole),
            r#"{"family":"AF_INET6","address":"fe80::1","port":80,"scope_id":2,"flowinfo":251732805}"#
        );
        assert_eq!(text(&whole[..27]), "{AF_INET6 [fe80::1]:80 flowinfo 0xf012345}");
        assert!(text(&whole[..23]).starts_with("{AF_INET6 0a00"), "{}", text(&whole[..23]));
        let mut cut = SockAddr::new(&inet6(none, &[]));
        cut.set_truncated();
        let (text, json) = written(&cut, false);
        assert_eq!(text, "{AF_INET6 [fe80::1]:80…}");
        assert_eq!(json, r#"{"family":"AF_INET6","address":"fe80::1","port":80,"truncated":true}"#);
    }

    #[test]
    fn unix_kinds() {
        assert_eq!(text(b"\x01\0"), "{AF_UNIX unnamed}");
        assert_eq!(text(b"\x01\0\0"), "{AF_UNIX @\"\"}");
        assert_eq!(text(b"\x01\0\0name"), "{AF_UNIX @\"name\"}");
        assert_eq!(text(b"\x01\0@name\0"), "{AF_UNIX \"@name\"}");
        // With and without the NUL, and with bytes after it: the same file.
        for path in [b"\x01\0/run/a".as_slice(), b"\x01\0/run/a\0", b"\x01\0/run/a\0x"] {
            assert_eq!(text(path), "{AF_UNIX \"/run/a\"}");
        }
        // After the first byte of an abstract name, every NUL counts.
        assert_eq!(text(b"\x01\0\0a\0"), "{AF_UNIX @\"a\\x00\"}");
        assert_eq!(text(b"\x01\0\0\x001"), "{AF_UNIX @\"\\x001\"}");
        assert_eq!(json(b"\x01\0"), r#"{"family":"AF_UNIX","path":"","kind":"unnamed"}"#);
        assert_eq!(
            json(b"\x01\0\0a\0"),
            "{\"family\":\"AF_UNIX\",\"path\":\"@a\\u0000\",\"kind\":\"abstract\"}"
        );
        assert_eq!(json(b"\x01\0@a"), r#"{"family":"AF_UNIX","path":"@a","kind":"pathname"}"#);
        assert_eq!(
            json(b"\x01\0a\xff\""),
            "{\"family\":\"AF_UNIX\",\"path\":\"a\u{fffd}\\\"\",\"kind\":\"pathname\",\"bytes\":\"010061ff22\"}"
        );
        assert_ne!(text(b"\x01\0a\xff"), text(b"\x01\0a\xfe"));
    }

    #[test]
    fn packet_tells_protocols_and_stations_apart() {
        let addr = [17, 0, 8, 0, 2, 0, 0, 0, 1, 0, 4, 6, 2, 0x42, 0, 0, 0, 1, 0, 0];
        let hwaddr = "hatype 1 pkttype 4 hwaddr 02:42:00:00:00:01";
        assert_eq!(text(&addr), format!("{{AF_PACKET ifindex 2 protocol 0x800 {hwaddr}}}"));
        assert_eq!(text(&addr), text(&addr[..18]));
        assert_eq!(
            json(&addr),
            r#"{"family":"AF_PACKET","ifindex":2,"protocol":2048,"hatype":1,"pkttype":4,"halen":6,"hwaddr":"02:42:00:00:00:01"}"#
        );
        let mut all = [0; 20];
        (all[0], all[3], all[11]) = (17, 3, 9);
        assert_eq!(text(&all), "{AF_PACKET ifindex 0 protocol 0x3 halen 9 hwaddr 00:00:00:00:00:00:00:00}");
        assert_eq!(text(&all[..12]), "{AF_PACKET ifindex 0 protocol 0x3 halen 9}");
    }

    #[test]
    fn a_packet_socket_of_old_names_its_device() {
        let addr = SockAddr::new(b"\x11\0eth0\0\0\0\0\0\0\0\0\0\0");
        let (text, json) = written(&addr, true);
        assert_eq!(text, "{AF_PACKET device \"eth0\"}");
        assert_eq!(json, r#"{"family":"AF_PACKET","device":"eth0"}"#);
    }

    #[test]
    fn netlink_and_vsock() {
        assert_eq!(text(b"\x10\0\0\0\x05\0\0\0\x0f\0\0\0"), "{AF_NETLINK pid 5 groups 0xf}");
        let mut addr = [0; 16];
        (addr[0], addr[4], addr[8]) = (40, 80, 2);
        assert_eq!(text(&addr), "{AF_VSOCK 2:80}");
        addr[12] = 1;
        assert_eq!(text(&addr), "{AF_VSOCK 2:80 flags 0x1}");
        assert_eq!(json(&addr), r#"{"family":"AF_VSOCK","cid":2,"port":80,"flags":1}"#);
    }
}
