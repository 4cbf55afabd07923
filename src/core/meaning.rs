//! What a parameter of a hooked function stands for.
//!
//! The meaning follows from the parameter's name in the hook table: a new hook is decoded when its parameters are
//! named as in the man page.

/// What an argument stands for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Meaning {
    /// A signed number of 32 bits.
    Int32,
    /// An unsigned number of 32 bits.
    Uint32,
    /// A signed number of 64 bits.
    Int64,
    /// A length or a count.
    Uint64,
    /// A pointer.
    Pointer,
    /// A pointer to the parts of a message; the next argument is their number.
    Iov,
    /// A pointer to a message's header.
    Msg,
    /// A pointer to an array of message headers; the next argument is their number.
    MsgVec,
    /// A pointer to a socket address. The event may hold a copy.
    Addr,
    /// A pointer to a text. The event may hold a copy.
    Text,
    /// The array of two descriptors. The event may hold a copy.
    Pair,
    /// A pointer to an option's value. The event may hold a copy.
    OptVal,
    /// An address family.
    Family,
    /// A socket type with its flags.
    Type,
    /// A protocol of the family in the first argument.
    Protocol,
    /// A level of socket options.
    Level,
    /// A socket option of the level in the second argument.
    OptName,
    /// The direction that shutdown(2) closes.
    How,
    /// A command of fcntl(2).
    Fcntl,
    /// The argument of a command of fcntl(2), if it has one.
    FcntlArg,
    /// A request of ioctl(2).
    Ioctl,
    /// An operation of epoll_ctl(2).
    Epoll,
    /// SOCK_NONBLOCK and SOCK_CLOEXEC.
    TypeFlags,
    /// Flags of close_range(2).
    CloseRangeFlags,
    /// Flags of the send and recv families.
    MsgFlags,
    /// Flags without names.
    Flags,
    /// A host's name that is asked for. The event may hold a copy.
    HostName,
    /// A service's name or number that is asked for. The event may hold a copy.
    Service,
    /// A `struct addrinfo` with what is wanted. The event may hold a copy.
    Hints,
    /// The bytes of an address whose name is asked for. The event may hold a copy.
    HostAddress,
    /// The buffer for a host's name. The event may hold a copy of what is written there.
    HostOut,
    /// The buffer for a service's name. The event may hold a copy of what is written there.
    ServiceOut,
    /// Flags of getnameinfo(3).
    NameFlags,
    /// Where the error of gethostbyname_r(3) and its relatives is stored.
    HostError,
}

/// The meaning of a parameter, by the call that it belongs to, its name, and its type.
pub const fn meaning_of(call: &[u8], name: &[u8], ty: &[u8]) -> Meaning {
    if contains(call, b"geth") || contains(call, b"info") {
        return resolver_meaning(name, ty);
    }
    match name {
        b"family" => Meaning::Family,
        b"type_" => Meaning::Type,
        b"protocol" => Meaning::Protocol,
        b"addr" => Meaning::Addr,
        b"path" | b"file" => Meaning::Text,
        b"sv" => Meaning::Pair,
        b"optval" => Meaning::OptVal,
        b"level" => Meaning::Level,
        b"optname" => Meaning::OptName,
        b"how" => Meaning::How,
        b"cmd" => Meaning::Fcntl,
        b"arg" => Meaning::FcntlArg,
        b"request" => Meaning::Ioctl,
        b"op" => Meaning::Epoll,
        b"flags" => flags_of(call),
        _ => type_meaning(ty),
    }
}

/// The parameters of the calls of `netdb.h`.
const fn resolver_meaning(name: &[u8], ty: &[u8]) -> Meaning {
    match (name, ty) {
        (b"node" | b"name", _) => Meaning::HostName,
        (b"service", _) => Meaning::Service,
        (b"hints", _) => Meaning::Hints,
        (b"addr", b"*const sockaddr") => Meaning::Addr,
        (b"addr", _) => Meaning::HostAddress,
        (b"host", _) => Meaning::HostOut,
        (b"serv", _) => Meaning::ServiceOut,
        (b"af" | b"type_", _) => Meaning::Family,
        (b"flags", _) => Meaning::NameFlags,
        (b"h_errnop", _) => Meaning::HostError,
        _ => type_meaning(ty),
    }
}

const fn type_meaning(ty: &[u8]) -> Meaning {
    match ty {
        b"*const iovec" => Meaning::Iov,
        b"*const msghdr" | b"*mut msghdr" => Meaning::Msg,
        b"*mut mmsghdr" => Meaning::MsgVec,
        [b'*', ..] => Meaning::Pointer,
        b"c_int" | b"pid_t" => Meaning::Int32,
        b"c_uint" | b"socklen_t" | b"uid_t" | b"gid_t" => Meaning::Uint32,
        b"size_t" | b"nfds_t" | b"c_ulong" => Meaning::Uint64,
        _ => Meaning::Int64,
    }
}

const fn flags_of(call: &[u8]) -> Meaning {
    match call {
        b"accept4" | b"dup3" | b"epoll_create1" => Meaning::TypeFlags,
        b"close_range" => Meaning::CloseRangeFlags,
        _ if contains(call, b"send") || contains(call, b"recv") => Meaning::MsgFlags,
        _ => Meaning::Flags,
    }
}

const fn contains(text: &[u8], part: &[u8; 4]) -> bool {
    let mut rest = text;
    while let [first, tail @ ..] = rest {
        if let [second, third, fourth, ..] = tail
            && *first == part[0]
            && *second == part[1]
            && *third == part[2]
            && *fourth == part[3]
        {
            return true;
        }
        rest = tail;
    }
    false
}
