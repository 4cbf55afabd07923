//! A socket of CAN_J1939.

use std::collections::VecDeque;
use std::os::fd::{BorrowedFd, OwnedFd};

use sockshim_can_bus::pair::{
    DEST_ADDR, DEST_NAME, DONTWAIT, MOST, Message, Op, PRIO, PRIVILEGED, ReportHead, Request,
};
use sockshim_can_proto::Nanos;
use sockshim_can_proto::frame::{CAN_EFF_FLAG, CAN_RTR_FLAG, Frame};
use sockshim_can_proto::j1939::uapi::{J1939_MIN_NAMELEN, SOL_CAN_J1939};
use sockshim_can_proto::j1939::{Datagram, J1939, Output, Report, Sockaddr};
use sockshim_can_proto::raw::Filter;
use sockshim_sys as sys;

use crate::claims::Claims;
use crate::end::Asker;
use crate::line::{Line, rank};
use crate::run::{Protocol, Sides};

/// How much is kept for sending before a call has to wait: the default of SO_SNDBUF.
const SNDBUF: usize = 212_992;
/// Messages that wait in the error queue at most.
const REPORTS: usize = 256;
/// Long messages that are kept for the program at most.
const FAR: usize = 4;
/// `SOF_TIMESTAMPING_SOFTWARE`.
const SOF_TIMESTAMPING_SOFTWARE: u32 = 1 << 4;

/// A call that waits until there is room.
struct Waiting {
    request: Request,
    data: Vec<u8>,
    asker: Asker,
}

/// The socket.
pub struct Engine {
    j1939: J1939,
    waiting: VecDeque<Waiting>,
    reports: VecDeque<(Report, u64)>,
    timestamping: u32,
    /// Messages that are too long to be told in one piece, with their numbers.
    far: VecDeque<(u32, Vec<u8>)>,
    numbers: u32,
    /// What makes this socket one of those with its address.
    _rank: Option<OwnedFd>,
    /// The claims of its interface.
    claims: Option<Claims>,
}

impl Engine {
    /// `j1939_sk_init`.
    pub fn new() -> Engine {
        Engine {
            j1939: J1939::new(),
            waiting: VecDeque::new(),
            reports: VecDeque::new(),
            timestamping: 0,
            far: VecDeque::new(),
            numbers: 0,
            _rank: None,
            claims: None,
        }
    }

    fn bind(&mut self, line: &Line, address: &[u8]) -> Result<(), i32> {
        let ifindex = Sockaddr::parse(address).map_or(0, |address| address.ifindex);
        self.j1939.bind(address, line.device(ifindex))?;
        let own = self.j1939.sock().getsockname();
        self._rank = None;
        let (number, held) = rank(line, own.ifindex, own.name, own.addr);
        self.j1939.set_rank(number);
        self._rank = held;
        if self.claims.as_ref().is_none_or(|claims| claims.ifindex != own.ifindex) {
            self.claims = Claims::of(line.directory(), own.ifindex);
            let known = self.claims.as_ref().map_or(&[][..], Claims::known);
            known.iter().for_each(|claim| self.j1939.learn(*claim));
        }
        let every = Filter { id: CAN_EFF_FLAG, mask: CAN_EFF_FLAG | CAN_RTR_FLAG };
        line.hear(Some(own.ifindex), &mut [every].into_iter())
    }

    fn setsockopt(&mut self, request: &Request, value: &[u8]) -> Result<usize, i32> {
        let number = value.first_chunk().map(|bytes| u32::from_ne_bytes(*bytes));
        match (request.a, request.b, number) {
            (SOL_CAN_J1939, name, _) => {
                let had = self.j1939.sock().errqueue();
                let privileged = request.flags & PRIVILEGED != 0;
                let ret = self.j1939.setsockopt(name, Some(value), privileged)?;
                if had && !self.j1939.sock().errqueue() {
                    self.reports.clear();
                }
                if ret < 0 { Err(-ret) } else { Ok(ret as usize) }
            }
            (_, libc::SO_BROADCAST, Some(on)) => {
                self.j1939.set_broadcast(on != 0);
                Ok(0)
            }
            (_, libc::SO_PRIORITY, Some(priority)) => {
                self.j1939.set_priority(priority);
                Ok(0)
            }
            (_, libc::SO_TIMESTAMPING, Some(flags)) => {
                self.j1939.set_timestamping(flags);
                self.timestamping = flags;
                Ok(0)
            }
            _ => Err(libc::ENOPROTOOPT),
        }
    }

