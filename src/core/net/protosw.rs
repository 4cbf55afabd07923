//! `struct inet_protosw`: which protocol a (type, protocol) pair means, and how the lists change.
//!
//! `inetsw` and `inetsw6` are two [`Protosw`] with the same rules. A list is replaced as a whole when an entry is
//! added or removed ([`crate::published`]), so a walk sees one consistent list without a lock.

use crate::errno::Errno;
use crate::net::kmod::request_module;
use crate::net::ops::{Cx, ProtoOps};
use crate::net::path::{Finding, Func, Match};
use crate::net::sock::Proto;
use crate::published::{PublishError, Published};
use crate::uapi::SOCK_MAX;
use libc::c_int;

/// `INET_PROTOSW_REUSE`: SO_REUSEADDR is set on new sockets.
pub const INET_PROTOSW_REUSE: u8 = 1;
/// `INET_PROTOSW_PERMANENT`: the entry cannot be overridden or removed.
pub const INET_PROTOSW_PERMANENT: u8 = 2;
/// `INET_PROTOSW_ICSK`: an inet connection socket.
pub const INET_PROTOSW_ICSK: u8 = 4;

/// `struct inet_protosw`: one row of the table.
pub struct InetProtosw {
    /// The row's name in the log: the protocol's usual name.
    pub name: &'static &'static str,
    /// `type`.
    pub ty: c_int,
    /// `protocol`; 0 accepts any.
    pub protocol: c_int,
    /// `prot`.
    pub prot: &'static Proto,
    /// `ops`.
    pub ops: &'static ProtoOps,
    /// `flags`.
    pub flags: u8,
}

impl InetProtosw {
    /// Whether the entry is permanent.
    pub fn is_permanent(&self) -> bool {
        self.flags & INET_PROTOSW_PERMANENT != 0
    }
}

type EntryList = Vec<&'static InetProtosw>;

/// How often one list can change; see [`crate::published`].
const VERSIONS: usize = 64;

/// `inetsw` or `inetsw6`: one list of entries per socket type.
pub struct Protosw {
    lists: [Published<EntryList, VERSIONS>; SOCK_MAX as usize],
}

/// The entry that a walk selected.
#[derive(Clone, Copy)]
pub struct Selected {
    /// The row.
    pub entry: &'static InetProtosw,
    /// The protocol that the socket gets.
    pub protocol: c_int,
}

impl Default for Protosw {
    fn default() -> Self {
        Self::new()
    }
}

impl Protosw {
    /// Empty lists.
    pub const fn new() -> Self {
        Protosw { lists: [const { Published::new() }; SOCK_MAX as usize] }
    }

    /// The entries of one type, in the order of the walk.
    pub fn list(&self, ty: c_int) -> &[&'static InetProtosw] {
        usize::try_from(ty)
            .ok()
            .and_then(|ty| self.lists.get(ty))
            .and_then(Published::get)
            .map_or(&[], Vec::as_slice)
    }

    /// The common part of `inet_register_protosw` and `inet6_register_protosw`: inserts the entry behind the last
    /// permanent one. The two report a refusal in different ways.
    ///
    /// # Errors
    /// EINVAL for a type out of range. EPERM when a permanent entry has the protocol already, or this entry is in the
    /// list already (which would make the kernel's list a ring). ENOBUFS when the list has changed too often.
    pub fn register(&self, entry: &'static InetProtosw) -> Result<(), Errno> {
        let list = usize::try_from(entry.ty).ok().and_then(|ty| self.lists.get(ty)).ok_or(Errno::EINVAL)?;
        let updated = list.update(|old| {
            let mut entries = old.cloned().unwrap_or_default();
            let has_place = |old: &InetProtosw| old.is_permanent() && old.protocol == entry.protocol;
            if entries.iter().any(|old| has_place(old) || std::ptr::eq(*old, entry)) {
                return Err(Errno::EPERM);
            }
            let permanent = entries.iter().take_while(|old| old.is_permanent()).count();
            entries.insert(permanent, entry);
            Ok(entries)
        });
        to_errno(updated)
    }

