//! Which sockets of AF_UNIX are connected to each other. Their addresses do not tell; but a listener gives out connections in the
//! order in which they were made, and says which process has made each.

use std::collections::{HashMap, VecDeque};

/// The sockets that wait for their other ends, by the listener's name: the process that has connected, and the cookie.
type Waiting = HashMap<Vec<u8>, VecDeque<(i32, u64)>>;
/// How many wait for a name at most: most of them have an end that is not captured.
const MOST: usize = 4096;

/// Pairs of sockets.
#[derive(Default)]
pub struct Pairs {
    others: HashMap<u64, u64>,
    connected: Waiting,
    accepted: Waiting,
}

impl Pairs {
    /// The other end of a socket.
    pub fn other(&self, cookie: u64) -> Option<u64> {
        self.others.get(&cookie).copied()
    }

    /// These two are a pair.
    pub fn join(&mut self, one: u64, other: u64) {
        self.others.insert(one, other);
        self.others.insert(other, one);
    }

    /// A process has connected a socket to this name.
    pub fn connected(&mut self, name: &[u8], pid: i32, cookie: u64) {
        match take(&mut self.accepted, name, pid) {
            Some(other) => self.join(cookie, other),
            None => wait(&mut self.connected, name, pid, cookie),
        }
    }

    /// A listener of this name has given out a socket, which the process `pid` has connected.
    pub fn accepted(&mut self, name: &[u8], pid: i32, cookie: u64) {
        match take(&mut self.connected, name, pid) {
            Some(other) => self.join(cookie, other),
            None => wait(&mut self.accepted, name, pid, cookie),
        }
    }

    /// The socket is closed.
    pub fn forget(&mut self, cookie: u64) {
        self.others.remove(&cookie);
    }
}

fn wait(waiting: &mut Waiting, name: &[u8], pid: i32, cookie: u64) {
    let all = waiting.entry(name.to_vec()).or_default();
    if all.len() == MOST {
        all.pop_front();
    }
    all.push_back((pid, cookie));
}

fn take(waiting: &mut Waiting, name: &[u8], pid: i32) -> Option<u64> {
    let all = waiting.get_mut(name)?;
    let at = all.iter().position(|(other, _)| *other == pid)?;
    all.remove(at).map(|(_, cookie)| cookie)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_process_has_its_own_order() {
        let mut pairs = Pairs::default();
        pairs.connected(b"/a", 1, 11);
        pairs.connected(b"/a", 2, 21);
        pairs.connected(b"/a", 1, 12);
        pairs.connected(b"/b", 1, 13);
        for (name, pid, cookie) in
            [(b"/a", 2, 91), (b"/a", 1, 92), (b"/b", 1, 93), (b"/a", 1, 94), (b"/a", 3, 95)]
        {
            pairs.accepted(name, pid, cookie);
        }
        let others = [91, 92, 93, 94, 95].map(|cookie| pairs.other(cookie));
        assert_eq!(others, [Some(21), Some(11), Some(13), Some(12), None]);
        // A listener may be seen to give out a connection before its client has seen it made.
        pairs.connected(b"/a", 3, 31);
        assert_eq!((pairs.other(31), pairs.other(95)), (Some(95), Some(31)));
    }
}
