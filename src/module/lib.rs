//! The ABI of modules, in Rust: what [`sockshim/module.h`](include/sockshim/module.h) is in C, member by member. That header has
//! the rules for a module's functions, and what each member means; a test compares the two.
//!
//! The names are the kernel's (`include/linux/net.h`, `include/net/protocol.h`, `include/linux/netdevice.h`). Functions answer
//! 0 or more, or a negative errno.
//!
//! # Safety
//! Nothing here is unsafe by itself. Whoever calls such a function pointer passes what the header promises.
#![allow(missing_docs, reason = "the header documents each member")]

pub mod host;

use core::ffi::{c_char, c_int, c_long, c_uint, c_void};
use libc::{msghdr, size_t, sock_filter, sockaddr, ssize_t};

/// `SOCKSHIM_MODULE_ABI`: the version of what is declared here.
pub const ABI: u32 = 1;
/// `SOCKSHIM_SK_SIZE`: the private memory of a socket, in bytes.
pub const SK_SIZE: usize = 128;
/// `SOCKSHIM_STATE_WORDS`: how many words can be saved with a descriptor.
pub const STATE_WORDS: usize = 1100;
/// `SOCKSHIM_OPTION`: how many bytes of an option are copied.
pub const OPTION: usize = 8192;
/// `SOCK_CUSTOM_SOCKOPT`: options of SOL_SOCKET go to the ops, too.
pub const SOCK_CUSTOM_SOCKOPT: c_uint = 1;
/// `SOCKSHIM_ENOIOCTLCMD`: the descriptor itself is to answer.
pub const ENOIOCTLCMD: c_int = 515;
/// The symbol with the version that a module was made for.
pub const ABI_SYMBOL: &core::ffi::CStr = c"sockshim_module_abi";
/// The symbol of a module's first function.
pub const INIT_SYMBOL: &core::ffi::CStr = c"sockshim_module_init";
/// The symbol of its last one.
pub const EXIT_SYMBOL: &core::ffi::CStr = c"sockshim_module_exit";

/// A module's first function.
pub type Init = unsafe extern "C" fn(*const SockshimKernel) -> c_int;
/// Its last one.
pub type Exit = unsafe extern "C" fn();

/// `struct socket`: a socket during one call.
#[repr(C)]
pub struct Socket {
    pub fd: c_int,
    pub family: c_int,
    pub ty: c_int,
    pub protocol: c_int,
    pub flags: c_uint,
    pub ops: *const ProtoOps,
    pub sk: *mut c_void,
    pub cookie: u64,
}

/// `struct proto_ops`.
#[repr(C)]
pub struct ProtoOps {
    pub family: c_int,
    pub release: Option<unsafe extern "C" fn(&mut Socket) -> c_int>,
    pub bind: Option<unsafe extern "C" fn(&mut Socket, *const sockaddr, c_int) -> c_int>,
    pub connect: Option<unsafe extern "C" fn(&mut Socket, *const sockaddr, c_int) -> c_int>,
    pub socketpair: Option<unsafe extern "C" fn(&mut Socket, &mut Socket) -> c_int>,
    pub accept: Option<unsafe extern "C" fn(&mut Socket, &mut Socket, c_int) -> c_int>,
    pub getname: Option<unsafe extern "C" fn(&mut Socket, *mut sockaddr, c_int) -> c_int>,
    pub listen: Option<unsafe extern "C" fn(&mut Socket, c_int) -> c_int>,
    pub shutdown: Option<unsafe extern "C" fn(&mut Socket, c_int) -> c_int>,
    pub setsockopt: Option<unsafe extern "C" fn(&mut Socket, c_int, c_int, *const c_void, c_uint) -> c_int>,
    pub getsockopt: Option<unsafe extern "C" fn(&mut Socket, c_int, c_int, *mut c_void, *mut c_int) -> c_int>,
    pub ioctl: Option<unsafe extern "C" fn(&mut Socket, c_uint, u64) -> c_int>,
    pub sendmsg: Option<unsafe extern "C-unwind" fn(&mut Socket, *mut msghdr, size_t, c_int) -> ssize_t>,
    pub recvmsg: Option<unsafe extern "C-unwind" fn(&mut Socket, *mut msghdr, size_t, c_int) -> ssize_t>,
}

