//! What rules make of a call that sends or receives. It is not walked, so it comes to the hook of the security modules here.

use crate::call::Ticket;
use crate::memory;
use crate::rules;
use crate::stack::Page;
use libc::{c_int, mmsghdr, msghdr};
use sockshim_core::fdtable::Packed;
use sockshim_core::hook::Direction;
use sockshim_core::meaning::Meaning;
use sockshim_core::net::address::SockAddr;
use sockshim_core::net::ops::{Cx, Msg, Socket};
use sockshim_core::net::security::{
    security_socket_connect, security_socket_recvmsg, security_socket_sendmsg,
};
use sockshim_core::rules::{Call, Rules};
use sockshim_core::trace::event::Extra;
use sockshim_core::verdict::{Argument, Verdict};

/// The most messages that sendmmsg(2) takes (`UIO_MAXIOV`).
const MOST: i64 = 1024;

impl Ticket {
    /// Asks the rules about a message.
    #[inline(always)]
    pub fn judge_message(&mut self, direction: Direction) {
        if let Some(rules) = rules::active() {
            self.judge_by(rules, direction);
        }
    }

    #[cold]
    #[inline(never)]
    fn judge_by(&mut self, rules: &'static Rules, direction: Direction) {
        if !self.libc_is_to_answer {
            return;
        }
        let hook = self.event.hook;
        let flags = hook.index_of(Meaning::MsgFlags).map_or(0, |index| self.int(index));
        // Rules about connect(2) alone do not need the fd table, so it does not see which numbers end.
        if flags & libc::MSG_FASTOPEN != 0
            && rules.calls().has(Call::Connect)
            && let Some(fd) = self.event.fd
        {
            self.lookup(fd, true);
        }
        let Some(socket) = self.event.before.map(Packed::unpack) else { return };
        self.socket = Some(socket);
        let many = hook.index_of(Meaning::MsgVec).filter(|_| direction == Direction::Send);
        let message = |ticket: &Ticket| ticket.message(direction, flags);
        let decided = match many {
            Some(index) => self.judge_many(rules, index, flags),
            None => {
                let message = message(self);
                self.judge_one(direction, &message)
            }
        };
        if let Err(verdict) = decided {
            self.settle(verdict);
            return;
        }
        let Some(handle) = self.handle else { return };
        if matches!(self.instead.argument, Argument::Own) && rules::outcome::is_to_fail(handle) {
            self.instead.argument = Argument::OwnThenLook;
        }
        if self.rule() == 0
            && !self.rules_held
            && let Some(fd) = self.event.fd
        {
            rules::free(rules, fd, handle, &socket);
        }
    }

    /// A message that is allowed, shortened or sent elsewhere, or the verdict that ends it.
    fn judge_one(&mut self, direction: Direction, msg: &Msg) -> Result<(), Verdict> {
        if direction == Direction::Receive {
            return self
                .ask(msg, |cx, socket, msg| security_socket_recvmsg(cx, socket, msg, msg.len, msg.flags));
        }
        if msg.has(libc::MSG_FASTOPEN) {
            self.ask(msg, connects)?;
            if self.rule() != 0 {
                return Ok(());
            }
        }
        self.ask(msg, |cx, socket, msg| security_socket_sendmsg(cx, socket, msg, msg.len))
    }

    /// Asks the rules at one hook.
    fn ask(&mut self, msg: &Msg, hook: AtHook) -> Result<(), Verdict> {
        self.ruled(|_, cx, socket| socket.map_or(Ok(()), |socket| hook(cx, socket, msg)))
    }

    /// sendmmsg(2): as many messages at once as no rule concerns; the first one that a rule concerns goes alone.
    fn judge_many(&mut self, rules: &'static Rules, index: usize, flags: c_int) -> Result<(), Verdict> {
        let Some(socket) = self.socket else { return Ok(()) };
        let (array, count) = (self.word(index), i64::from(self.word(index + 1) as u32).min(MOST));
        let fd = self.event.fd;
        let concerned = |at: i64| {
            let msg = Msg {
                name: name_at(array + at * size_of::<mmsghdr>() as i64),
                len: 0,
                flags,
                control: false,
            };
            let connects = msg.has(libc::MSG_FASTOPEN) && rules.calls().has(Call::Connect);
            connects || rules::concerns(rules, Call::Send, fd, &socket, msg.name.as_ref())
        };
        match (0..count).find(|at| concerned(*at)) {
            None => Ok(()),
            Some(0) => {
                let msg = Msg { name: name_at(array), len: 0, flags, control: false };
                self.judge_one(Direction::Send, &msg)?;
                if matches!(self.instead.argument, Argument::Own) {
                    self.instead.argument = Argument::Messages(1);
                }
                Ok(())
            }
            Some(free) => {
                self.instead.argument = Argument::Messages(free as u32);
                Ok(())
            }
        }
    }

    /// The message of a call, or the first one of several, as far as rules look at it.
    pub fn message(&self, direction: Direction, flags: c_int) -> Msg {
        let hook = self.event.hook;
        let name = match hook.index_of(Meaning::Msg).or(hook.index_of(Meaning::MsgVec)) {
            _ if direction == Direction::Receive => None,
            Some(index) => name_at(self.word(index)),
            None => (self.event.extra == Extra::Address).then_some(self.event.addr),
        };
        Msg { name, len: 0, flags, control: false }
    }
}

/// A hook of the security modules, asked about a message.
type AtHook = fn(&mut Cx, &Socket, &Msg) -> Result<(), Verdict>;

fn connects(cx: &mut Cx, socket: &Socket, msg: &Msg) -> Result<(), Verdict> {
    match &msg.name {
        Some(name) if socket.ty == libc::SOCK_STREAM => security_socket_connect(cx, socket, name),
        _ => Ok(()),
    }
}

/// The address in the program's header, if it has one that can be read.
fn name_at(header: i64) -> Option<SockAddr> {
    let header = memory::value::<msghdr>(Page::NONE, header)?;
    let mut name = SockAddr::EMPTY;
    let copied = memory::sockaddr(Page::NONE, header.msg_name as i64, header.msg_namelen as c_int, &mut name);
    (!header.msg_name.is_null() && copied == Some(Ok(()))).then_some(name)
}
