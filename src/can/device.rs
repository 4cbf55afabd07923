//! The interfaces of the bus (`drivers/net/can/vcan.c`).
//!
//! # Safety
//! The functions of `struct net_device_ops` get what the header says.

use crate::caught::caught;
use crate::kept::Kept;
use crate::kernel;
use core::ffi::{CStr, c_char, c_int, c_uint};
use sockshim_can_bus::directory::{self, Path};
use sockshim_can_bus::wire::{self, Header};
use sockshim_can_bus::{Bus, Interface, Opened, member, spec};
use sockshim_module::{NetDevice, NetDeviceOps};
use sockshim_sys as sys;

/// `ARPHRD_CAN`.
const ARPHRD_CAN: u16 = 280;
const IFF_UP: c_uint = libc::IFF_UP as c_uint;

/// The bus of this process.
static BUS: Opened = Opened::none();

/// The bus of this process.
#[inline]
pub fn bus() -> Option<Bus> {
    BUS.get()
}

/// The directory of the bus: SOCKSHIM_CAN_BUS, or the user's own.
fn path() -> Option<Path> {
    match kernel::getenv(c"SOCKSHIM_CAN_BUS").filter(|path| !path.is_empty()) {
        Some(path) => Path::of(&[path.to_bytes()]),
        None => directory::default_path(kernel::getenv(c"XDG_RUNTIME_DIR").map(CStr::to_bytes)),
    }
}

/// The same, for a process with another working directory: it was opened by a program that had this one.
static DIRECTORY: Kept = Kept::none();

/// The directory of the bus, from the root.
pub fn directory() -> Option<&'static CStr> {
    DIRECTORY.get()
}

/// Opens the bus, with the interfaces that SOCKSHIM_CAN names.
pub fn init() -> Result<(), c_int> {
    let path = path().ok_or(libc::ENAMETOOLONG)?;
    let bus = Bus::open(&path)
        .inspect_err(|_| kernel::printk(c"can: the directory of the bus cannot be opened"))?;
    let specs = kernel::getenv(c"SOCKSHIM_CAN").and_then(|text| text.to_str().ok()).unwrap_or("");
    for spec in spec::parse(specs) {
        let Ok(spec) = spec else {
            kernel::printk(c"can: SOCKSHIM_CAN names what is no interface");
            continue;
        };
        bus.add(&path, spec.name.as_bytes(), spec.mtu)?;
    }
    BUS.set(bus);
    DIRECTORY.keep(path.bytes());
    // SAFETY: ops that stay.
    match unsafe { (kernel::get().register_netdevice)(&OPS) } {
        0 => Ok(()),
        errno => Err(-errno),
    }
}

/// Whether the kernel has an interface with this index.
pub fn is_real(ifindex: c_int) -> bool {
    let mut ifreq = [0u8; 40];
    ifreq[libc::IFNAMSIZ..libc::IFNAMSIZ + 4].copy_from_slice(&ifindex.to_ne_bytes());
    let Ok(fd) = member::socket(libc::SOCK_CLOEXEC) else { return false };
    const SIOCGIFNAME: i64 = 0x8910;
    let args = [fd.into(), SIOCGIFNAME, ifreq.as_mut_ptr() as i64, 0, 0, 0];
    // SAFETY: a `struct ifreq` of ours.
    let ret = unsafe { sys::syscall(libc::SYS_ioctl, args) };
    sys::close(fd);
    ret == 0
}

static OPS: NetDeviceOps =
    NetDeviceOps { ndo_get: get, ndo_set: Some(set), ndo_new: Some(new), ndo_del: Some(del) };

fn device(interface: &Interface) -> NetDevice {
    let up = if interface.up { IFF_UP | libc::IFF_RUNNING as c_uint } else { 0 };
    NetDevice {
        name: interface.name,
        ifindex: interface.ifindex,
        flags: up | libc::IFF_NOARP as c_uint,
        mtu: interface.mtu,
        // Of a device without a queue the kernel says its default, DEFAULT_TX_QUEUE_LEN.
        tx_queue_len: 1000,
        ty: ARPHRD_CAN,
        kind: *b"vcan\0\0\0\0\0\0\0\0\0\0\0\0",
    }
}

/// Places of removed interfaces are passed over.
unsafe extern "C" fn get(place: c_uint, to: *mut NetDevice) -> c_int {
    caught(|| {
        match bus().and_then(|bus| bus.interfaces().nth(place as usize)) {
            Some(interface) => {
                // SAFETY: what the header promises.
                unsafe { to.write(device(&interface)) };
                0
            }
            None => -libc::ENODEV,
        }
    })
}

unsafe extern "C" fn set(place: c_uint, device: *const NetDevice) -> c_int {
    caught(|| {
        // SAFETY: what the header promises.
        let device = unsafe { &*device };
        let Some((bus, before)) = bus().and_then(|bus| Some((bus, bus.interfaces().nth(place as usize)?)))
        else {
            return -libc::ENODEV;
        };
        let up = device.flags & IFF_UP != 0;
        if device.mtu != before.mtu {
            if before.up && up {
                return -libc::EBUSY;
            }
            if !spec::is_mtu(device.mtu) {
                return -libc::EINVAL;
            }
        }
        let changed = bus.change(before.ifindex, device.mtu, up);
        if before.up && !up {
            notify(&bus, before.ifindex, libc::ENETDOWN);
        }
        changed.map_or_else(|errno| -errno, |()| 0)
    })
}

unsafe extern "C" fn new(kind: *const c_char, device: *const NetDevice) -> c_int {
    caught(|| {
        // SAFETY: what the header promises.
        let (kind, device) = unsafe { (CStr::from_ptr(kind), &*device) };
        let Some((bus, path)) = bus().zip(path()) else { return -libc::ENODEV };
        if kind != c"vcan" {
            return -libc::EOPNOTSUPP;
        }
        let name = CStr::from_bytes_until_nul(&device.name).map_or(&[][..], CStr::to_bytes);
        if bus.by_name(name).is_some() {
            return -libc::EEXIST;
        }
        let mtu = (device.mtu != 0).then_some(device.mtu);
        let up = device.flags & IFF_UP != 0;
        let made = bus.add(&path, name, mtu).and_then(|made| bus.change(made.ifindex, made.mtu, up));
        made.map_or_else(|errno| -errno, |()| 0)
    })
}

unsafe extern "C" fn del(place: c_uint) -> c_int {
    caught(|| {
        let Some((bus, before)) = bus().and_then(|bus| Some((bus, bus.interfaces().nth(place as usize)?)))
        else {
            return -libc::ENODEV;
        };
        let removed = bus.remove(before.ifindex);
        notify(&bus, before.ifindex, libc::ENODEV);
        removed.map_or_else(|errno| -errno, |()| 0)
    })
}

/// What `raw_notify` and its like are told: the sockets of an interface get an error, because it went down or away.
fn notify(bus: &Bus, ifindex: c_int, errno: c_int) {
    let Ok(fd) = member::socket(libc::SOCK_CLOEXEC) else { return };
    let header =
        Header { token: bus.token(), sender: 0, ifindex, id: errno as u32, kind: wire::NOTICE }.bytes();
    member::send(fd, bus, &header);
    sys::close(fd);
}