/// Ops without any: all members are `sock_no_*`.
pub const NO_OPS: ProtoOps = ProtoOps {
    family: 0,
    release: None,
    bind: None,
    connect: None,
    socketpair: None,
    accept: None,
    getname: None,
    listen: None,
    shutdown: None,
    setsockopt: None,
    getsockopt: None,
    ioctl: None,
    sendmsg: None,
    recvmsg: None,
};

/// A create function: of a family or a protocol.
pub type Create = unsafe extern "C" fn(&mut Socket, c_int, c_int) -> c_int;
/// A function that finds a socket's state again.
pub type Restore = unsafe extern "C" fn(&mut Socket, *const u32, size_t) -> c_int;

/// `struct net_proto_family`.
#[repr(C)]
pub struct NetProtoFamily {
    pub family: c_int,
    pub create: Create,
    pub restore: Option<Restore>,
}

/// `struct inet_protosw`.
#[repr(C)]
pub struct InetProtosw {
    pub ty: c_int,
    pub protocol: c_int,
    pub create: Create,
    pub restore: Option<Restore>,
}

/// `struct net_device`.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct NetDevice {
    pub name: [u8; libc::IFNAMSIZ],
    pub ifindex: c_int,
    pub flags: c_uint,
    pub mtu: c_uint,
    pub tx_queue_len: c_uint,
    pub ty: u16,
    pub kind: [u8; 16],
}

/// `struct net_device_ops`.
#[repr(C)]
pub struct NetDeviceOps {
    pub ndo_get: unsafe extern "C" fn(c_uint, *mut NetDevice) -> c_int,
    pub ndo_set: Option<unsafe extern "C" fn(c_uint, *const NetDevice) -> c_int>,
    pub ndo_new: Option<unsafe extern "C" fn(*const c_char, *const NetDevice) -> c_int>,
    pub ndo_del: Option<unsafe extern "C" fn(c_uint) -> c_int>,
}

/// `struct sockshim_kernel`: what the host gives a module.
#[repr(C)]
pub struct SockshimKernel {
    pub abi: u32,
    pub size: u32,
    pub sock_register: unsafe extern "C" fn(*const NetProtoFamily) -> c_int,
    pub sock_unregister: unsafe extern "C" fn(c_int),
    pub inet_register_protosw: unsafe extern "C" fn(*const InetProtosw) -> c_int,
    pub inet_unregister_protosw: unsafe extern "C" fn(*const InetProtosw),
    pub register_netdevice: unsafe extern "C" fn(*const NetDeviceOps) -> c_int,
    pub kernel_syscall:
        unsafe extern "C" fn(c_long, c_long, c_long, c_long, c_long, c_long, c_long) -> c_long,
    pub kernel_sendmsg: unsafe extern "C-unwind" fn(c_int, *const msghdr, c_int) -> ssize_t,
    pub kernel_recvmsg: unsafe extern "C-unwind" fn(c_int, *mut msghdr, c_int) -> ssize_t,
    pub copy_from_user: unsafe extern "C" fn(*mut c_void, *const c_void, size_t) -> size_t,
    pub copy_to_user: unsafe extern "C" fn(*mut c_void, *const c_void, size_t) -> size_t,
    pub sock_save:
        unsafe extern "C" fn(c_int, &Socket, *const u32, size_t, *const sock_filter, size_t) -> c_int,
    pub sock_load: unsafe extern "C" fn(c_int, *mut u32, size_t) -> c_long,
    pub getenv: unsafe extern "C" fn(*const c_char) -> *const c_char,
    pub printk: unsafe extern "C" fn(*const c_char),
}