    /// Sends, or lets the call wait.
    fn send(&mut self, now: Nanos, waiting: Waiting) {
        let Waiting { request, data, asker } = &waiting;
        let full = !self.waiting.is_empty() || self.j1939.queued() >= SNDBUF;
        let name = (request.name_len != 0).then(|| request.name());
        let result = match self.j1939.sock().check_send(name) {
            Ok(_) if full && request.flags & DONTWAIT == 0 && asker.is_there() => {
                self.waiting.push_back(waiting);
                return;
            }
            Ok(_) if full => Err(libc::EAGAIN),
            Ok(to) => self.j1939.send_part(now, to.as_ref(), request.size as usize, data),
            Err(errno) => Err(errno),
        };
        waiting.asker.answer(result, &[]);
    }

    /// Tells of claims that are new.
    fn keep_claims(&mut self) {
        if let Some(claims) = &mut self.claims {
            claims.keep(self.j1939.claims());
        }
    }

    /// Calls that waited for room.
    fn resume(&mut self, now: Nanos) {
        while self.j1939.queued() < SNDBUF
            && let Some(Waiting { request, data, asker }) = self.waiting.pop_front()
        {
            let name = (request.name_len != 0).then(|| request.name());
            let result = self
                .j1939
                .sock()
                .check_send(name)
                .and_then(|to| self.j1939.send_part(now, to.as_ref(), request.size as usize, &data));
            asker.answer(result, &[]);
        }
    }

    /// A report for recvmsg with MSG_ERRQUEUE; the answer is the length of its data.
    fn report(&mut self) -> Result<(usize, Vec<u8>), i32> {
        let (report, stamp) = self.reports.pop_front().ok_or(libc::EAGAIN)?;
        let wanted = self.timestamping & SOF_TIMESTAMPING_SOFTWARE != 0;
        let head = ReportHead { error: report.extended_err(), stamp: if wanted { stamp } else { 0 } };
        Ok((report.attributes.len(), [&head.bytes()[..], &report.attributes].concat()))
    }

    /// A piece of a long message.
    fn fetch(&mut self, request: &Request) -> Result<(usize, Vec<u8>), i32> {
        let number = request.a as u32;
        if request.b == 0 {
            self.far.retain(|(far, _)| *far != number);
            return Ok((0, Vec::new()));
        }
        let (_, data) = self.far.iter().find(|(far, _)| *far == number).ok_or(libc::ENOBUFS)?;
        let begin = data.len().min(request.size as usize);
        let end = data.len().min(begin + (request.b.max(0) as usize).min(MOST));
        Ok((end - begin, data[begin..end].to_vec()))
    }

    fn deliver(&mut self, sides: &Sides, datagram: Datagram) {
        let Datagram { data, source, dest_addr, dest_name, priority, dontroute } = datagram;
        let flag = |there: bool, flag: u8| if there { flag } else { 0 };
        let mut head = Message {
            msg_flags: if dontroute { libc::MSG_DONTROUTE } else { 0 },
            name_len: J1939_MIN_NAMELEN,
            name: source.bytes(),
            stamp: sys::realtime(),
            cmsgs: flag(dest_addr.is_some(), DEST_ADDR) | flag(dest_name.is_some(), DEST_NAME) | PRIO,
            dest_addr: dest_addr.unwrap_or_default(),
            dest_name: dest_name.unwrap_or_default(),
            prio: priority,
            ..Message::default()
        };
        if data.len() <= MOST {
            sides.end.deliver(&head, &data);
            return;
        }
        self.numbers = self.numbers.wrapping_add(1);
        head.far = (self.numbers, data.len() as u32);
        if self.far.len() < FAR && sides.end.deliver(&head, &[]) {
            self.far.push_back((self.numbers, data));
        }
    }
}

