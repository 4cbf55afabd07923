//! Looks at libc's answer before the program gets it, where a rule says so.

use crate::call::{Note, Ticket};
use crate::rules::outcome::{self, Accepted};
use crate::rules::{self, Side};
use crate::{identity, sys};
use libc::c_int;
use sockshim_core::hook::{Direction, Does};
use sockshim_core::verdict::{Action, Reason};

impl Ticket {
    /// What the program gets instead of libc's answer and errno. Either the answer stays, or the call fails.
    pub fn look(&mut self, ret: i64, errno: &mut c_int) -> i64 {
        if !self.libc_answered() {
            return ret;
        }
        if self.note == Note::Refusing {
            self.is_refused(ret, errno);
            return ret;
        }
        if ret >= 0 && self.event.hook.does == Does::Accepts && self.rule() == 0 {
            return self.look_at_peer(ret, errno);
        }
        let connects = ret >= 0 || *errno == libc::EINPROGRESS;
        if connects && self.event.hook.does == Does::SendsTo && outcome::hides_peer(self.rule()) {
            self.hides_peer();
        }
        if ret > 0 {
            self.makes_new_edge(ret);
        }
        if ret < 0
            && let Some(handle) = self.handle
            && let Some(error) = outcome::error_given(handle, *errno)
        {
            *errno = error;
        }
        ret
    }

    /// A message has connected its socket to another peer than the program believes.
    fn hides_peer(&self) {
        let (name, fd) = (self.message(Direction::Send, 0).name, self.event.fd);
        if let Some(handle) = self.handle {
            outcome::addressed(self.rule(), handle, fd, Side::Peer, name.as_ref());
            rules::moved(handle);
        }
    }

    /// A rule has cut this transfer short. Who waits for edges (EPOLLET) may take that for the end of what there is, as epoll(7)
    /// allows, and wait for the next one.
    fn makes_new_edge(&self, ret: i64) {
        let Some(socket) = self.event.before.filter(|_| outcome::cuts(self.rule(), ret)) else { return };
        let sort = socket.sort();
        let is_tcp = matches!(sort.family, libc::AF_INET | libc::AF_INET6)
            && c_int::from(sort.protocol) == libc::IPPROTO_TCP;
        if let Some(fd) = self.event.fd.filter(|_| is_tcp && !identity::is_sandboxed()) {
            sys::wake_at(fd, self.event.hook.does.direction() == Some(Direction::Receive));
        }
    }

    /// connect(2) went to an address that the kernel refuses: at once, if the socket has no way to it.
    fn is_refused(&self, ret: i64, errno: &mut c_int) {
        const AT_ONCE: [c_int; 5] =
            [libc::ECONNREFUSED, libc::EADDRNOTAVAIL, libc::EHOSTUNREACH, libc::EINVAL, libc::ENETUNREACH];
        match *errno {
            _ if ret >= 0 => {}
            libc::EINPROGRESS => outcome::will_fail(self.rule(), self.handle),
            refused if AT_ONCE.contains(&refused) => {
                if let Some(error) = outcome::fails_with(self.rule(), self.handle) {
                    *errno = error;
                }
            }
            _ => {}
        }
    }

    /// accept(2) where a rule has to know the peer. A connection that it refuses is closed.
    fn look_at_peer(&mut self, ret: i64, errno: &mut c_int) -> i64 {
        let Some(listener) = self.event.before else { return ret };
        let fd = ret as c_int;
        let (rule, answer) = match outcome::accepted(listener, self.event.fd, fd, self.event.hook.name()) {
            Accepted::Free => return ret,
            Accepted::Kept(rule, nanoseconds) => {
                let waits = !identity::is_sandboxed() && !self.event.fd.is_some_and(sys::is_nonblocking);
                if nanoseconds > 0 && waits {
                    // The connection is the program's already, so the wait must not end with an error.
                    sys::sleep(nanoseconds as i64);
                }
                (rule, ret)
            }
            Accepted::Ended(rule, error) => {
                sys::close(fd);
                *errno = error.0;
                self.event.action = Action::Fail(error);
                (rule, -1)
            }
        };
        self.event.reason = Reason::Rule(rule);
        answer
    }
}
