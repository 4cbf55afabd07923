//! Bytes of what a call has moved or set, for a log that is to show them: the first bytes of data, the address of a message, and
//! an option's value.
//!
//! The program's memory is copied by the kernel, which refuses what cannot be read: another thread may have unmapped it since the
//! call.

use crate::{identity, memory, mode};
use sockshim_core::hook::{Does, Level};
use sockshim_core::meaning::Meaning;
use sockshim_core::net::address::SockAddr;
use sockshim_core::trace::event::{Event, Extra};
use sockshim_core::trace::parts::{self, Part};
use sockshim_core::uapi::SOCKADDR_STORAGE;

/// The longest socket address that leaves room for data: `struct sockaddr_in6`.
const LONGEST_NAME: usize = size_of::<libc::sockaddr_in6>();
/// How many parts of a vector are looked at.
const PARTS: usize = 8;

/// Puts into an event what its call has moved or set, if that has not been put there otherwise.
#[cold]
#[inline(never)]
pub fn capture(event: &mut Event) {
    if event.errno.is_some()
        || identity::is_sandboxed()
        || !matches!(event.extra, Extra::None | Extra::Address)
    {
        return;
    }
    let mut all = SockAddr::EMPTY;
    match event.hook.does {
        Does::SetsOption | Does::GetsOption if event.extra == Extra::None => option(event, &mut all),
        _ if event.hook.level == Level::Io && event.ret > 0 => message(event, &mut all),
        _ => return,
    }
    if !all.is_empty() {
        (event.addr, event.extra) = (all, Extra::Bytes);
    }
}

fn option(event: &Event, all: &mut SockAddr) {
    let (address, length) = (event.args[3], event.args[4]);
    let length = match event.hook.does {
        Does::SetsOption => Some(length as u32),
        _ => word(length).map(|word| word as u32),
    };
    let mut bytes = [0; SOCKADDR_STORAGE];
    let Some(length) = length.map(|length| (length as usize).min(bytes.len())) else { return };
    if length > 0 && memory::copy(identity::pid(), address as usize, &mut bytes[..length]).is_some() {
        parts::push(all, Part::OptionValue, (&bytes[..length], false), 0);
    }
}

/// Where a call's data is: an address and a length for each part, and where the message's address is.
#[derive(Default)]
struct Message {
    parts: [(usize, usize); PARTS],
    count: usize,
    name: (usize, usize),
}

fn message(event: &Event, all: &mut SockAddr) {
    let Some(message) = find(event) else { return };
    let (name, length) = message.name;
    let mut bytes = [0; SOCKADDR_STORAGE];
    if event.extra == Extra::Address && event.addr.len() <= LONGEST_NAME {
        parts::push(all, Part::Address, (event.addr.bytes(), false), 0);
    } else if (1..=LONGEST_NAME).contains(&length) && copied(name, &mut bytes[..length]) {
        parts::push(all, Part::Address, (&bytes[..length], false), 0);
    }
    let most = mode::captured().min(event.ret as usize);
    let mut len = 0;
    for (address, length) in &message.parts[..message.count] {
        let piece = (*length).min(most - len);
        if !copied(*address, &mut bytes[len..len + piece]) {
            break;
        }
        len += piece;
    }
    if len > 0 {
        parts::push(all, Part::Data, (&bytes[..len], false), 0);
    }
}

fn find(event: &Event) -> Option<Message> {
    let hook = event.hook;
    let argument = |meaning| hook.index_of(meaning).map(|index| event.args[index]);
    let mut message = Message::default();
    if let Some(header) = argument(Meaning::Msg).or_else(|| argument(Meaning::MsgVec)) {
        let words: [usize; 4] = words(header as usize)?;
        message.name = (words[0], words[1] as u32 as usize);
        vector(words[2], words[3], &mut message)?;
        return Some(message);
    }
    if let Some(index) = hook.index_of(Meaning::Iov) {
        vector(event.args[index] as usize, event.args[index + 1] as u32 as usize, &mut message)?;
        return Some(message);
    }
    let buf = (0..hook.arity()).find(|index| hook.key(*index) == b"buf")?;
    message.parts[0] = (event.args[buf] as usize, event.args[buf + 1] as usize);
    message.count = 1;
    // recvfrom(2) has stored the address that sendto(2) was given.
    if let Some(index) = hook.index_of(Meaning::Addr)
        && hook.does == Does::Receives
        && event.args[index] != 0
    {
        message.name = (event.args[index] as usize, word(event.args[index + 1])? as u32 as usize);
    }
    Some(message)
}

/// The parts of a `struct iovec[]`.
fn vector(address: usize, count: usize, message: &mut Message) -> Option<()> {
    for index in 0..count.min(PARTS) {
        let [base, length]: [usize; 2] = words(address + index * size_of::<libc::iovec>())?;
        message.parts[message.count] = (base, length);
        message.count += 1;
    }
    Some(())
}

fn word(address: i64) -> Option<i32> {
    let mut bytes = [0; size_of::<i32>()];
    copied(address as usize, &mut bytes).then(|| i32::from_ne_bytes(bytes))
}

fn words<const N: usize>(address: usize) -> Option<[usize; N]> {
    let mut words = [0; N];
    copied(address, memory::bytes_of(&mut words)).then_some(words)
}

fn copied(address: usize, bytes: &mut [u8]) -> bool {
    bytes.is_empty() || memory::copy(identity::pid(), address, bytes).is_some()
}
