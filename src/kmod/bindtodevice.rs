//! SO_BINDTODEVICE on sockets of modules: the interface is remembered, by its name, and the descriptor is not bound to it. Families
//! that look at it in the kernel are none of those that are here.

use crate::{netdevice, slot, user};
use core::ffi::{c_int, c_void};
use libc::{IFNAMSIZ, socklen_t};
use sockshim_module::Socket;
use sockshim_sys as sys;

/// `sock_setbindtodevice`.
pub fn set(sock: &Socket, value: *const c_void, len: socklen_t) -> Result<(), c_int> {
    let len = usize::try_from(len as c_int).map_err(|_| libc::EINVAL)?.min(IFNAMSIZ - 1);
    let mut name = [0u8; IFNAMSIZ];
    user::read(&mut name[..len], value)?;
    let index = match name[0] {
        0 => 0,
        _ => {
            let errno = sys::SavedErrno::now();
            let index = netdevice::index_of(&name);
            errno.restore();
            index.ok_or(libc::ENODEV)?
        }
    };
    // `sock_bindtoindex_locked`: once it is bound, only who may make raw sockets changes that.
    if slot::bound_device(sock) != 0 && sys::geteuid() != 0 {
        return Err(libc::EPERM);
    }
    slot::bind_device(sock, index);
    Ok(())
}

/// `sock_getbindtodevice`.
pub fn get(sock: &Socket, value: *mut c_void, len: *mut socklen_t) -> Result<(), c_int> {
    let room = user::get(len.cast::<c_int>())?;
    let index = slot::bound_device(sock);
    if index == 0 {
        return user::put(len, 0);
    }
    if room < IFNAMSIZ as c_int {
        return Err(libc::EINVAL);
    }
    let errno = sys::SavedErrno::now();
    let name = netdevice::name_by_index(index);
    errno.restore();
    let name = name.ok_or(libc::ENODEV)?;
    let count = name.iter().position(|byte| *byte == 0).unwrap_or(IFNAMSIZ - 1) + 1;
    user::write(value, &name[..count])?;
    user::put(len, count as socklen_t)
}
