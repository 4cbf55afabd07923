//! Calls that wait. The library tells of a call when it has ended, so what a program hangs in is asked of the kernel:
//! `/proc/PID/task/TID/syscall` has the number and the arguments of the system call that a thread is blocked in. It can be read of
//! every descendant, and reading it stops nobody.

use super::event::Event;
use crate::commands::run::proc;
use crate::hook_table::HOOKS;
use libc::c_long;
use sockshim_core::hook::Hook;
use sockshim_core::meaning::Meaning;
use sockshim_core::net::address::SockAddr;
use sockshim_core::trace::event::{Event as LogEvent, Extra};
use sockshim_core::trace::json;
use sockshim_core::trace::line::{LONGEST, Line};
use sockshim_core::trace::pieces::Process;
use std::collections::HashMap;
use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::time::{SystemTime, UNIX_EPOCH};

/// How many arguments a system call has.
const ARGUMENTS: usize = 6;
/// The longest address that is looked at.
const LONGEST_ADDRESS: usize = 128;

/// System calls that may wait for somebody else, and libc's functions with the same arguments.
const MAY_WAIT: [(c_long, &str); 19] = [
    (libc::SYS_accept, "accept"),
    (libc::SYS_accept4, "accept4"),
    (libc::SYS_connect, "connect"),
    (libc::SYS_sendto, "sendto"),
    (libc::SYS_sendmsg, "sendmsg"),
    (libc::SYS_sendmmsg, "sendmmsg"),
    (libc::SYS_recvfrom, "recvfrom"),
    (libc::SYS_recvmsg, "recvmsg"),
    (libc::SYS_recvmmsg, "recvmmsg"),
    (libc::SYS_read, "read"),
    (libc::SYS_readv, "readv"),
    (libc::SYS_write, "write"),
    (libc::SYS_writev, "writev"),
    (libc::SYS_poll, "poll"),
    (libc::SYS_ppoll, "ppoll"),
    (libc::SYS_select, "select"),
    (libc::SYS_pselect6, "pselect"),
    (libc::SYS_epoll_wait, "epoll_wait"),
    (libc::SYS_epoll_pwait, "epoll_pwait"),
];
/// Functions that libc makes of another one's system call: they are meant where the argument at that index is NULL.
const SHORTER: [(&str, usize, &str); 3] =
    [("sendto", 4, "send"), ("recvfrom", 4, "recv"), ("pselect", 5, "select")];
/// Calls on files of all kinds: they are shown where the descriptor is known as a socket.
const OF_ANY_FILE: [&str; 4] = ["read", "readv", "write", "writev"];
/// Calls that only sleep where they wait for no descriptor, and the index of how many there are.
const SLEEPS: [(&str, usize); 4] = [("poll", 1), ("ppoll", 1), ("select", 0), ("pselect", 0)];

/// What a thread is blocked in: the call's number and arguments, and where the thread stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Blocked {
    number: c_long,
    arguments: [u64; ARGUMENTS],
    stack: u64,
}

/// What waits, as far as it was shown.
#[derive(Default)]
pub struct Waits {
    shown: HashMap<i32, Blocked>,
}

impl Waits {
    /// The thread has ended a call.
    pub fn has_gone_on(&mut self, tid: i32) {
        self.shown.remove(&tid);
    }

    /// The calls in which threads of a process wait and that were not here before, each as the line of the log that it would be.
    pub fn news(&mut self, pid: i32) -> Vec<Vec<u8>> {
        let tasks = fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
        let mut tids: Vec<i32> = tasks.filter_map(|task| task.file_name().to_str()?.parse().ok()).collect();
        tids.sort_unstable();
        tids.into_iter().filter_map(|tid| self.news_of(pid, tid)).collect()
    }

    fn news_of(&mut self, pid: i32, tid: i32) -> Option<Vec<u8>> {
        let read = fs::read_to_string(format!("/proc/{pid}/task/{tid}/syscall"));
        let Some(blocked) = read.ok().as_deref().and_then(parse) else {
            self.shown.remove(&tid);
            return None;
        };
        if self.shown.insert(tid, blocked) == Some(blocked) {
            return None;
        }
        line(pid, tid, &blocked)
    }
}

/// Whether the descriptor of a call must be known as a socket.
pub fn is_of_any_file(event: &Event) -> bool {
    OF_ANY_FILE.contains(&event.name())
}

/// The process that a writer belongs to, by the writer's number: its parent, or itself where the writer is a thread. `None` if
/// the process calls itself otherwise, as in another pid namespace: then `/proc` has another one of that number, or none.
pub fn program_of(writer: i32, pid: i32) -> Option<i32> {
    (writer == pid || proc::parent(writer) == Some(pid)).then_some(pid)
}

/// `NUMBER ARGUMENTS… STACK COUNTER`; of a thread that runs `running`, and of one that is blocked otherwise `-1 STACK COUNTER`.
fn parse(text: &str) -> Option<Blocked> {
    let mut words = text.split_ascii_whitespace();
    let number = words.next()?.parse().ok()?;
    let mut hex = || u64::from_str_radix(words.next()?.strip_prefix("0x")?, 16).ok();
    let mut arguments = [0; ARGUMENTS];
    for argument in &mut arguments {
        *argument = hex()?;
    }
    Some(Blocked { number, arguments, stack: hex()? })
}

