//! What each descriptor is, for its whole life: kind, own name and the peer's, as far as calls have told.

use super::event::Event;
use super::places::place;
use super::style::one_line;
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A socket, which several descriptors of several processes may refer to.
#[derive(Clone, Default, Debug)]
pub struct Sock {
    /// Such as TCP, UDPv6 or UNIX-STREAM.
    pub kind: String,
    /// Its own address.
    pub local: Option<String>,
    /// The peer's.
    pub peer: Option<String>,
    /// The names of the kernel's tables for it, `ops` and `prot`, as events have them.
    pub tables: [Option<String>; 2],
    state: State,
}

#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
enum State {
    #[default]
    Fresh,
    /// A connect(2) goes on by itself.
    Connecting,
    Listening,
    Connected,
}

/// How many sockets of a kind were made, and what they became.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub struct Count {
    /// All of them.
    pub made: u64,
    /// Those that were told to listen.
    pub listening: u64,
    /// Those that got a peer.
    pub connected: u64,
}

/// One thread at a time has them all, but that may be another one at the end.
type Shared = Arc<Mutex<Sock>>;
type Table = HashMap<i32, Shared>;

/// All descriptors of all processes.
#[derive(Default)]
pub struct Sockets {
    tables: HashMap<i32, Table>,
    /// By kind.
    pub counts: BTreeMap<String, Count>,
}

impl Sockets {
    /// The socket behind a descriptor.
    pub fn get(&self, pid: i32, fd: i32) -> Option<Sock> {
        Some(open(self.tables.get(&pid)?.get(&fd)?).clone())
    }

    /// Takes in what a call says. Descriptors that it closes are forgotten by [`Sockets::after`].
    pub fn apply(&mut self, event: &Event) {
        let pid = event.pid;
        if let (Some(fd), Some(kind)) = (event.fd, kind_of(event)) {
            let makes = matches!(event.name(), "socket");
            let sock = self.entry(event, fd, &kind, makes && event.ret >= 0);
            learn(event, &sock, self.counts.entry(kind).or_default());
        }
        match event.name() {
            "accept" | "accept4" if event.ret >= 0 => self.accepted(event),
            "socketpair" if event.ret == 0 => self.paired(event),
            "fork" | "vfork" | "_Fork" | "clone" | "forkpty" if event.ret > 0 => {
                let table = self.tables.get(&pid).cloned().unwrap_or_default();
                self.tables.entry(event.ret as i32).or_insert(table);
            }
            _ => {}
        }
    }

    /// After the call was shown: takes in what ends descriptors or makes others.
    pub fn after(&mut self, event: &Event) {
        let Some(table) = self.tables.get_mut(&event.pid) else { return };
        let (fd, ret) = (event.fd.unwrap_or(-1), event.ret);
        match event.name() {
            "close" | "fclose" | "pclose" if ret == 0 => {
                table.remove(&fd);
            }
            "close_range"
                if ret == 0 && event.arg("flags").is_none_or(|flags| flags == 0 || flags == "0") =>
            {
                let (first, last) = (event.int("first").unwrap_or(0), event.int("last").unwrap_or(i64::MAX));
                table.retain(|fd, _| !(first..=last).contains(&i64::from(*fd)));
            }
            "closefrom" => {
                let first = event.int("lowfd").unwrap_or(0);
                table.retain(|fd, _| i64::from(*fd) < first);
            }
            "dup" | "dup2" | "dup3" if ret >= 0 => copy(table, fd, ret as i32),
            "fcntl" if ret >= 0 && is_dup(event) => copy(table, fd, ret as i32),
            "_exit" | "_Exit" | "exit" | "summary" => {
                self.tables.remove(&event.pid);
            }
            _ => {}
        }
    }

    /// The entry of a descriptor. A new socket takes the place of what was there.
    fn entry(&mut self, event: &Event, fd: i32, kind: &str, is_new: bool) -> Shared {
        let table = self.tables.entry(event.pid).or_default();
        if let Some(known) = table.get(&fd)
            && !is_new
            && open(known).kind == kind
        {
            return Arc::clone(known);
        }
        self.counts.entry(kind.to_owned()).or_default().made += 1;
        let sock = Arc::new(Mutex::new(Sock {
            kind: kind.to_owned(),
            tables: [&event.ops, &event.prot].map(|name| name.as_deref().map(str::to_owned)),
            ..Sock::default()
        }));
        table.insert(fd, Arc::clone(&sock));
        sock
    }

