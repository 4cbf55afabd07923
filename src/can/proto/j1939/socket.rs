//! The socket as the program sees it (`net/can/j1939/socket.c`): names, options, and what each call refuses. It is plain
//! state, so that the program's process can check a call in its own copy before the engine performs it.

use super::cb::Cb;
use super::uapi::*;
use crate::Errno;

/// What is stored of a socket.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Sock {
    pub(super) bound: bool,
    connected: bool,
    promisc: bool,
    errqueue: bool,
    broadcast: bool,
    pub(super) ifindex: i32,
    pub(super) src_name: u64,
    pub(super) sa: u8,
    dst_name: u64,
    da: u8,
    pgn: u32,
    pgn_rx_filter: u32,
    filters: Vec<Filter>,
    sk_priority: u32,
    sk_tsflags: u32,
}

impl Default for Sock {
    fn default() -> Sock {
        Sock::new()
    }
}

/// The flags that recvmsg knows: MSG_DONTWAIT, MSG_ERRQUEUE, and the kernel's own MSG_CMSG_COMPAT.
const RECV_FLAGS: libc::c_int = libc::MSG_DONTWAIT | libc::MSG_ERRQUEUE | i32::MIN;

impl Sock {
    /// What socket(2) makes.
    pub fn new() -> Sock {
        Sock {
            bound: false,
            connected: false,
            promisc: false,
            errqueue: false,
            broadcast: false,
            ifindex: 0,
            src_name: J1939_NO_NAME,
            sa: J1939_NO_ADDR,
            dst_name: J1939_NO_NAME,
            da: J1939_NO_ADDR,
            pgn: J1939_NO_PGN,
            pgn_rx_filter: J1939_NO_PGN,
            filters: Vec::new(),
            sk_priority: 1,
            sk_tsflags: 0,
        }
    }

    /// bind(2): the source of what is sent, and which destinations and which PGN are received. A socket may be bound again, on
    /// the same interface; a PGN stays if the new address has none. `device` is what is to say of the interface.
    ///
    /// # Errors
    /// EINVAL: too short, another family, a PGN with a destination in it, or bound to another interface. ENODEV: interface 0.
    /// If the socket is not bound: what `device` says, ENODEV or ENETDOWN.
    pub fn bind(&mut self, address: &[u8], device: Result<(), Errno>) -> Result<(), Errno> {
        let address = sanity_check(address)?;
        match self.bound {
            true if self.ifindex != address.ifindex => return Err(libc::EINVAL),
            true => {}
            false => device?,
        }
        self.ifindex = address.ifindex;
        if pgn_is_valid(address.pgn) {
            self.pgn_rx_filter = address.pgn;
        }
        (self.src_name, self.sa, self.bound) = (address.name, address.addr, true);
        Ok(())
    }

    /// connect(2): the destination of what is sent without one, its PGN, and which sources are received.
    ///
    /// # Errors
    /// EINVAL: as for bind, or not bound. ENODEV: interface 0. EACCES: everybody, without SO_BROADCAST.
    pub fn connect(&mut self, address: &[u8]) -> Result<(), Errno> {
        let address = sanity_check(address)?;
        if !self.bound || self.ifindex != address.ifindex {
            return Err(libc::EINVAL);
        }
        if address.is_broadcast() && !self.broadcast {
            return Err(libc::EACCES);
        }
        (self.dst_name, self.da, self.connected) = (address.name, address.addr, true);
        if pgn_is_valid(address.pgn) {
            self.pgn = address.pgn;
        }
        Ok(())
    }

    /// getsockname(2). The PGN is that of connect, in the kernel too.
    pub fn getsockname(&self) -> Sockaddr {
        Sockaddr { ifindex: self.ifindex, name: self.src_name, pgn: self.pgn, addr: self.sa }
    }

    /// getpeername(2).
    ///
    /// # Errors
    /// EADDRNOTAVAIL: not connected.
    pub fn getpeername(&self) -> Result<Sockaddr, Errno> {
        match self.connected {
            true => Ok(Sockaddr { ifindex: self.ifindex, name: self.dst_name, pgn: self.pgn, addr: self.da }),
            false => Err(libc::EADDRNOTAVAIL),
        }
    }

