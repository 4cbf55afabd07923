//! The file of a bus: its secret, where its datagrams go, and its interfaces. It is mapped by every member, and changed under
//! a lock of the file (flock), by words that readers see whole.
//!
//! # Safety
//! The mapping is never undone and as large as the file was made before it was mapped.

use crate::directory::{Path, owner};
use crate::{call, member, spec};
use core::sync::atomic::{AtomicPtr, AtomicU32, AtomicU64, Ordering};
use libc::{IFNAMSIZ, c_int};
use sockshim_sys as sys;

const MAGIC: u64 = u64::from_be_bytes(*b"skshcan1");
/// The size of what is mapped of the file. What is behind it is the engines'.
pub const SIZE: usize = 4096;
/// The most interfaces of a bus.
pub const INTERFACES: usize = 48;
/// The first interface's index: no kernel counts its own so far.
pub const FIRST_INDEX: i32 = 1 << 20;

const UP: u32 = 1;
const REMOVED: u32 = 2;

#[repr(C)]
struct Slot {
    name: [AtomicU64; IFNAMSIZ / 8],
    mtu: AtomicU32,
    state: AtomicU32,
    reserved: [AtomicU64; 5],
}

/// What the file has.
#[repr(C)]
pub(crate) struct Shared {
    magic: AtomicU64,
    token: AtomicU64,
    /// The group's last three bytes; the first is 239.
    group: AtomicU32,
    port: AtomicU32,
    /// How many interfaces there have been.
    count: AtomicU32,
    reserved: [AtomicU32; 9],
    interfaces: [Slot; INTERFACES],
}

const _: () = assert!(size_of::<Shared>() <= SIZE);

/// A bus that this process has opened.
#[derive(Clone, Copy)]
pub struct Bus(&'static Shared);

/// The bus of a process, once it has opened one.
pub struct Opened(AtomicPtr<Shared>);

impl Opened {
    /// None yet.
    pub const fn none() -> Opened {
        Opened(AtomicPtr::new(core::ptr::null_mut()))
    }

    /// Keeps it.
    pub fn set(&self, bus: Bus) {
        self.0.store(core::ptr::from_ref(bus.0).cast_mut(), Ordering::Release);
    }

    /// It, if there is one.
    #[inline]
    pub fn get(&self) -> Option<Bus> {
        // SAFETY: what was stored is mapped for good.
        unsafe { self.0.load(Ordering::Acquire).as_ref() }.map(Bus)
    }
}

/// An interface of a bus.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Interface {
    /// Its name, filled with NULs.
    pub name: [u8; IFNAMSIZ],
    /// Its index.
    pub ifindex: i32,
    /// Its MTU.
    pub mtu: u32,
    /// Whether it is up.
    pub up: bool,
}

impl Interface {
    /// Its name.
    pub fn name(&self) -> &[u8] {
        let len = self.name.iter().position(|byte| *byte == 0).unwrap_or(IFNAMSIZ);
        &self.name[..len]
    }
}

/// An open file under a lock, which ends with it.
struct Locked(c_int);

impl Locked {
    fn open(directory: &Path) -> Result<Locked, c_int> {
        let path = Path::of(&[directory.bytes(), b"/bus"]).ok_or(libc::ENAMETOOLONG)?;
        let flags = libc::O_RDWR | libc::O_CREAT | libc::O_CLOEXEC | libc::O_NOFOLLOW;
        let file = Locked(sys::open(path.c_str(), flags, 0o600)?);
        if owner(file.0)? != sys::geteuid() {
            return Err(libc::EPERM);
        }
        loop {
            // SAFETY: numbers.
            match unsafe { call(libc::SYS_flock, [file.0.into(), libc::LOCK_EX.into(), 0, 0, 0, 0]) } {
                Ok(_) => return Ok(file),
                Err(libc::EINTR) => {}
                Err(errno) => return Err(errno),
            }
        }
    }
}

impl Drop for Locked {
    fn drop(&mut self) {
        // Closing would not do it: a mapping keeps the open file.
        // SAFETY: numbers.
        let _ = unsafe { call(libc::SYS_flock, [self.0.into(), libc::LOCK_UN.into(), 0, 0, 0, 0]) };
        sys::close(self.0);
    }
}

impl Bus {
    /// Opens the bus in a directory, and makes it if it is not there.
    pub fn open(directory: &Path) -> Result<Bus, c_int> {
        crate::directory::open(directory).map(sys::close)?;
        let file = Locked::open(directory)?;
        // A full file system is told here, and not by SIGBUS at the first write.
        // SAFETY: numbers.
        unsafe { call(libc::SYS_fallocate, [file.0.into(), 0, 0, SIZE as i64, 0, 0]) }?;
        let protection = (libc::PROT_READ | libc::PROT_WRITE).into();
        let args = [0, SIZE as i64, protection, libc::MAP_SHARED.into(), file.0.into(), 0];
        // SAFETY: a new mapping of a file that is large enough.
        let shared = unsafe { call(libc::SYS_mmap, args) }? as *const Shared;
        // SAFETY: mapped for good; atomics, for which any bytes are good.
        let bus = Bus(unsafe { &*shared });
        match bus.0.magic.load(Ordering::Acquire) {
            MAGIC => {}
            0 => bus.begin()?,
            _ => return Err(libc::EINVAL),
        }
        Ok(bus)
    }

