//! Who has which address (`net/can/j1939/address-claim.c` and `bus.c`): claims are seen on the bus, own ones as well, and count
//! after 250 ms in which nobody has objected. Claiming itself is the program's business: nothing here sends a claim.

use std::collections::BTreeMap;

use super::cb::Cb;
use super::uapi::*;
use crate::{Errno, Nanos};

/// How long a claim waits for objections.
const CLAIM_TIME: Nanos = 250_000_000;

/// A NAME and what is known of it.
#[derive(Clone, Copy, Debug)]
struct Ecu {
    addr: u8,
    /// When the address counts, if nobody objects.
    ac_timer: Option<Nanos>,
    /// The socket is bound to this NAME.
    local: bool,
}

/// A NAME with its address, as one engine may tell another.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Claim {
    /// The NAME.
    pub name: u64,
    /// Its address.
    pub addr: u8,
}

/// The ECUs on the bus.
#[derive(Clone, Debug)]
pub(super) struct Ecus {
    ecus: BTreeMap<u64, Ecu>,
    /// The NAME that has an address.
    ents: [u64; 256],
    /// The first of their timers.
    first: Option<Nanos>,
}

impl Ecus {
    pub(super) fn new() -> Ecus {
        Ecus { ecus: BTreeMap::new(), ents: [J1939_NO_NAME; 256], first: None }
    }

    /// The NAME at an address.
    pub(super) fn name(&self, addr: u8) -> u64 {
        if address_is_unicast(addr) { self.ents[usize::from(addr)] } else { J1939_NO_NAME }
    }

    /// The address of a NAME: [`J1939_IDLE_ADDR`] if it has none.
    pub(super) fn addr(&self, name: u64) -> u8 {
        if name == J1939_NO_NAME {
            return J1939_NO_ADDR;
        }
        match self.ecus.get(&name) {
            Some(ecu) if self.name(ecu.addr) == name => ecu.addr,
            _ => J1939_IDLE_ADDR,
        }
    }

    /// Whether the address is that of the NAME that the socket is bound to.
    pub(super) fn is_local(&self, addr: u8) -> bool {
        self.ecus.get(&self.name(addr)).is_some_and(|ecu| ecu.local)
    }

    /// The socket is bound to this NAME from now on.
    pub(super) fn get(&mut self, name: u64) {
        if name != J1939_NO_NAME {
            self.at(name).local = true;
        }
    }

    /// The socket is no longer bound to this NAME.
    pub(super) fn put(&mut self, name: u64) {
        if let Some(ecu) = self.ecus.get_mut(&name) {
            ecu.local = false;
            self.forget(name);
        }
    }

    /// Which NAMEs have which addresses.
    pub(super) fn claims(&self) -> impl Iterator<Item = Claim> {
        (0..=J1939_MAX_UNICAST_ADDR)
            .map(|addr| Claim { name: self.name(addr), addr })
            .filter(|claim| claim.name != J1939_NO_NAME)
    }

    /// Believes a claim that was made before anybody listened here, unless something is known of the two.
    pub(super) fn learn(&mut self, Claim { name, addr }: Claim) {
        let known = |ecu: &Ecu| ecu.addr != J1939_IDLE_ADDR;
        if name == J1939_NO_NAME || !address_is_unicast(addr) || self.name(addr) != J1939_NO_NAME {
            return;
        }
        if !self.ecus.get(&name).is_some_and(known) {
            self.at(name).addr = addr;
            self.ents[usize::from(addr)] = name;
        }
    }

    /// The interface is down: nobody has an address.
    pub(super) fn unmap_all(&mut self) {
        self.ents = [J1939_NO_NAME; 256];
        self.ecus.retain(|_, ecu| ecu.local || ecu.ac_timer.is_some());
    }

    /// When the next claim counts.
    pub(super) fn next_timer(&self) -> Option<Nanos> {
        self.first
    }

    /// Lets the claims count whose time has come.
    pub(super) fn timer(&mut self, now: Nanos) {
        while let Some((&name, ecu)) =
            self.ecus.iter_mut().find(|(_, ecu)| ecu.ac_timer.is_some_and(|timer| timer <= now))
        {
            ecu.ac_timer = None;
            let addr = ecu.addr;
            // Whoever has it keeps it: of two claims within 250 ms the first counts, and the programs have to agree.
            if address_is_unicast(addr) && self.name(addr) == J1939_NO_NAME {
                self.ents[usize::from(addr)] = name;
            }
            self.forget(name);
        }
        self.find_first();
    }

