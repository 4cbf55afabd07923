//! What modules have registered: `net_families[]`, `inetsw`, the network devices; and which module it was.
//!
//! A module registers while it is loaded, so what it leaves behind when it cannot begin, or is unloaded, can be taken back.
//!
//! # Safety
//! What a module registers stays as long as the module: it is taken from here before the module goes.

use crate::counts::{self, NPROTO};
use core::ffi::c_int;
use core::ptr;
use core::sync::atomic::{AtomicPtr, AtomicU32, Ordering};
use sockshim_module::{InetProtosw, NetDeviceOps, NetProtoFamily};

/// A place for one thing that a module registers.
struct Place<T: 'static> {
    entry: AtomicPtr<T>,
    /// The module's number in the list, from 1; 0 for nobody.
    owner: AtomicU32,
}

impl<T> Place<T> {
    const fn free() -> Place<T> {
        Place { entry: AtomicPtr::new(ptr::null_mut()), owner: AtomicU32::new(0) }
    }

    fn get(&self) -> Option<&'static T> {
        // SAFETY: what was registered stays until it is taken away.
        unsafe { self.entry.load(Ordering::Acquire).as_ref() }
    }

    /// Takes the place, unless it is taken.
    fn take(&self, entry: *const T) -> bool {
        let null = ptr::null_mut();
        let taken =
            self.entry.compare_exchange(null, entry.cast_mut(), Ordering::AcqRel, Ordering::Relaxed).is_ok();
        if taken {
            self.owner.store(loading(), Ordering::Release);
        }
        taken
    }

    fn is_of(&self, owner: u32) -> bool {
        self.owner.load(Ordering::Acquire) == owner && self.get().is_some()
    }

    fn leave(&self) {
        self.owner.store(0, Ordering::Release);
        self.entry.store(ptr::null_mut(), Ordering::SeqCst);
    }
}

static NET_FAMILIES: [Place<NetProtoFamily>; NPROTO] = [const { Place::free() }; NPROTO];
static INETSW: [Place<InetProtosw>; 32] = [const { Place::free() }; 32];
static NET_DEVICES: [Place<NetDeviceOps>; 16] = [const { Place::free() }; 16];

/// The threads that load modules, and which: a thread's number and the module's from 1, in one word.
static LOADING: [AtomicU32; 8] = [const { AtomicU32::new(0) }; 8];
/// The modules at the same places.
static LOADED: [AtomicU32; 8] = [const { AtomicU32::new(0) }; 8];

/// The module that this thread loads; 0 for none, which nobody owns.
fn loading() -> u32 {
    let tid = sockshim_sys::gettid() as u32;
    let place = LOADING.iter().position(|thread| thread.load(Ordering::Acquire) == tid);
    place.map_or(0, |place| LOADED[place].load(Ordering::Acquire))
}

/// What `load` registers is the module's with this number, from 1.
pub fn owned_by<R>(owner: u32, load: impl FnOnce() -> R) -> R {
    let tid = sockshim_sys::gettid() as u32;
    let claim =
        |thread: &AtomicU32| thread.compare_exchange(0, tid, Ordering::AcqRel, Ordering::Relaxed).is_ok();
    let Some(place) = LOADING.iter().position(claim) else { return load() };
    LOADED[place].store(owner, Ordering::Release);
    let ret = load();
    LOADING[place].store(0, Ordering::Release);
    ret
}

/// The family in `net_families[]`.
pub fn net_family(family: c_int) -> Option<&'static NetProtoFamily> {
    NET_FAMILIES.get(usize::try_from(family).ok()?)?.get()
}

/// The protocol of AF_INET and AF_INET6 for a type and a number.
pub fn inet_protosw(ty: c_int, protocol: c_int) -> Option<&'static InetProtosw> {
    INETSW.iter().filter_map(Place::get).find(|entry| entry.ty == ty && entry.protocol == protocol)
}

