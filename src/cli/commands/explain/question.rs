//! A call of socket(2), and its answers.

use crate::hook_table::HOOKS;
use libc::c_int;
use serde::Deserialize;
use serde_json::value::RawValue;
use sockshim_core::errno::Errno;
use sockshim_core::net::namespace::{Facts, INIT_NET, Net};
use sockshim_core::net::ops::{Cx, ProtoOps, Socket};
use sockshim_core::net::path::Path;
use sockshim_core::net::sock::Proto;
use sockshim_core::net::socket::sys_socket;
use sockshim_core::trace::event::Event;
use sockshim_core::trace::line::{LONGEST, Line};
use sockshim_core::trace::pieces::Process;
use sockshim_core::trace::{json, text};
use sockshim_core::uapi::{FAMILIES, Named, TypeArg, protocols_of};
use sockshim_core::verdict::{Instead, Predicted, Verdict};
use std::fmt;
use std::io;

/// The arguments, as integers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Question {
    pub family: c_int,
    pub ty: c_int,
    pub protocol: c_int,
}

impl fmt::Display for Question {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let protocol = Named(protocols_of(self.family), self.protocol);
        write!(f, "socket({}, {}, {protocol})", Named(FAMILIES, self.family), TypeArg(self.ty))
    }
}

/// What a call returns.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Outcome {
    Success,
    Errno(Errno),
}

impl Outcome {
    /// The error by its name, or as a number when it has none.
    pub fn errno_name(self) -> Option<String> {
        match self {
            Outcome::Success => None,
            Outcome::Errno(errno) => Some(errno.name().map_or_else(|| errno.0.to_string(), str::to_string)),
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.errno_name().as_deref().unwrap_or("success"))
    }
}

impl Question {
    /// The walk through the tables.
    pub fn walk(self, facts: &dyn Facts) -> Answer {
        let mut path = Path::new();
        let mut instead = Instead::new();
        let mut cx = Cx::new(&mut path, Net { facts, ..INIT_NET }, &mut instead);
        let (verdict, sock) = sys_socket(&mut cx, self.family, self.ty, self.protocol);
        Answer { question: self, verdict, sock, path }
    }

    /// The running kernel's answer to the call.
    #[expect(clippy::disallowed_methods, reason = "no hook is linked into the command, so these are libc's")]
    pub fn ask_kernel(self) -> Outcome {
        // SAFETY: socket(2) takes numbers, and any are allowed.
        let fd = unsafe { libc::socket(self.family, self.ty, self.protocol) };
        if fd < 0 {
            return Outcome::Errno(Errno(io::Error::last_os_error().raw_os_error().unwrap_or(0)));
        }
        // SAFETY: the descriptor was made above, and nobody else knows it.
        unsafe { libc::close(fd) };
        Outcome::Success
    }
}

/// The end of a walk, and its path.
pub struct Answer {
    pub question: Question,
    pub verdict: Verdict,
    pub sock: Socket,
    pub path: Path,
}

impl Answer {
    /// The outcome that the tables predict, if they predict one.
    pub fn outcome(&self) -> Option<Outcome> {
        match self.verdict.predicted {
            Predicted::Ok => Some(Outcome::Success),
            Predicted::Errno(errno) => Some(Outcome::Errno(errno)),
            Predicted::Unknown => None,
        }
    }

