//! Modules: which file has which family (`modules.alias`), loading them (`request_module`) and unloading them (`delete_module`).
//!
//! | variable | value |
//! |---|---|
//! | `SOCKSHIM_MODULES` | `ALIAS=FILE` or `FILE`, separated by colons; an alias is `net-pf-N`, and a file without one is loaded for the first family that is missing |
//! | `SOCKSHIM_CAN` | its presence makes libsockshim_can.so, beside libsockshim.so, the file of `net-pf-29` |
//!
//! # Safety
//! Functions of a module are called as the header describes them. A module is unloaded only when it has no socket, and its text
//! stays: a thread may be about to return from it.

use crate::registry::{self, inet_protosw, net_family};
use crate::saved::{self, Identity};
use crate::{counts, host, panic, slot};
use core::ffi::{CStr, c_char, c_int, c_void};
use core::mem::transmute;
use core::ptr;
use core::sync::atomic::{AtomicPtr, AtomicU32, Ordering};
use sockshim_module::{ABI, ABI_SYMBOL, EXIT_SYMBOL, Exit, INIT_SYMBOL, Init, Socket, SockshimKernel};
use sockshim_sys as sys;

/// The longest path.
const PATH_MAX: usize = libc::PATH_MAX as usize;

/// What modules are given.
static KERNEL: AtomicPtr<SockshimKernel> = AtomicPtr::new(ptr::null_mut());

/// Stores what modules are given.
pub fn set_kernel(kernel: &'static SockshimKernel) {
    KERNEL.store(ptr::from_ref(kernel).cast_mut(), Ordering::Release);
}

/// What became of the entries of the list of modules, in their order.
static STATES: [AtomicU32; 32] = [const { AtomicU32::new(UNTRIED) }; 32];
/// Those of them that are loaded.
static HANDLES: [AtomicPtr<c_void>; 32] = [const { AtomicPtr::new(ptr::null_mut()) }; 32];
const UNTRIED: u32 = 0;
const LOADING: u32 = 1;
const LOADED: u32 = 2;
const FAILED: u32 = 3;

/// One entry of the list of modules.
struct Entry<'a> {
    /// The family, if an alias names it.
    family: Option<c_int>,
    file: &'a [u8],
}

/// The list: those that the variable names, and the one for CAN.
fn entries() -> impl Iterator<Item = Entry<'static>> {
    let listed = host::variable(c"SOCKSHIM_MODULES").unwrap_or(b"");
    let named = listed.split(|byte| *byte == b':').filter(|entry| !entry.is_empty()).map(|entry| {
        let alias = entry.strip_prefix(b"net-pf-").and_then(|rest| {
            let equals = rest.iter().position(|byte| *byte == b'=')?;
            let number = core::str::from_utf8(&rest[..equals]).ok()?.parse().ok()?;
            Some(Entry { family: Some(number), file: &rest[equals + 1..] })
        });
        alias.unwrap_or(Entry { family: None, file: entry })
    });
    let can = host::variable(c"SOCKSHIM_CAN")
        .filter(|names| !names.is_empty())
        .map(|_| Entry { family: Some(libc::AF_CAN), file: b"libsockshim_can.so" });
    named.chain(can)
}

/// `request_module("net-pf-N")`: loads what may have the family. Whether it is there now.
pub fn request_module(family: c_int) -> bool {
    load(|entry| entry.family.is_none_or(|named| named == family));
    net_family(family).is_some()
}

/// `dev_load`: loads what may have network devices, which is all of it.
pub fn load_devices() {
    load(|_| true);
}

fn load(wanted: impl Fn(&Entry) -> bool) {
    for (number, entry) in entries().enumerate().take(STATES.len()) {
        if wanted(&entry) {
            load_once(number, &entry);
        }
    }
}

fn load_once(number: usize, entry: &Entry) {
    let state = &STATES[number];
    match state.compare_exchange(UNTRIED, LOADING, Ordering::AcqRel, Ordering::Acquire) {
        Ok(_) => {
            let owner = number as u32 + 1;
            let begin = || registry::owned_by(owner, || open(number, entry.file));
            let loaded = panic::attempt(begin).unwrap_or(false);
            state.store(if loaded { LOADED } else { FAILED }, Ordering::Release);
        }
        // Another thread is loading it. A signal handler that has interrupted this one there waits in vain, but not for long.
        Err(LOADING) => {
            for _ in 0..10_000 {
                if state.load(Ordering::Acquire) != LOADING {
                    return;
                }
                sys::sleep(100_000);
            }
        }
        Err(_) => {}
    }
}