/// The function that the program has called, if it may wait for somebody else.
fn function(blocked: &Blocked) -> Option<&'static Hook> {
    let (_, name) = MAY_WAIT.iter().find(|(number, _)| *number == blocked.number)?;
    if SLEEPS.iter().any(|(sleep, index)| sleep == name && blocked.arguments[*index] == 0) {
        return None;
    }
    let shorter = SHORTER.iter().find(|(longer, index, _)| longer == name && blocked.arguments[*index] == 0);
    let name = shorter.map_or(*name, |(_, _, name)| name);
    HOOKS.iter().find(|hook| hook.name() == name)
}

/// The line of the log that the call would be if it had ended by now.
fn line(pid: i32, tid: i32, blocked: &Blocked) -> Option<Vec<u8>> {
    let hook = function(blocked)?;
    let mut event = LogEvent::new(hook);
    for (to, from) in event.args.iter_mut().zip(blocked.arguments) {
        *to = from as i64;
    }
    event.tid = tid;
    event.start = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos() as u64;
    let of_descriptor = hook.param(0).is_some_and(|param| matches!(param.name, "fd" | "epfd"));
    event.fd = of_descriptor.then_some(blocked.arguments[0] as i32);
    // What accept(2) and recvfrom(2) are to fill has nothing in it yet.
    if let "connect" | "sendto" = hook.name()
        && let Some(address) = hook.index_of(Meaning::Addr).and_then(|index| address(pid, blocked, index))
    {
        (event.extra, event.addr) = (Extra::Address, address);
    }
    let comm = fs::read(format!("/proc/{pid}/comm")).ok()?;
    let mut process = Process::new(pid, comm.strip_suffix(b"\n").unwrap_or(&comm));
    let mut buffer = vec![0; LONGEST];
    let mut line = Line::new(&mut buffer);
    json::write(&event, &mut process, &mut line);
    Some(line.written().to_vec())
}

/// The address that an argument points to; its length is the next one.
fn address(pid: i32, blocked: &Blocked, index: usize) -> Option<SockAddr> {
    let (at, len) = (*blocked.arguments.get(index)?, *blocked.arguments.get(index + 1)? as u32);
    let mut bytes = [0; LONGEST_ADDRESS];
    let bytes = bytes.get_mut(..len as usize)?;
    File::open(format!("/proc/{pid}/mem")).ok()?.read_exact_at(bytes, at).ok()?;
    Some(SockAddr::new(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> Option<&'static str> {
        parse(text).as_ref().and_then(function).map(Hook::name)
    }

    #[test]
    fn calls_are_those_of_libc() {
        for (text, call) in [
            ("45 0x3 0x7f 0x5 0x0 0x0 0x0 0x7ffd 0x7f9c\n", Some("recv")),
            ("45 0x3 0x7f 0x5 0x0 0x7f 0x7f 0x7ffd 0x7f9c\n", Some("recvfrom")),
            ("43 0x3 0x0 0x0 0x0 0x0 0x0 0x7ffd 0x7f9c\n", Some("accept")),
            ("270 0x4 0x7f 0x0 0x0 0x0 0x0 0x7ffd 0x7f9c\n", Some("select")),
            ("7 0x7f 0x1 0xffffffff 0x0 0x0 0x0 0x7ffd 0x7f9c\n", Some("poll")),
            // poll(2) as a sleep, futex(2), and threads that are in no call.
            ("7 0x0 0x0 0x64 0x0 0x0 0x0 0x7ffd 0x7f9c\n", None),
            ("202 0x7f 0x80 0x0 0x0 0x0 0x0 0x7ffd 0x7f9c\n", None),
            ("-1 0x7ffd 0x7f9c\n", None),
            ("running\n", None),
            ("", None),
        ] {
            assert_eq!(name(text), call, "{text}");
        }
    }

    #[test]
    fn every_call_that_may_wait_has_a_hook() {
        let shorter = SHORTER.iter().map(|(_, _, name)| name);
        for name in MAY_WAIT.iter().map(|(_, name)| name).chain(shorter) {
            assert!(HOOKS.iter().any(|hook| hook.name() == *name), "{name}");
        }
    }

    #[test]
    fn a_line_is_an_event_of_the_log() {
        let text = "45 0x3 0x7f0000000000 0x5 0x40 0x0 0x0 0x7ffd 0x7f9c\n";
        let own = std::process::id() as i32;
        let line = line(own, own, &parse(text).expect("a call")).expect("a line");
        let event: Event = serde_json::from_slice(&line).expect("an event");
        assert_eq!((event.pid, event.tid, event.name(), event.fd), (own, own, "recv", Some(3)));
        assert_eq!(event.arg("flags").and_then(|flags| flags.as_str()), Some("MSG_DONTWAIT"));
    }

    #[test]
    fn a_process_of_another_name_is_nobodys() {
        let own = std::process::id() as i32;
        assert_eq!(program_of(own, own), Some(own));
        assert_eq!(program_of(own, std::os::unix::process::parent_id() as i32), proc::parent(own));
        assert_eq!(program_of(own, own + 1), None);
    }
}