    /// Fills in the NAMEs of a message that has been received, and notes a claim.
    pub(super) fn receive(&mut self, cb: &mut Cb, data: &[u8], now: Nanos) {
        if cb.pgn == J1939_PGN_ADDRESS_CLAIMED {
            self.process(cb, data, now);
            self.find_first();
        } else {
            cb.src_name = self.name(cb.sa);
        }
        cb.dst_name = self.name(cb.da);
    }

    fn process(&mut self, cb: &mut Cb, data: &[u8], now: Nanos) {
        let Ok(name) = data.try_into().map(u64::from_le_bytes) else { return };
        cb.src_name = name;
        if name == J1939_NO_NAME || (!self.ecus.contains_key(&name) && !address_is_unicast(cb.sa)) {
            return;
        }
        self.at(name).ac_timer = None;
        if cb.sa == J1939_IDLE_ADDR {
            self.unmap(name);
            return self.forget(name);
        }
        if self.at(name).addr != cb.sa {
            self.unmap(name);
        }
        self.at(name).addr = cb.sa;
        let previous = self.name(cb.sa);
        if previous != J1939_NO_NAME && name > previous {
            return self.forget(name);
        }
        // Who claims the address that it has goes without for 250 ms, too.
        self.unmap(previous);
        self.at(name).ac_timer = Some(now.saturating_add(CLAIM_TIME));
        self.forget(previous);
    }

    /// Fills in the addresses of a message that is to be sent, from its NAMEs.
    ///
    /// # Errors
    /// EADDRNOTAVAIL: a NAME has no address. EPROTO: a claim of another NAME, of no address, of a wrong length, or not for
    /// everybody. ENODEV: a claim without a NAME.
    pub(super) fn fixup(&mut self, cb: &mut Cb, data: &[u8]) -> Result<(), Errno> {
        if cb.pgn == J1939_PGN_ADDRESS_CLAIMED {
            let same = data.try_into().is_ok_and(|data| u64::from_le_bytes(data) == cb.src_name);
            if !same || cb.sa == J1939_NO_ADDR || !cb.is_broadcast() {
                return Err(libc::EPROTO);
            }
            let ecu = self.ecus.get(&cb.src_name).ok_or(libc::ENODEV)?;
            if ecu.addr != cb.sa {
                self.unmap(cb.src_name);
            }
        } else if cb.src_name != J1939_NO_NAME {
            let addr = self.addr(cb.src_name);
            if !address_is_unicast(addr) && !is_request_for_claims(cb.pgn, data) {
                return Err(libc::EADDRNOTAVAIL);
            }
            cb.sa = addr;
        }
        if cb.dst_name != J1939_NO_NAME {
            cb.da = self.addr(cb.dst_name);
            if !address_is_unicast(cb.da) {
                return Err(libc::EADDRNOTAVAIL);
            }
        }
        Ok(())
    }

    fn at(&mut self, name: u64) -> &mut Ecu {
        self.ecus.entry(name).or_insert(Ecu { addr: J1939_IDLE_ADDR, ac_timer: None, local: false })
    }

    fn unmap(&mut self, name: u64) {
        let addr = self.addr(name);
        if address_is_unicast(addr) {
            self.ents[usize::from(addr)] = J1939_NO_NAME;
        }
    }

    /// Removes a NAME that nothing is known of any more.
    fn forget(&mut self, name: u64) {
        let mapped = address_is_unicast(self.addr(name));
        if self.ecus.get(&name).is_some_and(|ecu| !mapped && !ecu.local && ecu.ac_timer.is_none()) {
            self.ecus.remove(&name);
        }
    }

    fn find_first(&mut self) {
        self.first = self.ecus.values().filter_map(|ecu| ecu.ac_timer).min();
    }
}

/// Whether it asks for address claims: who has no address may send that, from [`J1939_IDLE_ADDR`].
fn is_request_for_claims(pgn: u32, data: &[u8]) -> bool {
    pgn == J1939_PGN_REQUEST
        && data.len() >= 3
        && u32::from_le_bytes([data[0], data[1], data[2], 0]) == J1939_PGN_ADDRESS_CLAIMED
}