/// Loads a file, and calls its first function. A name without a slash is that of a file beside libsockshim.so.
fn open(number: usize, file: &[u8]) -> bool {
    let mut path = [0u8; PATH_MAX];
    let directory: &[u8] = if file.contains(&b'/') { b"" } else { host::directory() };
    let len = directory.len() + file.len();
    if len >= PATH_MAX {
        return refuse(file, b"its path is too long");
    }
    path[..directory.len()].copy_from_slice(directory);
    path[directory.len()..len].copy_from_slice(file);
    let Ok(path) = CStr::from_bytes_until_nul(&path) else { return false };
    let host = host::get();
    // SAFETY: a C string.
    let handle = unsafe { (host.open)(path.as_ptr()) };
    if handle.is_null() {
        return refuse(file, b"it cannot be loaded");
    }
    // SAFETY: a handle and C strings; the symbols have the types that the header gives them.
    unsafe {
        let abi = (host.find)(handle, ABI_SYMBOL.as_ptr()).cast::<u32>();
        let init = (host.find)(handle, INIT_SYMBOL.as_ptr());
        if abi.is_null() || init.is_null() {
            return close(handle, file, b"it is not a module of sockshim's");
        }
        if *abi == 0 || *abi > ABI {
            return close(handle, file, b"it is made for another version of sockshim");
        }
        let init = transmute::<*mut c_void, Init>(init);
        match init(KERNEL.load(Ordering::Acquire)) {
            ret if ret >= 0 => {
                HANDLES[number].store(handle, Ordering::Release);
                true
            }
            _ => {
                registry::unregister(number as u32 + 1);
                close(handle, file, b"it could not begin")
            }
        }
    }
}

/// `delete_module(2)`: unloads the module whose file has this name, with or without `.so`. `None` if there is none of that
/// name, and the kernel is to be asked; else 0 or -errno. As in the kernel, it does not wait for sockets to be closed.
pub fn delete_module(name: &[u8]) -> Option<c_int> {
    let is_named = |entry: &Entry| {
        let file = entry.file.rsplit(|byte| *byte == b'/').next().unwrap_or(entry.file);
        file == name || file.strip_suffix(b".so") == Some(name)
    };
    let (number, _) = entries().enumerate().take(STATES.len()).find(|(_, entry)| is_named(entry))?;
    let state = &STATES[number];
    if state.compare_exchange(LOADED, LOADING, Ordering::AcqRel, Ordering::Acquire).is_err() {
        return Some(-libc::ENOENT);
    }
    if !registry::unregister_unused(number as u32 + 1) {
        state.store(LOADED, Ordering::Release);
        return Some(-libc::EWOULDBLOCK);
    }
    let handle = HANDLES[number].load(Ordering::Acquire);
    // SAFETY: a handle and a C string; the symbol has the type that the header gives it.
    unsafe {
        let exit = (host::get().find)(handle, EXIT_SYMBOL.as_ptr());
        if !exit.is_null() {
            transmute::<*mut c_void, Exit>(exit)();
        }
    }
    state.store(UNTRIED, Ordering::Release);
    Some(0)
}

/// # Safety
/// The handle must be that of a library of which nothing is used.
unsafe fn close(handle: *mut c_void, file: &[u8], why: &[u8]) -> bool {
    // SAFETY: the caller's promise.
    unsafe { (host::get().close)(handle) };
    refuse(file, why)
}

/// Says in the log why a module is not used.
fn refuse(file: &[u8], why: &[u8]) -> bool {
    let mut line = [0u8; 512];
    let parts: [&[u8]; 4] = [b"module ", &file[..file.len().min(300)], b": ", why];
    let mut len = 0;
    for part in parts {
        line[len..len + part.len()].copy_from_slice(part);
        len += part.len();
    }
    host::note(&line[..len]);
    false
}

/// Finds a socket again that was made elsewhere: its slot, with a reference for the caller.
pub fn restore(fd: c_int, cookie: u64, identity: &Identity) -> Option<u32> {
    let family = identity.family;
    let inet = || inet_protosw(identity.ty, identity.protocol).and_then(|protosw| protosw.restore);
    if net_family(family).is_none() && inet().is_none() {
        request_module(family);
    }
    let restore = net_family(family).and_then(|family| family.restore).or_else(inet)?;
    let Identity { ty, protocol, .. } = *identity;
    let mut socket =
        Socket { fd, family, ty, protocol, flags: 0, ops: ptr::null(), sk: ptr::null_mut(), cookie };
    let index = slot::alloc(&socket)?;
    socket.sk = slot::socket(index, fd).sk;
    let mut state = sys::Scratch::<u32>::new(sockshim_module::STATE_WORDS)?;
    let words = state.slice();
    // SAFETY: the words are ours.
    let saved = unsafe { saved::sock_load(fd, words.as_mut_ptr(), words.len()) };
    let saved = usize::try_from(saved).unwrap_or(0).min(words.len());
    counts::get(family);
    // SAFETY: the socket and the words are as the header says.
    let ret = unsafe { restore(&mut socket, words.as_ptr(), saved) };
    slot::update(index, &socket);
    if ret < 0 || socket.ops.is_null() {
        slot::put(index);
        return None;
    }
    Some(index)
}

/// `getenv` of the ABI.
pub unsafe extern "C" fn getenv(name: *const c_char) -> *const c_char {
    // SAFETY: the caller's promise.
    let name = unsafe { CStr::from_ptr(name) };
    host::variable(name).map_or(ptr::null(), |value| value.as_ptr().cast())
}