    fn accepted(&mut self, event: &Event) {
        let Some(kind) = kind_of(event) else { return };
        let listener = event.fd.and_then(|fd| self.get(event.pid, fd)).unwrap_or_default();
        let sock = self.entry(event, event.ret as i32, &kind, true);
        let mut sock = open(&sock);
        sock.local =
            listener.local.filter(|local| !local.starts_with("0.0.0.0:") && !local.starts_with("[::]:"));
        sock.local = event.arg("local").and_then(place).or_else(|| sock.local.take());
        sock.peer = event.arg("addr").and_then(place).or_else(|| event.arg("peer").and_then(place));
        sock.state = State::Connected;
        self.counts.entry(kind).or_default().connected += 1;
    }

    fn paired(&mut self, event: &Event) {
        let Some(kind) = kind_of(event) else { return };
        let both = event.arg("sv").and_then(|sv| sv.as_array()).cloned().unwrap_or_default();
        for fd in both.iter().filter_map(serde_json::Value::as_i64) {
            open(&self.entry(event, fd as i32, &kind, true)).state = State::Connected;
            self.counts.entry(kind.clone()).or_default().connected += 1;
        }
    }
}

fn open(sock: &Shared) -> MutexGuard<'_, Sock> {
    sock.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What a call tells of the socket that it is about.
fn learn(event: &Event, sock: &Shared, count: &mut Count) {
    let named = || event.arg("addr").and_then(place);
    let own = || event.arg("local").and_then(place);
    let mut sock = open(sock);
    let goes_on = event.errno.as_deref() == Some("EINPROGRESS");
    // What tells that a connect(2) has come to its end.
    let has_peer = match event.name() {
        "connect" | "getpeername" => event.ret == 0 || event.errno.as_deref() == Some("EISCONN"),
        "getsockopt" => event.ret == 0 && event.told("SO_ERROR") == Some(0),
        "send" | "recv" | "write" | "read" | "sendmsg" | "recvmsg" | "writev" | "readv" => event.ret > 0,
        _ => false,
    };
    if has_peer
        && (sock.state == State::Connecting || (sock.state == State::Fresh && event.name() == "connect"))
    {
        sock.state = State::Connected;
        count.connected += 1;
    }
    match event.name() {
        // Port 0 takes any: the kernel says which.
        "bind" if event.ret == 0 => {
            sock.local = own().or_else(|| named().filter(|name| !name.ends_with(":0")))
        }
        "connect" if goes_on || event.ret == 0 => {
            sock.peer = named();
            sock.local = own().or_else(|| sock.local.take());
            if goes_on && sock.state == State::Fresh {
                sock.state = State::Connecting;
            }
        }
        "listen" if event.ret == 0 && sock.state == State::Fresh => {
            sock.state = State::Listening;
            count.listening += 1;
        }
        "getsockname" if event.ret == 0 => sock.local = named().or_else(|| sock.local.take()),
        "getpeername" if event.ret == 0 => sock.peer = named().or_else(|| sock.peer.take()),
        _ => {}
    }
}

fn copy(table: &mut Table, from: i32, to: i32) {
    match table.get(&from).cloned() {
        Some(sock) => table.insert(to, sock),
        None => table.remove(&to),
    };
}

fn is_dup(event: &Event) -> bool {
    event.arg("cmd").is_some_and(|cmd| cmd == "F_DUPFD" || cmd == "F_DUPFD_CLOEXEC")
}

/// The kind of the socket that a call is about: TCP for tcp_prot, UNIX-DGRAM for unix_dgram_ops.
fn kind_of(event: &Event) -> Option<String> {
    let ops = event.ops.as_deref()?;
    if let Some(sort) = ops.strip_prefix("unix_").and_then(|rest| rest.strip_suffix("_ops")) {
        return Some(format!("UNIX-{}", sort.to_uppercase()));
    }
    let name = event.prot.as_deref().unwrap_or(ops);
    let name = ["_prot", "_proto", "_ops"].iter().find_map(|end| name.strip_suffix(end)).unwrap_or(name);
    Some(match name.strip_suffix("v6") {
        Some(name) => format!("{}v6", name.to_uppercase()),
        None => name.to_uppercase(),
    })
}

impl Sock {
    /// As strace -yy writes it: `TCP:[127.0.0.1:40000->127.0.0.1:80]`.
    pub fn annotation(&self) -> String {
        let [local, peer] = [&self.local, &self.peer].map(|name| name.as_deref().map(one_line));
        let names = match (&local, &peer) {
            (None, None) => return self.kind.clone(),
            (Some(local), None) => local.clone(),
            (local, Some(peer)) => format!("{}->{peer}", local.as_deref().unwrap_or_default()),
        };
        format!("{}:[{names}]", self.kind)
    }

    /// Its names.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.local.iter().chain(&self.peer).map(String::as_str)
    }
}