    /// The ops of the socket that the call makes.
    pub fn ops(&self) -> Option<&'static ProtoOps> {
        self.sock.ops
    }

    /// The protocol of the socket that the call makes.
    pub fn prot(&self) -> Option<&'static Proto> {
        // A create function that fails late has already set `prot`, so the ops decide.
        self.sock.ops.and(self.sock.sk.prot)
    }

    /// Whether the kernel's answer contradicts the prediction, or refuses a call that was predicted otherwise.
    pub fn is_divergence(&self, kernel: Outcome) -> bool {
        let errno = match kernel {
            Outcome::Success => None,
            Outcome::Errno(errno) => Some(errno.0),
        };
        Event { errno, ..self.event() }.is_unexpected()
    }

    /// The path as the JSON log has it, one value per step.
    ///
    /// # Errors
    /// None in practice: a line of the log is valid JSON.
    pub fn json_path(&self) -> io::Result<Vec<Box<RawValue>>> {
        #[derive(Deserialize)]
        struct Parsed {
            path: Vec<Box<RawValue>>,
        }
        let mut room = [0; LONGEST];
        let mut line = Line::new(&mut room);
        json::write(&self.event(), &mut nobody(), &mut line);
        Ok(serde_json::from_slice::<Parsed>(line.written())?.path)
    }

    /// A part of the path as the text log has it, indented, without the line of the call.
    pub fn text_path(&self, path: Path) -> String {
        let mut room = [0; LONGEST];
        let mut line = Line::new(&mut room);
        text::write(&Event { path, ..self.event() }, &mut nobody(), &mut line);
        let text = String::from_utf8_lossy(line.written());
        text.split_once('\n').map_or("", |(_, below)| below).to_string()
    }

    /// The event that the library would log.
    fn event(&self) -> Event {
        let hook = HOOKS.iter().find(|hook| hook.name() == "socket").unwrap_or(&HOOKS[0]);
        let mut event = Event::new(hook);
        let Question { family, ty, protocol } = self.question;
        for (argument, value) in event.args.iter_mut().zip([family, ty, protocol]) {
            *argument = value.into();
        }
        Event {
            predicted: self.verdict.predicted,
            reason: self.verdict.reason,
            ops: self.ops(),
            prot: self.prot(),
            path: self.path.clone(),
            ..event
        }
    }
}

/// A process for formatting, none of whose values are printed.
fn nobody() -> Process {
    Process::new(0, b"")
}

#[cfg(test)]
mod tests {
    use super::*;
    use sockshim_core::net;
    use sockshim_core::net::namespace::Unasked;

    #[test]
    fn arguments_are_written_by_name() {
        let text = |family, ty, protocol| Question { family, ty, protocol }.to_string();
        assert_eq!(
            text(2, 1 | libc::SOCK_CLOEXEC, 262),
            "socket(AF_INET, SOCK_STREAM|SOCK_CLOEXEC, IPPROTO_MPTCP)"
        );
        assert_eq!(text(16, 3, 0), "socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE)");
        assert_eq!(text(-1, 11, -1), "socket(-1, 11, -1)");
    }

    #[test]
    fn a_refusal_leaves_no_socket_behind() {
        net::init();
        let answer = Question { family: libc::AF_XDP, ty: 1, protocol: 0 }.walk(&Unasked);
        assert!(answer.ops().is_none() || answer.outcome().is_none());
        let answer = Question { family: 2, ty: 2, protocol: 6 }.walk(&Unasked);
        assert_eq!(answer.outcome(), Some(Outcome::Errno(Errno::EPROTONOSUPPORT)));
        assert!(answer.ops().is_none() && answer.prot().is_none());
    }

    #[test]
    fn what_is_not_predicted_is_not_contradicted() {
        net::init();
        let answer = Question { family: libc::AF_CAN, ty: 3, protocol: 1 }.walk(&Unasked);
        assert_eq!(answer.outcome(), None);
        assert!(!answer.is_divergence(Outcome::Success));
        assert!(!answer.is_divergence(Outcome::Errno(Errno::EAFNOSUPPORT)));
    }

    #[test]
    fn steps_keep_the_order_of_their_members() {
        net::init();
        let path = Question { family: 2, ty: 1, protocol: 0 }.walk(&Unasked).json_path().expect("JSON");
        let entry =
            path.iter().map(|step| step.get()).find(|step| step.contains("entry")).expect("the entry");
        assert_eq!(entry, r#"{"fn":"inet_create","entry":"TCP","index":0,"match":"wildcard","protocol":6}"#);
    }
}