/// What modules have registered as network devices.
pub fn net_devices() -> impl Iterator<Item = &'static NetDeviceOps> {
    NET_DEVICES.iter().filter_map(Place::get)
}

/// `sock_register`.
pub unsafe extern "C" fn sock_register(family: *const NetProtoFamily) -> c_int {
    // SAFETY: the caller's promise.
    let Some(entry) = (unsafe { family.as_ref() }) else { return -libc::EINVAL };
    match usize::try_from(entry.family).ok().and_then(|number| NET_FAMILIES.get(number)) {
        None => -libc::ENOBUFS,
        Some(place) if place.take(family) => 0,
        Some(_) => -libc::EEXIST,
    }
}

/// `sock_unregister`.
pub unsafe extern "C" fn sock_unregister(family: c_int) {
    if let Some(place) = usize::try_from(family).ok().and_then(|number| NET_FAMILIES.get(number)) {
        place.leave();
    }
}

fn add<T>(places: &[Place<T>], entry: *const T) -> c_int {
    if !entry.is_null() && places.iter().any(|place| place.take(entry)) { 0 } else { -libc::ENOBUFS }
}

/// `inet_register_protosw`.
pub unsafe extern "C" fn inet_register_protosw(protosw: *const InetProtosw) -> c_int {
    add(&INETSW, protosw)
}

/// `inet_unregister_protosw`.
pub unsafe extern "C" fn inet_unregister_protosw(protosw: *const InetProtosw) {
    let is_it = |place: &&Place<_>| ptr::eq(place.entry.load(Ordering::Acquire), protosw);
    INETSW.iter().filter(is_it).for_each(Place::leave);
}

/// `register_netdevice`.
pub unsafe extern "C" fn register_netdevice(ops: *const NetDeviceOps) -> c_int {
    add(&NET_DEVICES, ops)
}

/// Takes away all that a module has registered.
pub fn unregister(owner: u32) {
    NET_FAMILIES.iter().filter(|place| place.is_of(owner)).for_each(Place::leave);
    INETSW.iter().filter(|place| place.is_of(owner)).for_each(Place::leave);
    NET_DEVICES.iter().filter(|place| place.is_of(owner)).for_each(Place::leave);
}

/// The same for a module that is to go, unless it is in use: it has a socket, or interfaces, which it always has.
pub fn unregister_unused(owner: u32) -> bool {
    let has_protosw = INETSW.iter().any(|place| place.is_of(owner));
    let is_used = |family: c_int| {
        let is_its = NET_FAMILIES[family as usize].is_of(owner);
        let is_ip = family == libc::AF_INET || family == libc::AF_INET6;
        (is_its || is_ip && has_protosw) && counts::is_used(family)
    };
    if NET_DEVICES.iter().any(|place| place.is_of(owner)) || (0..NPROTO as c_int).any(is_used) {
        return false;
    }
    // Who makes a socket counts it, then looks for the family. So either it is seen here, or the family is not found there.
    let families = NET_FAMILIES.iter().filter(|place| place.is_of(owner));
    let taken: [*mut NetProtoFamily; NPROTO] = {
        let mut taken = [ptr::null_mut(); NPROTO];
        families.zip(&mut taken).for_each(|(place, taken)| {
            *taken = place.entry.swap(ptr::null_mut(), Ordering::SeqCst);
        });
        taken
    };
    let mut taken = taken.into_iter().take_while(|entry| !entry.is_null());
    // SAFETY: the module is still there.
    let came = |entry: &*mut NetProtoFamily| counts::is_used(unsafe { (**entry).family });
    let back = taken.clone();
    if taken.any(|entry| came(&entry)) {
        for entry in back {
            // SAFETY: the module is still there.
            let place = &NET_FAMILIES[unsafe { (*entry).family } as usize];
            place.entry.store(entry, Ordering::Release);
        }
        return false;
    }
    unregister(owner);
    true
}