    /// setsockopt(2) on the level SOL_CAN_J1939; `None` is a null pointer, `privileged` is CAP_NET_ADMIN. What it returns is not
    /// zero for the two flags but their value, as in the kernel; a negative one reaches the program as an errno.
    ///
    /// # Errors
    /// ENOPROTOOPT, EINVAL for a wrong length, EFAULT, EDOM for a priority that is none, EPERM for one below 2.
    pub fn setsockopt(
        &mut self,
        name: libc::c_int,
        value: Option<&[u8]>,
        privileged: bool,
    ) -> Result<libc::c_int, Errno> {
        match name {
            SO_J1939_FILTER => self.set_filters(value.unwrap_or_default()).map(|()| 0),
            SO_J1939_PROMISC => flag(&mut self.promisc, value),
            SO_J1939_ERRQUEUE => flag(&mut self.errqueue, value),
            SO_J1939_SEND_PRIO => match int(value)? {
                prio if !(0..=7).contains(&prio) => Err(libc::EDOM),
                prio if prio < 2 && !privileged => Err(libc::EPERM),
                prio => {
                    self.sk_priority = 7 - prio.cast_unsigned();
                    Ok(0)
                }
            },
            _ => Err(libc::ENOPROTOOPT),
        }
    }

    fn set_filters(&mut self, value: &[u8]) -> Result<(), Errno> {
        let (filters, rest) = value.as_chunks::<FILTER_SIZE>();
        if !rest.is_empty() || filters.len() > J1939_FILTER_MAX {
            return Err(libc::EINVAL);
        }
        self.filters = filters.iter().map(Filter::parse).collect();
        Ok(())
    }

    /// getsockopt(2) on the level SOL_CAN_J1939 with room for `len` bytes: the value, an int.
    ///
    /// # Errors
    /// ENOPROTOOPT, also for the filters; EFAULT without room for an int; EINVAL for a negative length.
    pub fn getsockopt(&self, name: libc::c_int, len: libc::c_int) -> Result<libc::c_int, Errno> {
        if len < 0 {
            return Err(libc::EINVAL);
        }
        let value = match name {
            SO_J1939_PROMISC => i32::from(self.promisc),
            SO_J1939_ERRQUEUE => i32::from(self.errqueue),
            SO_J1939_SEND_PRIO => i32::from(self.prio()),
            _ => return Err(libc::ENOPROTOOPT),
        };
        if len < 4 { Err(libc::EFAULT) } else { Ok(value) }
    }

    /// SO_BROADCAST: whether messages for everybody may be sent and are received.
    pub fn set_broadcast(&mut self, on: bool) {
        self.broadcast = on;
    }

    /// SO_PRIORITY, which is the same as SO_J1939_SEND_PRIO but the other way round, up to 7.
    pub fn set_priority(&mut self, sk_priority: u32) {
        self.sk_priority = sk_priority;
    }

    /// The flags of SO_TIMESTAMPING: they choose what is reported to the error queue.
    pub fn set_timestamping(&mut self, flags: u32) {
        self.sk_tsflags = flags;
    }

    /// The flags of SO_TIMESTAMPING.
    pub(super) fn timestamping(&self) -> u32 {
        self.sk_tsflags
    }

    /// Whether errors go to the error queue, SO_J1939_ERRQUEUE. The queue is to be emptied when this ends.
    pub fn errqueue(&self) -> bool {
        self.errqueue
    }

    /// The checks of sendmsg(2) up to the data; `None` is no msg_name. The address is for [`send`](super::J1939::send).
    ///
    /// # Errors
    /// EBADFD: not bound, no source, or the interface is another. EINVAL: too short, another family, a PGN with a destination in
    /// it. EACCES: for everybody, without SO_BROADCAST.
    pub fn check_send(&self, address: Option<&[u8]>) -> Result<Option<Sockaddr>, Errno> {
        self.has_source()?;
        let address = address.map(Sockaddr::parse).transpose()?;
        self.admit(address.as_ref()).map(|()| address)
    }

