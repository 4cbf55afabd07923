//! Network interfaces of modules, for the functions and requests by which programs find interfaces. The kernel's own come
//! first: libc is asked, and only what it does not know is answered here.
//!
//! # Safety
//! Lists that libc has made are read and extended as their man pages describe them; both come from malloc(3).

use crate::answer::failure;
use crate::{modules, original, registry, user};
use core::ffi::{CStr, c_char, c_int, c_uint, c_ulong};
use core::ptr;
use libc::{IFNAMSIZ, if_nameindex as NameIndex, ifaddrs};
use sockshim_module::{NetDevice, NetDeviceOps};
use sockshim_sys as sys;

/// The requests with a `struct ifreq` that are about one interface.
mod request {
    pub const SIOCGIFNAME: u64 = 0x8910;
    pub const SIOCGIFFLAGS: u64 = 0x8913;
    pub const SIOCSIFFLAGS: u64 = 0x8914;
    pub const SIOCGIFADDR: u64 = 0x8915;
    pub const SIOCGIFDSTADDR: u64 = 0x8917;
    pub const SIOCGIFBRDADDR: u64 = 0x8919;
    pub const SIOCGIFNETMASK: u64 = 0x891b;
    pub const SIOCGIFMETRIC: u64 = 0x891d;
    pub const SIOCGIFMTU: u64 = 0x8921;
    pub const SIOCSIFMTU: u64 = 0x8922;
    pub const SIOCGIFHWADDR: u64 = 0x8927;
    pub const SIOCGIFINDEX: u64 = 0x8933;
    pub const SIOCGIFSLAVE: u64 = 0x8929;
    pub const SIOCGIFTXQLEN: u64 = 0x8942;
    pub const SIOCETHTOOL: u64 = 0x8946;
    pub const SIOCGIFMAP: u64 = 0x8970;
    pub const SIOCGHWTSTAMP: u64 = 0x89b1;
    pub const SIOCDEVPRIVATE: u64 = 0x89f0;
}
use request::*;

/// None.
pub const EMPTY: NetDevice =
    NetDevice { name: [0; IFNAMSIZ], ifindex: 0, flags: 0, mtu: 0, tx_queue_len: 0, ty: 0, kind: [0; 16] };

/// Every interface of a module's, with its place.
fn devices() -> impl Iterator<Item = (&'static NetDeviceOps, c_uint, NetDevice)> {
    modules::load_devices();
    registry::net_devices().flat_map(|ops| {
        (0..).map_while(move |place| {
            let mut device = EMPTY;
            // SAFETY: what the header promises.
            (unsafe { (ops.ndo_get)(place, &mut device) } == 0).then_some((ops, place, device))
        })
    })
}

fn by_name(name: &[u8]) -> Option<(&'static NetDeviceOps, c_uint, NetDevice)> {
    // What follows a colon names an address of the interface.
    let name = name.split(|byte| *byte == b':').next()?;
    devices().find(|(_, _, device)| name_of(device) == name)
}

fn by_index(index: c_int) -> Option<NetDevice> {
    devices().map(|(_, _, device)| device).find(|device| device.ifindex == index)
}

/// An interface of a module's that the kernel has none of the same name for.
pub struct Own {
    ops: &'static NetDeviceOps,
    place: c_uint,
    /// The interface.
    pub device: NetDevice,
}

/// All of them.
pub fn owns() -> impl Iterator<Item = Own> {
    let all = devices().map(|(ops, place, device)| Own { ops, place, device });
    all.filter(|own| !is_real(name_of(&own.device)))
}

/// Whether there is one.
pub fn has_own() -> bool {
    owns().next().is_some()
}

/// The one of this name.
pub fn own_by_name(name: &[u8]) -> Option<Own> {
    owns().find(|own| name_of(&own.device) == name)
}

/// The one with this index.
pub fn own_by_index(ifindex: c_int) -> Option<Own> {
    owns().find(|own| own.device.ifindex == ifindex)
}

