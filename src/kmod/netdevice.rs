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

const EMPTY: NetDevice =
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
            return Some(set(ops, place, &NetDevice { flags, ..device }));
        }
        SIOCSIFMTU => {
            let mtu = c_uint::from_ne_bytes(value[..4].try_into().ok()?);
            return Some(set(ops, place, &NetDevice { mtu, ..device }));
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

fn set(ops: &NetDeviceOps, place: c_uint, device: &NetDevice) -> Result<(), c_int> {
    // Only root may, as on the kernel's interfaces; whether with CAP_NET_ADMIN is the same here.
    if sys::geteuid() != 0 {
        return Err(libc::EPERM);
    }
    let set = ops.ndo_set.ok_or(libc::EPERM)?;
    // SAFETY: what the header promises.
    match unsafe { set(place, device) } {
        0 => Ok(()),
        errno => Err(-errno),
    }
}
