//! The calls that a rule can be about.

use std::fmt;

macro_rules! calls {
    ($($(#[$doc:meta])* $call:ident $name:literal)*) => {
        /// A call that a rule can be about. All forms of one count as it: `sendmmsg` and `write` are `send`.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        #[repr(u8)]
        pub enum Call { $($(#[$doc])* $call,)* }

        impl Call {
            /// Every call, in the order of their numbers.
            pub const ALL: [Call; Call::COUNT] = [$(Call::$call,)*];
            /// How many there are.
            pub const COUNT: usize = <[&str]>::len(&[$($name,)*]);

            /// Its name in a rule file.
            pub fn name(self) -> &'static str {
                match self { $(Call::$call => $name,)* }
            }
        }
    };
}

calls! {
    /// socket(2).
    Socket "socket"
    /// socketpair(2).
    Socketpair "socketpair"
    /// bind(2).
    Bind "bind"
    /// connect(2), also where a message with MSG_FASTOPEN connects.
    Connect "connect"
    /// listen(2).
    Listen "listen"
    /// accept(2) and accept4(2).
    Accept "accept"
    /// Everything that sends: send(2), write(2), sendfile(2), and their relatives.
    Send "send"
    /// Everything that receives: recv(2), read(2), and their relatives.
    Recv "recv"
    /// setsockopt(2).
    Setsockopt "setsockopt"
    /// getsockopt(2).
    Getsockopt "getsockopt"
    /// shutdown(2).
    Shutdown "shutdown"
    /// getaddrinfo(3) and the other functions that look names up.
    Resolve "resolve"
    /// io_uring_setup(2).
    IoUringSetup "io_uring_setup"
}

impl Call {
    /// The call with this name in a rule file.
    pub fn of_name(name: &str) -> Option<Call> {
        Call::ALL.into_iter().find(|call| call.name() == name)
    }

    /// Whether a socket that this call is about can have a peer, so that `remote` means something.
    pub fn has_remote(self) -> bool {
        !matches!(self, Call::Socket | Call::Socketpair | Call::Bind | Call::Listen | Call::IoUringSetup)
    }

    /// Whether a socket that this call is about can have an address of its own, so that `local` means something.
    pub fn has_local(self) -> bool {
        !matches!(self, Call::Socket | Call::Socketpair | Call::Resolve | Call::IoUringSetup)
    }
}

/// A set of calls.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct CallSet(u16);

impl CallSet {
    /// No call.
    pub const NONE: CallSet = CallSet(0);

    /// The set of these calls.
    pub const fn of(calls: &[Call]) -> CallSet {
        let (mut bits, mut index) = (0, 0);
        while index < calls.len() {
            bits |= 1 << calls[index] as u16;
            index += 1;
        }
        CallSet(bits)
    }

    /// The set with these bits, bit 0 for the first call; `None` if one stands for no call.
    pub fn of_bits(bits: u16) -> Option<CallSet> {
        (bits >> Call::COUNT == 0).then_some(CallSet(bits))
    }

    /// The set as bits, bit 0 for the first call.
    pub const fn bits(self) -> u16 {
        self.0
    }

    /// Whether the call is in it.
    #[inline(always)]
    pub const fn has(self, call: Call) -> bool {
        self.0 & 1 << call as u16 != 0
    }

    /// This set with one more call.
    pub fn with(self, call: Call) -> CallSet {
        CallSet(self.0 | 1 << call as u16)
    }

    /// The calls that are in both or in either one.
    pub fn union(self, other: CallSet) -> CallSet {
        CallSet(self.0 | other.0)
    }

    /// The calls of this set that are not in the other one.
    pub fn without(self, other: CallSet) -> CallSet {
        CallSet(self.0 & !other.0)
    }

    /// Whether all of its calls are among these.
    pub fn is_within(self, calls: &[Call]) -> bool {
        self.without(CallSet::of(calls)).is_empty()
    }

    /// Whether it has no call.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Its calls.
    pub fn iter(self) -> impl Iterator<Item = Call> {
        Call::ALL.into_iter().filter(move |call| self.has(*call))
    }
}

/// The names, joined with `|`.
impl fmt::Display for CallSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, call) in self.iter().enumerate() {
            f.write_str(if index == 0 { "" } else { "|" })?;
            f.write_str(call.name())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_names() {
        for (index, call) in Call::ALL.into_iter().enumerate() {
            assert_eq!((call as usize, Call::of_name(call.name())), (index, Some(call)));
        }
        assert_eq!(Call::of_name("Connect"), None);
    }

    #[test]
    fn sets() {
        let set = CallSet::of(&[Call::Connect, Call::Socket]);
        assert_eq!(set.to_string(), "socket|connect");
        assert!(set.has(Call::Connect) && !set.has(Call::Bind));
        assert_eq!(CallSet::of_bits(set.bits()), Some(set));
        assert_eq!(CallSet::of_bits(1 << Call::COUNT), None);
        assert_eq!(set.without(CallSet::of(&[Call::Socket])).with(Call::Bind).to_string(), "bind|connect");
    }
}