/// Whether the kernel has an interface of this name.
pub fn is_real(name: &[u8]) -> bool {
    let mut text = [0; IFNAMSIZ];
    if name.len() >= IFNAMSIZ {
        return false;
    }
    text[..name.len()].copy_from_slice(name);
    sys_socket().is_some_and(|fd| {
        let real = has_real(fd, &text);
        sys::close(fd);
        real
    })
}

/// Whether a module has interfaces of this kind.
pub fn has_kind(kind: &[u8]) -> bool {
    devices().any(|(_, _, device)| device.kind.split(|byte| *byte == 0).next() == Some(kind))
}

/// The first name of a kind that no interface has, as the kernel names them: the kind and a number.
pub fn free_name(kind: &CStr) -> Option<[u8; IFNAMSIZ]> {
    (0..100u8).find_map(|number| {
        let mut name = [0; IFNAMSIZ];
        let kind = kind.to_bytes();
        let digits = [b'0' + number / 10, b'0' + number % 10];
        let digits = if number < 10 { &digits[1..] } else { &digits };
        let len = kind.len() + digits.len();
        name.get_mut(..kind.len())?.copy_from_slice(kind);
        name.get_mut(kind.len()..len)?.copy_from_slice(digits);
        let is_free = len < IFNAMSIZ && by_name(&name[..len]).is_none() && !is_real(&name[..len]);
        is_free.then_some(name)
    })
}

/// The errno of a function of a module's.
fn errno_of(ret: c_int) -> Result<(), c_int> {
    if ret < 0 { Err(-ret) } else { Ok(()) }
}

/// Changes one, whoever asks.
pub fn set(own: &Own, device: &NetDevice) -> Result<(), c_int> {
    let set = own.ops.ndo_set.ok_or(libc::EOPNOTSUPP)?;
    // SAFETY: what the header promises.
    errno_of(unsafe { set(own.place, device) })
}

/// Removes one, whoever asks.
pub fn del(own: &Own) -> Result<(), c_int> {
    let del = own.ops.ndo_del.ok_or(libc::EOPNOTSUPP)?;
    // SAFETY: what the header promises.
    errno_of(unsafe { del(own.place) })
}

/// Makes one, by the first module that has the kind, whoever asks.
pub fn add(kind: &CStr, device: &NetDevice) -> Result<(), c_int> {
    let news = registry::net_devices().filter_map(|ops| ops.ndo_new);
    let mut last = Err(libc::EOPNOTSUPP);
    for new in news {
        // SAFETY: what the header promises.
        last = errno_of(unsafe { new(kind.as_ptr(), device) });
        if last != Err(libc::EOPNOTSUPP) {
            break;
        }
    }
    last
}

fn name_of(device: &NetDevice) -> &[u8] {
    let len = device.name.iter().position(|byte| *byte == 0).unwrap_or(IFNAMSIZ);
    &device.name[..len]
}

/// The index of an interface, the kernel's or a module's.
pub fn index_of(name: &[u8; IFNAMSIZ]) -> Option<c_int> {
    let own =
        || by_name(&name[..name.iter().position(|byte| *byte == 0)?]).map(|(_, _, device)| device.ifindex);
    // SAFETY: a name with its NUL.
    let real = unsafe { original::if_nametoindex(name.as_ptr().cast()) };
    if real != 0 { Some(real as c_int) } else { own() }
}

/// The name of an interface, the kernel's or a module's.
pub fn name_by_index(index: c_int) -> Option<[u8; IFNAMSIZ]> {
    let mut name = [0; IFNAMSIZ];
    // SAFETY: room for any name.
    let real = unsafe { original::if_indextoname(index as c_uint, name.as_mut_ptr().cast()) };
    if real.is_null() { by_index(index).map(|device| device.name) } else { Some(name) }
}

/// Whether no interface of a module's has the name of one of the kernel's.
pub fn is_free_of_real_ones() -> bool {
    let fd = sys_socket();
    let free = !devices().any(|(_, _, device)| fd.is_some_and(|fd| has_real(fd, &device.name)));
    fd.into_iter().for_each(sys::close);
    free
}

