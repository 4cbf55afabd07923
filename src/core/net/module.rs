//! Kernel modules (`kernel/module/main.c`), which are held while their code can run; and the owner of a socket.
//!
//! `__sock_create` calls these functions where the kernel's does. Families from shared objects attach here.

use std::num::NonZeroU8;
use std::sync::atomic::{AtomicU32, Ordering};

/// `struct module`: an owner of families or operations.
#[derive(Debug)]
pub struct Module {
    /// Its name.
    pub name: &'static str,
    refcount: AtomicU32,
    going: std::sync::atomic::AtomicBool,
}

impl Module {
    /// A module that is loaded and unused.
    pub const fn new(name: &'static str) -> Self {
        Module { name, refcount: AtomicU32::new(0), going: std::sync::atomic::AtomicBool::new(false) }
    }

    /// How many sockets and calls hold a reference.
    pub fn refcount(&self) -> u32 {
        self.refcount.load(Ordering::Acquire)
    }

    /// Marks it as being unloaded: [`try_module_get`] fails from now on.
    pub fn set_going(&self) {
        self.going.store(true, Ordering::Release);
    }
}

/// The owner of a socket: it made the socket and performs its calls. One byte, because every socket carries it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Owner {
    /// The kernel: the descriptor is the socket itself.
    Host,
    /// A module, by its number. The descriptor is whatever this module opened to stand for the socket.
    Module(NonZeroU8),
}

impl Owner {
    /// The owner with this number; 0 is the host.
    pub const fn from_number(number: u8) -> Owner {
        match NonZeroU8::new(number) {
            None => Owner::Host,
            Some(number) => Owner::Module(number),
        }
    }

    /// Its number.
    pub const fn number(self) -> u8 {
        match self {
            Owner::Host => 0,
            Owner::Module(number) => number.get(),
        }
    }
}

/// `THIS_MODULE` of everything that is compiled in: no module, so nothing to hold.
pub const BUILT_IN: Option<&'static Module> = None;

/// `try_module_get`: takes a reference, unless the module is being unloaded. Built-in code needs none.
#[must_use]
pub fn try_module_get(module: Option<&'static Module>) -> bool {
    match module {
        None => true,
        Some(module) if module.going.load(Ordering::Acquire) => false,
        Some(module) => {
            module.refcount.fetch_add(1, Ordering::AcqRel);
            true
        }
    }
}

/// `module_put`: drops the reference.
pub fn module_put(module: Option<&'static Module>) {
    if let Some(module) = module {
        module.refcount.fetch_sub(1, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_owner_is_its_number() {
        assert_eq!(size_of::<Owner>(), 1);
        for number in 0..=u8::MAX {
            assert_eq!(Owner::from_number(number).number(), number);
        }
        assert_eq!(Owner::from_number(0), Owner::Host);
    }

    #[test]
    fn a_going_module_cannot_be_taken() {
        static MODULE: Module = Module::new("test");
        assert!(try_module_get(Some(&MODULE)));
        assert_eq!(MODULE.refcount(), 1);
        MODULE.set_going();
        assert!(!try_module_get(Some(&MODULE)));
        module_put(Some(&MODULE));
        assert_eq!(MODULE.refcount(), 0);
        assert!(try_module_get(BUILT_IN));
    }
}