    /// A new bus: a secret, and a port that is free.
    fn begin(&self) -> Result<(), c_int> {
        for _ in 0..64 {
            let mut random = [0u8; 16];
            // SAFETY: a buffer of ours.
            unsafe { call(libc::SYS_getrandom, [random.as_mut_ptr() as i64, 16, 0, 0, 0, 0]) }?;
            let word =
                |at: usize| u32::from_ne_bytes([random[at], random[at + 1], random[at + 2], random[at + 3]]);
            self.0.token.store(u64::from(word(0)) << 32 | u64::from(word(4)), Ordering::Relaxed);
            self.0.group.store(word(8) & 0x00ff_ffff, Ordering::Relaxed);
            // Below the ports that the kernel gives out.
            self.0.port.store(20_000 + word(12) % 12_000, Ordering::Relaxed);
            match member::try_port(self) {
                Ok(()) => {
                    self.0.magic.store(MAGIC, Ordering::Release);
                    return Ok(());
                }
                Err(libc::EADDRINUSE) => {}
                Err(errno) => return Err(errno),
            }
        }
        Err(libc::EADDRINUSE)
    }

    /// Its secret.
    pub fn token(&self) -> u64 {
        self.0.token.load(Ordering::Relaxed)
    }

    /// Where its datagrams go.
    pub fn address(&self) -> libc::sockaddr_in {
        let group = 239 << 24 | self.0.group.load(Ordering::Relaxed);
        libc::sockaddr_in {
            sin_family: libc::AF_INET as u16,
            sin_port: (self.0.port.load(Ordering::Relaxed) as u16).to_be(),
            sin_addr: libc::in_addr { s_addr: group.to_be() },
            sin_zero: [0; 8],
        }
    }

    fn slot(&self, place: usize) -> Option<&'static Slot> {
        let count = (self.0.count.load(Ordering::Acquire) as usize).min(INTERFACES);
        self.0.interfaces[..count].get(place)
    }

    /// The interface at a place, counted from 0; `Some(None)` where one was removed.
    pub fn at(&self, place: usize) -> Option<Option<Interface>> {
        let slot = self.slot(place)?;
        let state = slot.state.load(Ordering::Acquire);
        let mut name = [0; IFNAMSIZ];
        for (bytes, word) in name.chunks_exact_mut(8).zip(&slot.name) {
            bytes.copy_from_slice(&word.load(Ordering::Relaxed).to_ne_bytes());
        }
        let interface = Interface {
            name,
            ifindex: FIRST_INDEX + place as i32,
            mtu: slot.mtu.load(Ordering::Relaxed),
            up: state & UP != 0,
        };
        Some((state & REMOVED == 0).then_some(interface))
    }

    /// All interfaces.
    pub fn interfaces(&self) -> impl Iterator<Item = Interface> {
        let bus = *self;
        (0..).map_while(move |place| bus.at(place)).flatten()
    }

    /// The interface with this index.
    #[inline]
    pub fn by_index(&self, ifindex: i32) -> Option<Interface> {
        self.at(usize::try_from(ifindex - FIRST_INDEX).ok()?)?
    }

    /// The interface of this name.
    pub fn by_name(&self, name: &[u8]) -> Option<Interface> {
        self.interfaces().find(|interface| interface.name() == name)
    }

    /// Has an interface of this name, made if it is not there.
    pub fn add(&self, directory: &Path, name: &[u8], mtu: Option<u32>) -> Result<Interface, c_int> {
        if let Some(interface) = self.by_name(name) {
            return Ok(interface);
        }
        let _lock = Locked::open(directory)?;
        if let Some(interface) = self.by_name(name) {
            return Ok(interface);
        }
        let place = self.0.count.load(Ordering::Acquire) as usize;
        let slot = self.0.interfaces.get(place).ok_or(libc::ENOSPC)?;
        let mut bytes = [0; IFNAMSIZ];
        bytes[..name.len()].copy_from_slice(name);
        for (word, bytes) in slot.name.iter().zip(bytes.chunks_exact(8)) {
            word.store(u64::from_ne_bytes(bytes.try_into().map_err(|_| libc::EINVAL)?), Ordering::Relaxed);
        }
        slot.mtu.store(mtu.unwrap_or(spec::MTU), Ordering::Relaxed);
        slot.state.store(UP, Ordering::Release);
        self.0.count.store(place as u32 + 1, Ordering::Release);
        self.by_name(name).ok_or(libc::ENODEV)
    }

    /// Changes an interface: its MTU, and whether it is up.
    pub fn change(&self, ifindex: i32, mtu: u32, up: bool) -> Result<(), c_int> {
        let place = usize::try_from(ifindex - FIRST_INDEX).map_err(|_| libc::ENODEV)?;
        let slot = self.slot(place).ok_or(libc::ENODEV)?;
        slot.mtu.store(mtu, Ordering::Relaxed);
        slot.state.store(if up { UP } else { 0 }, Ordering::Release);
        Ok(())
    }

    /// Removes an interface.
    pub fn remove(&self, ifindex: i32) -> Result<(), c_int> {
        let place = usize::try_from(ifindex - FIRST_INDEX).map_err(|_| libc::ENODEV)?;
        self.slot(place).ok_or(libc::ENODEV)?.state.store(REMOVED, Ordering::Release);
        Ok(())
    }
}