/// A socket to ask by.
fn sys_socket() -> Option<c_int> {
    let args = [libc::AF_UNIX.into(), (libc::SOCK_DGRAM | libc::SOCK_CLOEXEC).into(), 0, 0, 0, 0];
    // SAFETY: numbers.
    c_int::try_from(unsafe { sys::syscall(libc::SYS_socket, args) }).ok().filter(|fd| *fd >= 0)
}

fn has_real(fd: c_int, name: &[u8; IFNAMSIZ]) -> bool {
    let mut ifreq = [0u8; 40];
    ifreq[..IFNAMSIZ].copy_from_slice(name);
    let args = [fd.into(), SIOCGIFINDEX as i64, ifreq.as_mut_ptr() as i64, 0, 0, 0];
    // SAFETY: a `struct ifreq` of ours.
    unsafe { sys::syscall(libc::SYS_ioctl, args) == 0 }
}

pub unsafe extern "C-unwind" fn if_nametoindex(name: *const c_char) -> c_uint {
    let errno = sys::errno();
    // SAFETY: the program's own call.
    let index = unsafe { original::if_nametoindex(name) };
    if index != 0 {
        return index;
    }
    // SAFETY: libc has just read it as a C string.
    match by_name(unsafe { CStr::from_ptr(name) }.to_bytes()) {
        Some((_, _, device)) => {
            sys::set_errno(errno);
            device.ifindex as c_uint
        }
        None => 0,
    }
}

pub unsafe extern "C-unwind" fn if_indextoname(index: c_uint, name: *mut c_char) -> *mut c_char {
    let errno = sys::errno();
    // SAFETY: the program's own call.
    let found = unsafe { original::if_indextoname(index, name) };
    if !found.is_null() {
        return found;
    }
    match by_index(index as c_int) {
        Some(device) => {
            sys::set_errno(errno);
            // SAFETY: the man page asks for room for IF_NAMESIZE bytes.
            unsafe { ptr::copy_nonoverlapping(device.name.as_ptr(), name.cast(), IFNAMSIZ) };
            name
        }
        None => ptr::null_mut(),
    }
}

pub unsafe extern "C-unwind" fn if_nameindex() -> *mut NameIndex {
    // SAFETY: the program's own call.
    let list = unsafe { original::if_nameindex() };
    if list.is_null() {
        return list;
    }
    let own = devices().count();
    if own == 0 {
        return list;
    }
    // SAFETY: an entry of zeros ends the list, which malloc(3) has made, as its names.
    unsafe {
        let count = (0..).take_while(|place| (*list.add(*place)).if_index != 0).count();
        let longer =
            libc::realloc(list.cast(), (count + own + 1) * size_of::<NameIndex>()).cast::<NameIndex>();
        if longer.is_null() {
            return list;
        }
        let mut end = longer.add(count);
        for (_, _, device) in devices().take(own) {
            let name = libc::strdup(device.name.as_ptr().cast());
            if name.is_null() {
                break;
            }
            end.write(NameIndex { if_index: device.ifindex as c_uint, if_name: name });
            end = end.add(1);
        }
        end.write(NameIndex { if_index: 0, if_name: ptr::null_mut() });
        longer
    }
}

pub unsafe extern "C-unwind" fn getifaddrs(list: *mut *mut ifaddrs) -> c_int {
    // SAFETY: the program's own call.
    let ret = unsafe { original::getifaddrs(list) };
    if ret == 0 {
        // SAFETY: libc has just written the list.
        unsafe { crate::ifaddrs::extend(list, devices().map(|(_, _, device)| device)) };
    }
    ret
}

/// Whether the request names one interface.
pub fn is_about_devices(request: c_ulong) -> bool {
    matches!(
        request & 0xffff_ffff,
        SIOCGIFNAME
            | SIOCGIFFLAGS
            | SIOCSIFFLAGS
            | SIOCGIFMTU
            | SIOCSIFMTU
            | SIOCGIFHWADDR
            | SIOCGIFINDEX
            | SIOCGIFTXQLEN
            | SIOCETHTOOL
            | SIOCGIFMETRIC
            | SIOCGIFMAP
            | SIOCGIFADDR
            | SIOCGIFDSTADDR
            | SIOCGIFBRDADDR
            | SIOCGIFNETMASK
            | SIOCGIFSLAVE
            | SIOCGHWTSTAMP
            | SIOCDEVPRIVATE
    )
}