    fn has_source(&self) -> Result<(), Errno> {
        let none = self.src_name == J1939_NO_NAME && self.sa == J1939_NO_ADDR;
        if !self.bound || none { Err(libc::EBADFD) } else { Ok(()) }
    }

    /// The same with the address as it is stored.
    pub(super) fn admit(&self, address: Option<&Sockaddr>) -> Result<(), Errno> {
        self.has_source()?;
        let Some(address) = address else {
            let nobody = self.dst_name == J1939_NO_NAME && self.da == J1939_NO_ADDR;
            return if nobody && !self.broadcast { Err(libc::EACCES) } else { Ok(()) };
        };
        if address.ifindex != 0 && address.ifindex != self.ifindex {
            return Err(libc::EBADFD);
        }
        address.check_pgn()?;
        if address.is_broadcast() && !self.broadcast { Err(libc::EACCES) } else { Ok(()) }
    }

    /// The check of recvmsg(2): MSG_PEEK, MSG_TRUNC and MSG_WAITALL are among what J1939 does not have.
    ///
    /// # Errors
    /// EINVAL
    pub fn check_recv(flags: libc::c_int) -> Result<(), Errno> {
        if flags & !RECV_FLAGS == 0 { Ok(()) } else { Err(libc::EINVAL) }
    }

    /// The priority of what is sent.
    fn prio(&self) -> u8 {
        7 - self.sk_priority.min(7) as u8
    }

    /// What a message to this destination has beside its data.
    pub(super) fn outgoing(&self, address: Option<&Sockaddr>, kind: super::cb::Kind) -> Cb {
        let mut cb = Cb {
            src_name: self.src_name,
            dst_name: self.dst_name,
            pgn: self.pgn,
            sa: self.sa,
            da: self.da,
            kind,
            local_src: true,
            local_dst: false,
            priority: self.prio(),
        };
        if let Some(address) = address {
            if !address.is_broadcast() {
                (cb.dst_name, cb.da) = (address.name, address.addr);
            }
            if pgn_is_valid(address.pgn) {
                cb.pgn = address.pgn;
            }
        }
        cb
    }

    /// Whether the socket receives such a message, `j1939_sk_recv_match_one`.
    pub(super) fn matches(&self, cb: &Cb) -> bool {
        let filtered = || self.filters.iter().any(|filter| filter.matches(cb.src_name, cb.sa, cb.pgn));
        self.bound && self.matches_names(cb) && (self.filters.is_empty() || filtered())
    }

    /// What bind and connect let through: a NAME counts before an address where both are known.
    fn matches_names(&self, cb: &Cb) -> bool {
        if self.promisc {
            return true;
        }
        let destination = match (self.src_name, cb.dst_name) {
            (name, other) if name != J1939_NO_NAME && other != J1939_NO_NAME => name == other,
            _ if address_is_unicast(cb.da) => self.sa == cb.da,
            _ => self.broadcast,
        };
        let source = match (self.dst_name, cb.src_name) {
            _ if !self.connected => true,
            (name, other) if name != J1939_NO_NAME && other != J1939_NO_NAME => name == other,
            _ => self.da == cb.sa,
        };
        destination && source && (!pgn_is_valid(self.pgn_rx_filter) || self.pgn_rx_filter == cb.pgn)
    }
}

/// What bind and connect check first.
fn sanity_check(address: &[u8]) -> Result<Sockaddr, Errno> {
    let address = Sockaddr::parse(address)?;
    if address.ifindex == 0 {
        return Err(libc::ENODEV);
    }
    address.check_pgn().map(|()| address)
}

fn flag(flag: &mut bool, value: Option<&[u8]>) -> Result<libc::c_int, Errno> {
    let value = int(value)?;
    *flag = value != 0;
    Ok(value)
}

/// The int that an option's value is. A null pointer has no length here, so its errno is that of one that has the right one.
fn int(value: Option<&[u8]>) -> Result<libc::c_int, Errno> {
    let value = value.ok_or(libc::EFAULT)?;
    value.try_into().map(libc::c_int::from_ne_bytes).map_err(|_| libc::EINVAL)
}
