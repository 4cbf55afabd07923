//! What a call's descriptor refers to, and what is decided about the call: by the walk, and at its hooks by the rules.

use crate::call::{Note, Ticket};
use crate::nsproxy::net_ns;
use crate::rules::judge::CallJudge;
use crate::track::{self, Begun};
use crate::{rules, threads};
use sockshim_core::fdtable::Packed;
use sockshim_core::net::ops::{Cx, ProtoOps, Socket};
use sockshim_core::net::path::Path;
use sockshim_core::net::socket::Found;
use sockshim_core::rules::Rules;
use sockshim_core::trace::event::{Course, Event};
use sockshim_core::verdict::{Change, Reason, Verdict};

/// What a walk ends with.
pub trait Decided {
    /// The same, for this reason.
    fn because(self, reason: Reason) -> Self;
}

impl Decided for Verdict {
    fn because(self, reason: Reason) -> Self {
        Verdict { reason, ..self }
    }
}

/// A walk that makes a socket.
impl Decided for (Verdict, Socket) {
    fn because(self, reason: Reason) -> Self {
        (self.0.because(reason), self.1)
    }
}

/// A part of a walk.
impl Decided for Result<(), Verdict> {
    fn because(self, reason: Reason) -> Self {
        self.map_err(|verdict| verdict.because(reason))
    }
}

impl Ticket {
    /// What `fd` refers to. With `careful`, the kernel is asked whether the entry is still true.
    pub fn lookup(&mut self, fd: i32, careful: bool) -> Found {
        self.lookup_as(fd, careful, careful)
    }

    /// [`Ticket::lookup`] with care for what is known to be a socket, and with care for what is known to be none.
    pub fn lookup_as(&mut self, fd: i32, known: bool, other: bool) -> Found {
        self.event.fd = Some(fd);
        if let Some(socket) = track::known(fd)
            && (!known || track::confirmed(fd, &socket))
        {
            self.handle = Some(socket.handle());
            self.event.before = Some(socket.socket());
            if threads::has_others() {
                self.look_beside_others();
            }
            return self.event.set_found(Found::Socket);
        }
        self.asked(fd, other)
    }

    /// The lookup of a descriptor that is not known as a socket.
    #[cold]
    #[inline(never)]
    fn asked(&mut self, fd: i32, careful: bool) -> Found {
        if !careful && track::is_other(fd) {
            return self.event.set_found(Found::NotSocket);
        }
        let (socket, handle) = match track::adopt(fd) {
            Ok(adopted) => adopted,
            Err(found) => return self.event.set_found(found),
        };
        self.handle = handle;
        self.event.before = Some(Packed::of(&socket));
        if threads::has_others() {
            self.look_beside_others();
        }
        self.event.set_found(Found::Socket)
    }

    #[cold]
    #[inline(never)]
    fn look_beside_others(&mut self) {
        if let (Some(handle), Some(socket)) = (self.handle, &mut self.event.before) {
            self.begun = Begun::look(handle, socket);
        }
    }

    /// The ops of the socket that was found or is to be made.
    #[inline(always)]
    pub fn ops(&self) -> Option<&'static ProtoOps> {
        match &self.socket {
            Some(socket) => socket.ops,
            None => self.event.before.and_then(Packed::ops),
        }
    }

    /// Runs the walk of a call on the descriptor that was looked up, and stores its verdict.
    #[inline(never)]
    pub fn decide(&mut self, course: &'static Course) {
        self.socket = self.event.before.map(Packed::unpack);
        let verdict =
            self.walked(course, |event, cx, socket| (course.walk)(event, cx, event.found.with(socket)));
        self.settle(verdict);
    }

    /// Runs a walk, whose path is found when the event is written: the program's thread does not keep it.
    #[inline(always)]
    pub fn walked<R: Decided>(
        &mut self,
        course: &'static Course,
        run: impl FnOnce(&Event, &mut Cx, Option<&Socket>) -> R,
    ) -> R {
        self.event.course = Some(course);
        self.ruled(run)
    }

    /// Runs a walk, or a part of one, at whose hooks the rules decide.
    #[inline(always)]
    pub fn ruled<R: Decided>(&mut self, run: impl FnOnce(&Event, &mut Cx, Option<&Socket>) -> R) -> R {
        match rules::active() {
            Some(rules) if self.libc_is_to_answer => self.ruled_by(rules, run),
            _ => {
                let mut path = Path::closed();
                let mut cx = Cx::new(&mut path, net_ns(), &mut self.instead);
                run(&self.event, &mut cx, self.socket.as_ref())
            }
        }
    }

    #[cold]
    #[inline(never)]
    fn ruled_by<R: Decided>(
        &mut self,
        rules: &'static Rules,
        run: impl FnOnce(&Event, &mut Cx, Option<&Socket>) -> R,
    ) -> R {
        let judge = CallJudge::of(rules, &self.event);
        let mut path = Path::closed();
        let mut cx = Cx::new(&mut path, net_ns(), &mut self.instead);
        cx.judge = Some(&judge);
        let result = run(&self.event, &mut cx, self.socket.as_ref());
        self.judged(&judge);
        if judge.rule() == 0 { result } else { result.because(Reason::Rule(judge.rule())) }
    }

    /// Notes what the rules have decided.
    fn judged(&mut self, judge: &CallJudge) {
        if judge.rule() != 0 {
            self.event.reason = Reason::Rule(judge.rule());
        }
        self.rules_held |= judge.held();
        if judge.refusing() {
            self.note = Note::Refusing;
        }
    }

    /// Stores a verdict.
    pub fn settle(&mut self, verdict: Verdict) {
        #[cfg(feature = "test-support")]
        let verdict = crate::test_support::decided(self.event.hook.name(), verdict, &mut self.instead);
        self.event.action = verdict.action;
        self.event.predicted = verdict.predicted;
        self.event.reason = verdict.reason;
        self.change = verdict.change;
        if self.change != Change::None
            && let Some(handle) = self.handle
        {
            self.begun.count(handle);
        }
    }
}