/// ioctl(2) with a `struct ifreq`.
///
/// # Safety
/// It must be the program's own call.
pub unsafe fn ioctl(fd: c_int, request: c_ulong, arg: c_ulong) -> c_int {
    let errno = sys::errno();
    // SAFETY: the program's own call.
    let ret = unsafe { original::ioctl(fd, request, arg) };
    let missing = sys::errno();
    if ret != -1 || ![libc::ENODEV, libc::EPERM].contains(&missing) {
        return ret;
    }
    let ifreq = arg as *mut [u8; 40];
    let Ok(mut asked) = user::get(ifreq.cast_const()) else { return failure(missing) };
    match answered(request, &mut asked) {
        Some(Ok(())) => match user::put(ifreq, asked) {
            Ok(()) => {
                sys::set_errno(errno);
                0
            }
            Err(errno) => failure(errno),
        },
        Some(Err(errno)) => failure(errno),
        // The kernel's own answer.
        None => failure(missing),
    }
}

/// Fills in a `struct ifreq`: the name, and a union behind it. `None` if there is no such interface.
fn answered(request: c_ulong, ifreq: &mut [u8; 40]) -> Option<Result<(), c_int>> {
    let (name, value) = ifreq.split_at_mut(IFNAMSIZ);
    if request == SIOCGIFNAME {
        let device = by_index(c_int::from_ne_bytes(value[..4].try_into().ok()?))?;
        name.copy_from_slice(&device.name);
        return Some(Ok(()));
    }
    let len = name.iter().position(|byte| *byte == 0).unwrap_or(IFNAMSIZ - 1);
    let (ops, place, device) = by_name(&name[..len])?;
    let int = |value: &mut [u8], number: c_uint| value[..4].copy_from_slice(&number.to_ne_bytes());
    match request {
        SIOCGIFINDEX => int(value, device.ifindex as c_uint),
        SIOCGIFMTU => int(value, device.mtu),
        SIOCGIFTXQLEN => int(value, device.tx_queue_len),
        SIOCGIFFLAGS => value[..2].copy_from_slice(&(device.flags as u16).to_ne_bytes()),
        SIOCGIFHWADDR => {
            value[..16].fill(0);
            value[..2].copy_from_slice(&device.ty.to_ne_bytes());
        }
        SIOCGIFMETRIC => int(value, 0),
        SIOCGIFMAP => value.fill(0),
        SIOCSIFFLAGS => {
            let flags = u16::from_ne_bytes([value[0], value[1]]).into();
            return Some(set_by_root(&Own { ops, place, device }, &NetDevice { flags, ..device }));
        }
        SIOCSIFMTU => {
            let mtu = c_uint::from_ne_bytes(value[..4].try_into().ok()?);
            return Some(set_by_root(&Own { ops, place, device }, &NetDevice { mtu, ..device }));
        }
        // `devinet_ioctl`: it has no address.
        SIOCGIFADDR | SIOCGIFDSTADDR | SIOCGIFBRDADDR | SIOCGIFNETMASK => {
            return Some(Err(libc::EADDRNOTAVAIL));
        }
        SIOCGIFSLAVE => return Some(Err(libc::EINVAL)),
        SIOCETHTOOL => return Some(crate::ethtool::answer(&device, value)),
        _ => return Some(Err(libc::EOPNOTSUPP)),
    }
    Some(Ok(()))
}

/// Only root may, as on the kernel's interfaces; whether with CAP_NET_ADMIN is the same here.
fn set_by_root(own: &Own, device: &NetDevice) -> Result<(), c_int> {
    if sys::geteuid() != 0 { Err(libc::EPERM) } else { set(own, device) }
}
