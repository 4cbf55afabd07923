//! Facts that are asked once and remembered, so that the tables' answer does not depend on the kernel's answer to the
//! same call.

use libc::c_int;
use sockshim_core::net::address::SockAddr;
use sockshim_core::net::differences::Difference;
use sockshim_core::net::namespace::{Fact, Facts, Known};
use sockshim_host::LiveKernel;
use std::collections::HashMap;
use std::sync::Mutex;

/// The name of a question, with its arguments.
type FactQuestion = (&'static str, [c_int; 5]);

/// A [`LiveKernel`] that is asked each question only once.
pub struct Remembered {
    kernel: LiveKernel,
    answers: Mutex<HashMap<FactQuestion, Option<Known<c_int>>>>,
}

impl Remembered {
    /// Without any remembered answer.
    pub fn new() -> Self {
        Remembered { kernel: LiveKernel::new(), answers: Mutex::new(HashMap::new()) }
    }

    /// How many questions were asked.
    pub fn questions(&self) -> usize {
        self.answers.lock().expect("no thread panics in here").len()
    }

    fn number(&self, name: &'static str, args: [c_int; 5], ask: impl FnOnce() -> Fact<c_int>) -> Fact<c_int> {
        let mut answers = self.answers.lock().expect("no thread panics in here");
        *answers.entry((name, args)).or_insert_with(ask)
    }

    fn yes(&self, name: &'static str, args: [c_int; 5], ask: impl FnOnce() -> Fact<bool>) -> Fact<bool> {
        let ask = || ask().map(|known| Known { value: c_int::from(known.value), source: known.source });
        let answer = self.number(name, args, ask)?;
        Some(Known { value: answer.value != 0, source: answer.source })
    }
}

impl Facts for Remembered {
    fn nproto(&self) -> Fact<c_int> {
        self.number("nproto", [0; 5], || self.kernel.nproto())
    }
    fn ipproto_max(&self) -> Fact<c_int> {
        self.number("ipproto_max", [0; 5], || self.kernel.ipproto_max())
    }
    fn has_family(&self, family: c_int) -> Fact<bool> {
        self.yes("has_family", [family, 0, 0, 0, 0], || self.kernel.has_family(family))
    }
    fn has_protocol(&self, family: c_int, ty: c_int, protocol: c_int) -> Fact<bool> {
        self.yes("has_protocol", [family, ty, protocol, 0, 0], || {
            self.kernel.has_protocol(family, ty, protocol)
        })
    }
    fn has_module_protocol(&self, family: c_int, protocol: c_int) -> Fact<bool> {
        self.yes("has_module_protocol", [family, protocol, 0, 0, 0], || {
            self.kernel.has_module_protocol(family, protocol)
        })
    }
    fn may_create(&self, family: c_int) -> Fact<bool> {
        self.yes("may_create", [family, 0, 0, 0, 0], || self.kernel.may_create(family))
    }
    fn is_init_net(&self) -> Fact<bool> {
        self.yes("is_init_net", [0; 5], || self.kernel.is_init_net())
    }
    fn since(&self, difference: Difference) -> Fact<bool> {
        self.yes("since", [difference as c_int, 0, 0, 0, 0], || self.kernel.since(difference))
    }
    fn nl_table(&self, protocol: c_int) -> Fact<bool> {
        self.yes("nl_table", [protocol, 0, 0, 0, 0], || self.kernel.nl_table(protocol))
    }
    fn net_raw(&self) -> Fact<bool> {
        self.yes("net_raw", [0; 5], || self.kernel.net_raw())
    }
    fn net_bind_service(&self) -> Fact<bool> {
        self.yes("net_bind_service", [0; 5], || self.kernel.net_bind_service())
    }
    fn ping_group(&self) -> Fact<bool> {
        self.yes("ping_group", [0; 5], || self.kernel.ping_group())
    }
    fn mptcp_enabled(&self) -> Fact<bool> {
        self.yes("mptcp_enabled", [0; 5], || self.kernel.mptcp_enabled())
    }
    fn somaxconn(&self) -> Fact<c_int> {
        self.number("somaxconn", [0; 5], || self.kernel.somaxconn())
    }
    fn unprivileged_port_start(&self) -> Fact<c_int> {
        self.number("unprivileged_port_start", [0; 5], || self.kernel.unprivileged_port_start())
    }
    fn has_address(&self, addr: &SockAddr) -> Fact<bool> {
        let family = addr.family().unwrap_or(0);
        let mut octets = [0; 16];
        match family {
            libc::AF_INET6 => octets = addr.v6(),
            _ => octets[..4].copy_from_slice(&addr.v4()),
        }
        let mut key = [family; 5];
        for (word, bytes) in key[1..].iter_mut().zip(octets.chunks_exact(4)) {
            *word = c_int::from_be_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
        }
        self.yes("has_address", key, || self.kernel.has_address(addr))
    }
}
