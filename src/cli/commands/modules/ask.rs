//! In a child: loads a module, and keeps what it registers.
//!
//! # Safety
//! The module is loaded as `libsockshim_kmod.so` loads it, and gets functions of the types that the header gives them. Its own
//! promise is that of the header; if it is broken, this process, which has no other task, ends.

use crate::FAILURE;
use crate::output;
use serde::{Deserialize, Serialize};
use sockshim_module::{
    ABI, INIT_SYMBOL, InetProtosw, Init, NetDeviceOps, NetProtoFamily, Socket, SockshimKernel,
};
use sockshim_sys as sys;
use std::ffi::{CStr, CString, c_char, c_int, c_long, c_void};
use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::Mutex;

/// What a module has registered.
#[derive(Serialize, Deserialize, Default, Clone)]
pub struct Registered {
    /// `sock_register`: the families.
    pub families: Vec<i32>,
    /// `inet_register_protosw`: the protocols of AF_INET and AF_INET6.
    pub protocols: Vec<Protosw>,
    /// `register_netdevice`: how often.
    pub devices: usize,
}

/// A protocol.
#[derive(Serialize, Deserialize, Clone)]
pub struct Protosw {
    /// The type, as a number.
    #[serde(rename = "type")]
    pub ty: i32,
    /// The protocol.
    pub protocol: i32,
}

static REGISTERED: Mutex<Registered> =
    Mutex::new(Registered { families: Vec::new(), protocols: Vec::new(), devices: 0 });

static KERNEL: SockshimKernel = SockshimKernel {
    abi: ABI,
    size: size_of::<SockshimKernel>() as u32,
    sock_register,
    sock_unregister,
    inet_register_protosw,
    inet_unregister_protosw,
    register_netdevice,
    kernel_syscall,
    kernel_sendmsg,
    kernel_recvmsg,
    copy_from_user,
    copy_to_user,
    sock_save,
    sock_load,
    getenv,
    printk,
};

/// Loads the module, and prints what it registers; or why it cannot be loaded, on stderr. Gives the exit code.
///
/// # Errors
/// What stdout reports.
pub fn in_child(path: &Path) -> io::Result<u8> {
    match load(path) {
        Ok(registered) => output::stdout(|out| output::json(out, &registered)).map(|()| 0),
        Err(why) => writeln!(io::stderr(), "{why}").map(|()| FAILURE),
    }
}

fn load(path: &Path) -> Result<Registered, String> {
    let path = CString::new(path.as_os_str().as_bytes()).map_err(|_| "a NUL in its path")?;
    // SAFETY: C strings; the symbol has the type that the header gives it.
    let answer = unsafe {
        let handle = libc::dlopen(path.as_ptr(), libc::RTLD_NOW | libc::RTLD_LOCAL);
        if handle.is_null() {
            let why = libc::dlerror();
            let why = if why.is_null() { c"unknown" } else { CStr::from_ptr(why) };
            return Err(format!("it cannot be loaded: {}", why.to_string_lossy()));
        }
        let init = libc::dlsym(handle, INIT_SYMBOL.as_ptr());
        if init.is_null() {
            return Err("it does not define sockshim_module_init".into());
        }
        std::mem::transmute::<*mut c_void, Init>(init)(&KERNEL)
    };
    if answer < 0 {
        let errno = io::Error::from_raw_os_error(-answer);
        return Err(format!("its first function fails: {errno}"));
    }
    REGISTERED.lock().map(|registered| registered.clone()).map_err(|_| "it panicked".to_string())
}

fn with(keep: impl FnOnce(&mut Registered)) -> c_int {
    match REGISTERED.lock() {
        Ok(mut registered) => {
            keep(&mut registered);
            0
        }
        Err(_) => -libc::ENOMEM,
    }
}

unsafe extern "C" fn sock_register(family: *const NetProtoFamily) -> c_int {
    // SAFETY: the module's promise.
    match unsafe { family.as_ref() } {
        Some(family) => with(|registered| registered.families.push(family.family)),
        None => -libc::EINVAL,
    }
}

unsafe extern "C" fn sock_unregister(family: c_int) {
    with(|registered| registered.families.retain(|known| *known != family));
}

unsafe extern "C" fn inet_register_protosw(protosw: *const InetProtosw) -> c_int {
    // SAFETY: the module's promise.
    let Some(protosw) = (unsafe { protosw.as_ref() }) else { return -libc::EINVAL };
    let protosw = Protosw { ty: protosw.ty, protocol: protosw.protocol };
    with(|registered| registered.protocols.push(protosw))
}

unsafe extern "C" fn inet_unregister_protosw(protosw: *const InetProtosw) {
    // SAFETY: the module's promise.
    if let Some(gone) = unsafe { protosw.as_ref() } {
        let is_gone = |known: &Protosw| known.ty == gone.ty && known.protocol == gone.protocol;
        with(|registered| registered.protocols.retain(|known| !is_gone(known)));
    }
}

unsafe extern "C" fn register_netdevice(_: *const NetDeviceOps) -> c_int {
    with(|registered| registered.devices += 1)
}

unsafe extern "C" fn kernel_syscall(
    nr: c_long,
    a: c_long,
    b: c_long,
    c: c_long,
    d: c_long,
    e: c_long,
    f: c_long,
) -> c_long {
    // SAFETY: the module's promise.
    unsafe { sys::syscall(nr, [a, b, c, d, e, f]) }
}

// There are no sockets here, and no program whose memory could be meant.

unsafe extern "C-unwind" fn kernel_sendmsg(_: c_int, _: *const libc::msghdr, _: c_int) -> isize {
    -(libc::ENOTSOCK as isize)
}

unsafe extern "C-unwind" fn kernel_recvmsg(_: c_int, _: *mut libc::msghdr, _: c_int) -> isize {
    -(libc::ENOTSOCK as isize)
}

unsafe extern "C" fn copy_from_user(_: *mut c_void, _: *const c_void, len: usize) -> usize {
    len
}

unsafe extern "C" fn copy_to_user(_: *mut c_void, _: *const c_void, len: usize) -> usize {
    len
}

unsafe extern "C" fn sock_save(
    _: c_int,
    _: &Socket,
    _: *const u32,
    _: usize,
    _: *const libc::sock_filter,
    _: usize,
) -> c_int {
    -libc::ENOTSOCK
}

unsafe extern "C" fn sock_load(_: c_int, _: *mut u32, _: usize) -> c_long {
    -c_long::from(libc::ENOTSOCK)
}

unsafe extern "C" fn getenv(name: *const c_char) -> *const c_char {
    // SAFETY: the module's promise; nothing here changes the environment.
    unsafe { libc::getenv(name) }
}

unsafe extern "C" fn printk(_: *const c_char) {}
