//! The address that bind(2), connect(2) or accept(2) has given to its socket. It stands in argument words that these calls do not
//! have, because the event's own address is the call's.

use crate::hook::MAX_ARGS;
use crate::trace::event::Event;

/// The first of the words.
const FIRST: usize = 4;
/// In the upper half of the first word; family and port, as a `struct sockaddr` begins with them, are in the lower one.
const IS_THERE: u64 = 0x6e61_6d65 << 32;
/// The longest address, `struct sockaddr_in6`: family, port, flow, 16 bytes, scope.
const LONGEST: usize = size_of::<libc::sockaddr_in6>();
const SHORTEST: usize = size_of::<libc::sockaddr_in>();

impl Event {
    /// Notes the address, of AF_INET or AF_INET6.
    pub fn set_own_name(&mut self, address: &[u8; 128]) {
        let word = |at: usize| i64::from_ne_bytes(std::array::from_fn(|byte| address[at + byte]));
        let (head, v4) = (word(0), word(0) >> 32);
        let is_v4 = head as u16 == libc::AF_INET as u16;
        let words = if is_v4 { [v4, 0] } else { [word(8), word(16)] };
        let head = (head as u64 & 0xffff_ffff | IS_THERE) as i64;
        self.args[FIRST..].copy_from_slice(&[head, words[0], words[1]]);
    }

    /// The address, if it was noted: a `struct sockaddr` in so many of these bytes.
    pub(super) fn own_name(&self) -> Option<([u8; LONGEST], usize)> {
        const { assert!(FIRST + 3 == MAX_ARGS) };
        let head = self.args[FIRST] as u64;
        if head & !0xffff_ffff != IS_THERE || self.hook.arity() > FIRST {
            return None;
        }
        let mut bytes = [0; LONGEST];
        let (at, len) = if head as u16 == libc::AF_INET as u16 { (4, SHORTEST) } else { (8, LONGEST) };
        bytes[..4].copy_from_slice(&(head as u32).to_ne_bytes());
        let ip = self.args[FIRST + 1..].iter().flat_map(|word| word.to_ne_bytes());
        bytes[at..len.min(24)].iter_mut().zip(ip).for_each(|(to, from)| *to = from);
        Some((bytes, len))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hook;
    use crate::hook::Hook;

    static ACCEPT4: Hook = hook!(Call, Accepts, [], accept4(fd: c_int, addr: *mut sockaddr) -> c_int);

    #[test]
    fn addresses_of_both_families_come_back() {
        for (family, len) in [(libc::AF_INET, 16), (libc::AF_INET6, 28)] {
            let mut address: [u8; 128] = std::array::from_fn(|at| (at as u8).wrapping_mul(9) | 1);
            address[..2].copy_from_slice(&(family as u16).to_ne_bytes());
            let mut event = Event::new(&ACCEPT4);
            assert!(event.own_name().is_none());
            event.set_own_name(&address);
            let (bytes, found) = event.own_name().expect("an address");
            // Flow and scope are left out.
            let ip = if len == 16 { 4..8 } else { 8..24 };
            assert_eq!((found, &bytes[..4], &bytes[ip.clone()]), (len, &address[..4], &address[ip]));
        }
    }
}