    /// The common part of `inet_unregister_protosw` and `inet6_unregister_protosw`: removes the entry, which makes an
    /// older entry for the same protocol visible again.
    ///
    /// # Errors
    /// EPERM for a permanent entry, ENOENT when it is not registered, ENOBUFS when the list has changed too often.
    pub fn unregister(&self, entry: &'static InetProtosw) -> Result<(), Errno> {
        if entry.is_permanent() {
            return Err(Errno::EPERM);
        }
        let list = usize::try_from(entry.ty).ok().and_then(|ty| self.lists.get(ty)).ok_or(Errno::EINVAL)?;
        let updated = list.update(|old| {
            let mut entries = old.cloned().unwrap_or_default();
            let index = entries.iter().position(|old| std::ptr::eq(*old, entry)).ok_or(Errno::ENOENT)?;
            entries.remove(index);
            Ok(entries)
        });
        to_errno(updated)
    }

    /// The lookup of `inet_create`: the walk and, if it fails, the module requests and the walk again. `modules` are
    /// the rows that a module of the running kernel may add; [`Facts`](super::namespace::Facts) says
    /// whether one does.
    pub fn lookup(
        &self,
        cx: &mut Cx,
        modules: &'static [&'static InetProtosw],
        create: Func,
        wanted: (c_int, c_int, c_int),
    ) -> ProtoswLookup {
        let (family, ty, protocol) = wanted;
        let of_type = || modules.iter().copied().filter(|entry| entry.ty == ty);
        for request in [Some(Some(ty)), Some(None), None] {
            let list = self.list(ty);
            if let Some((index, how, found)) = walk(list.iter().copied(), protocol) {
                step_entry(cx, create, index, how, &found);
                return ProtoswLookup::Found(found);
            }
            cx.path.step(create, Finding::NoEntry { entries: list.len() as u8 });
            let Some(ty_of_name) = request else { break };
            request_module(cx.path, family, Some(protocol), ty_of_name);
            // A request for protocol 0 gets a module's entry only if there is no other.
            let from_module = walk(of_type(), protocol).filter(|_| ty_of_name.is_some());
            if let Some((_, how, found)) = from_module {
                let has = cx.net.facts.has_protocol(family, ty, protocol);
                match cx.fact(create, found.entry.name, has) {
                    Some(true) => {
                        let index = list.iter().take_while(|entry| entry.is_permanent()).count();
                        step_entry(cx, create, index, how, &found);
                        return ProtoswLookup::Found(found);
                    }
                    Some(false) => {}
                    None => return ProtoswLookup::Unknown,
                }
            }
        }
        if !self.list(ty).is_empty() {
            return ProtoswLookup::None(Errno::EPROTONOSUPPORT);
        }
        // A list that looks empty here may have entries of modules in the kernel.
        let entries = match of_type().next() {
            None => Some(false),
            Some(_) if protocol == libc::IPPROTO_IP => Some(false),
            Some(entry) => {
                cx.fact(create, entry.name, cx.net.facts.has_protocol(family, ty, libc::IPPROTO_IP))
            }
        };
        match entries {
            Some(false) => ProtoswLookup::None(Errno::ESOCKTNOSUPPORT),
            Some(true) => ProtoswLookup::None(Errno::EPROTONOSUPPORT),
            None => ProtoswLookup::Unknown,
        }
    }
}

/// The result of a lookup.
pub enum ProtoswLookup {
    /// This entry.
    Found(Selected),
    /// No entry: ESOCKTNOSUPPORT when the type has none at all, else EPROTONOSUPPORT.
    None(Errno),
    /// It depends on a kernel module, and nobody has asked whether it is there.
    Unknown,
}

fn step_entry(cx: &mut Cx, create: Func, index: usize, how: Match, found: &Selected) {
    let finding =
        Finding::Entry { index: index as u8, how, protocol: found.protocol as u16, name: found.entry.name };
    cx.path.step(create, finding);
}

fn to_errno(updated: Result<(), PublishError<Errno>>) -> Result<(), Errno> {
    updated.map_err(|error| match error {
        PublishError::Exhausted => Errno::ENOBUFS,
        PublishError::Refused(errno) => errno,
    })
}