/// Whether the frame claims an address (J1939_PGN_ADDRESS_CLAIMED).
fn is_claim(frame: &Frame) -> bool {
    frame.id & CAN_EFF_FLAG != 0 && frame.id >> 16 & 0xff == 0xee
}

impl Protocol for Engine {
    fn request(&mut self, sides: &mut Sides, now: Nanos, request: &Request, len: usize, asker: Asker) {
        let sock = self.j1939.sock();
        let none = |result: Result<usize, i32>| result.map(|count| (count, Vec::new()));
        let name = |name: Sockaddr| (0, name.bytes().to_vec());
        let result = match request.op {
            Op::Send => {
                let data = sides.end.data(len).to_vec();
                self.send(now, Waiting { request: *request, data, asker });
                return self.flush(sides, now);
            }
            Op::Bind => none(self.bind(&sides.line, request.name()).map(|()| 0)),
            Op::Connect => none(self.j1939.connect(request.name()).map(|()| 0)),
            Op::Getsockname => Ok(name(sock.getsockname())),
            Op::Getpeername => sock.getpeername().map(name),
            Op::Setsockopt => {
                let value = sides.end.data(len).to_vec();
                none(self.setsockopt(request, &value))
            }
            Op::Getsockopt => sock
                .getsockopt(request.b, request.size as i64 as i32)
                .map(|value| (0, value.to_ne_bytes().to_vec())),
            Op::Errqueue => self.report(),
            Op::Fetch => self.fetch(request),
            Op::Hello => Err(libc::EINVAL),
        };
        self.flush(sides, now);
        match result {
            Ok((count, rest)) => asker.answer(Ok(count), &rest),
            Err(errno) => asker.answer(Err(errno), &[]),
        }
    }

    fn frame(&mut self, now: Nanos, ifindex: i32, frame: &Frame) {
        if ifindex == self.j1939.sock().getsockname().ifindex {
            self.j1939.receive(now, frame, false);
            if is_claim(frame) {
                self.keep_claims();
            }
        }
    }

    fn notice(&mut self, _sides: &mut Sides, ifindex: i32, _errno: i32) {
        if ifindex == self.j1939.sock().getsockname().ifindex {
            self.j1939.down();
            self.keep_claims();
        }
    }

    fn next_timer(&self) -> Option<Nanos> {
        self.j1939.next_timer()
    }

    fn timer(&mut self, now: Nanos) {
        self.j1939.timer(now);
        self.keep_claims();
    }

    fn flush(&mut self, sides: &mut Sides, now: Nanos) {
        let ifindex = self.j1939.sock().getsockname().ifindex;
        loop {
            while let Some(output) = self.j1939.poll() {
                match output {
                    Output::Frame(frame) => {
                        sides.line.send(ifindex, &frame);
                    }
                    Output::Datagram(datagram) => self.deliver(sides, datagram),
                    Output::Report(report) if self.reports.len() < REPORTS => {
                        self.reports.push_back((report, sys::realtime()));
                    }
                    Output::Report(_) => {}
                    Output::Error(errno) => sides.end.report(errno),
                }
            }
            if self.waiting.is_empty() || self.j1939.queued() >= SNDBUF {
                return;
            }
            self.resume(now);
        }
    }

    fn is_done(&self) -> bool {
        self.j1939.pending() == 0
    }

    fn waits(&self) -> Option<BorrowedFd<'_>> {
        self.waiting.front().and_then(|waiting| waiting.asker.fd())
    }

    fn interrupted(&mut self, _sides: &mut Sides) {
        self.waiting.pop_front();
    }
}
