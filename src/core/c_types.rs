//! The types of the parameters of hooked functions. A hook has their places in this list: the library has no use for their
//! spelling, which would take 5 kB of it.

/// All of them, in Rust's spelling.
pub const TYPES: [&str; 47] = [
    "*const *const c_char",
    "*const *mut c_char",
    "*const addrinfo",
    "*const c_char",
    "*const c_void",
    "*const gid_t",
    "*const iovec",
    "*const msghdr",
    "*const posix_spawn_file_actions_t",
    "*const posix_spawnattr_t",
    "*const sigset_t",
    "*const sockaddr",
    "*const termios",
    "*const timespec",
    "*const winsize",
    "*mut *mut addrinfo",
    "*mut *mut hostent",
    "*mut *mut ifaddrs",
    "*mut FILE",
    "*mut c_char",
    "*mut c_int",
    "*mut c_void",
    "*mut epoll_event",
    "*mut fd_set",
    "*mut hostent",
    "*mut mmsghdr",
    "*mut msghdr",
    "*mut off64_t",
    "*mut off_t",
    "*mut pid_t",
    "*mut pollfd",
    "*mut sockaddr",
    "*mut socklen_t",
    "*mut timespec",
    "*mut timeval",
    "c_int",
    "c_long",
    "c_uint",
    "c_ulong",
    "gid_t",
    "nfds_t",
    "off64_t",
    "off_t",
    "pid_t",
    "size_t",
    "socklen_t",
    "uid_t",
];

/// The place of a type in the list. For one that is not there it panics, which is a compile error for the rows of a table.
pub const fn place_of(ty: &[u8]) -> u8 {
    let mut place = 0;
    while !is_same(TYPES[place].as_bytes(), ty) {
        place += 1;
    }
    place as u8
}

const fn is_same(one: &[u8], other: &[u8]) -> bool {
    let mut at = 0;
    while at < one.len() && at < other.len() && one[at] == other[at] {
        at += 1;
    }
    at == one.len() && at == other.len()
}