/// One walk over a list. Protocol 0 does not match an entry that accepts any protocol: that is why `socket(AF_INET,
/// SOCK_RAW, 0)` fails.
fn walk(
    list: impl Iterator<Item = &'static InetProtosw>,
    protocol: c_int,
) -> Option<(usize, Match, Selected)> {
    const ANY: c_int = libc::IPPROTO_IP;
    list.enumerate().find_map(|(index, entry)| {
        let (how, protocol) = match (protocol, entry.protocol) {
            (asked, has) if asked == has && asked != ANY => (Match::Exact, asked),
            (ANY, has) if has != ANY => (Match::Wildcard, has),
            (asked, ANY) if asked != ANY => (Match::WildcardEntry, asked),
            _ => return None,
        };
        Some((index, how, Selected { entry, protocol }))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::core::sock::NO_OPS;
    use crate::net::sock::NO_PROTO;

    static OPS: ProtoOps = NO_OPS;
    static PROT: Proto = NO_PROTO;

    fn entry(name: &'static &'static str, ty: c_int, protocol: c_int, flags: u8) -> &'static InetProtosw {
        Box::leak(Box::new(InetProtosw { name, ty, protocol, prot: &PROT, ops: &OPS, flags }))
    }

    fn names(sw: &Protosw, ty: c_int) -> Vec<&'static str> {
        sw.list(ty).iter().map(|entry| *entry.name).collect()
    }

    /// AF_INET's datagram list as it is after boot.
    fn booted() -> Protosw {
        let sw = Protosw::new();
        sw.register(entry(&"UDP", 2, 17, INET_PROTOSW_PERMANENT)).unwrap();
        sw.register(entry(&"PING", 2, 1, INET_PROTOSW_REUSE)).unwrap();
        sw.register(entry(&"UDPLITE", 2, 136, INET_PROTOSW_PERMANENT)).unwrap();
        sw
    }

    #[test]
    fn permanent_entries_stay_in_front() {
        let sw = booted();
        assert_eq!(names(&sw, 2), ["UDP", "UDPLITE", "PING"]);
        sw.register(entry(&"L2TP", 2, 115, 0)).unwrap();
        assert_eq!(names(&sw, 2), ["UDP", "UDPLITE", "L2TP", "PING"]);
    }

    #[test]
    fn a_permanent_entry_cannot_be_overridden() {
        let sw = booted();
        assert_eq!(sw.register(entry(&"MINE", 2, 17, 0)), Err(Errno::EPERM));
        assert_eq!(names(&sw, 2), ["UDP", "UDPLITE", "PING"]);
        assert_eq!(sw.register(entry(&"MINE", 11, 17, 0)), Err(Errno::EINVAL));
        assert_eq!(sw.unregister(sw.list(2)[0]), Err(Errno::EPERM));
    }

    #[test]
    fn the_youngest_override_wins_until_it_goes() {
        let sw = booted();
        let mine = entry(&"MINE", 2, 1, 0);
        sw.register(mine).unwrap();
        assert_eq!(names(&sw, 2), ["UDP", "UDPLITE", "MINE", "PING"]);
        assert_eq!(*walk(sw.list(2).iter().copied(), 1).unwrap().2.entry.name, "MINE");
        sw.unregister(mine).unwrap();
        assert_eq!(*walk(sw.list(2).iter().copied(), 1).unwrap().2.entry.name, "PING");
        assert_eq!(sw.unregister(mine), Err(Errno::ENOENT));
    }

    #[test]
    fn raw_sockets_take_any_protocol_but_zero() {
        let sw = Protosw::new();
        sw.register(entry(&"RAW", 3, 0, INET_PROTOSW_REUSE)).unwrap();
        assert!(walk(sw.list(3).iter().copied(), 0).is_none());
        assert_eq!(walk(sw.list(3).iter().copied(), 89).unwrap().1, Match::WildcardEntry);
        sw.register(entry(&"OSPF", 3, 89, 0)).unwrap();
        assert_eq!(walk(sw.list(3).iter().copied(), 0).unwrap().2.protocol, 89);
    }
}
