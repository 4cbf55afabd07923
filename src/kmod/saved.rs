//! What is kept of a socket with its descriptor, in the kernel: in a classic filter (SO_ATTACH_FILTER) that begins with a jump
//! over it. Every way on which a descriptor reaches another program takes it along: fork, exec, SCM_RIGHTS, pidfd_getfd.
//!
//! | instruction | constant |
//! |---|---|
//! | jump over the rest of this table | how many follow |
//! | `ld` | [`MAGIC`] |
//! | `ld` | the family, and the type |
//! | `ld` | the protocol |
//! | `ld`, any number of times | the module's words |
//!
//! # Safety
//! Programs for the filter are read and written in mappings of our own.

use core::slice;
use libc::{c_int, c_long, sock_filter, sock_fprog};
use sockshim_module::{STATE_WORDS, Socket};
use sockshim_sys as sys;

const MAGIC: u32 = 0x736f_636b;
/// BPF_LD | BPF_IMM.
const LD_IMM: u16 = 0;
/// BPF_JMP | BPF_JA.
const JA: u16 = 0x05;
/// BPF_RET | BPF_K.
const RET: u16 = 0x06;
/// What stands before the module's words.
const HEAD: usize = 4;
/// The longest program that the kernel takes, BPF_MAXINSNS.
const MOST: usize = 4096;
/// SO_GET_FILTER, which is SO_ATTACH_FILTER of getsockopt.
const SO_GET_FILTER: c_int = libc::SO_ATTACH_FILTER;

const fn instruction(code: u16, k: u32) -> sock_filter {
    sock_filter { code, jt: 0, jf: 0, k }
}

/// Which socket a descriptor stands for.
pub struct Identity {
    /// Its family.
    pub family: c_int,
    /// Its type.
    pub ty: c_int,
    /// Its protocol.
    pub protocol: c_int,
}

/// `sock_save` of the ABI.
///
/// # Safety
/// `state` must be readable for `words` words, and `filter` for `len` instructions.
pub unsafe extern "C" fn sock_save(
    fd: c_int,
    socket: &Socket,
    state: *const u32,
    words: usize,
    filter: *const sock_filter,
    len: usize,
) -> c_int {
    let total = HEAD + words + len.max(1);
    if words > STATE_WORDS || total > MOST {
        return -libc::EINVAL;
    }
    // SAFETY: the caller's promise.
    let state = if words == 0 { &[] } else { unsafe { slice::from_raw_parts(state, words) } };
    let Some(mut program) = sys::Scratch::<sock_filter>::new(total) else { return -libc::ENOMEM };
    let code = program.slice();
    code[0] = instruction(JA, (HEAD - 1 + words) as u32);
    code[1] = instruction(LD_IMM, MAGIC);
    code[2] = instruction(LD_IMM, (socket.family as u32) << 16 | socket.ty as u32);
    code[3] = instruction(LD_IMM, socket.protocol as u32);
    for (place, word) in code[HEAD..].iter_mut().zip(state) {
        *place = instruction(LD_IMM, *word);
    }
    if len == 0 {
        code[HEAD + words] = instruction(RET, u32::MAX);
    } else {
        // SAFETY: the caller's promise.
        code[HEAD + words..].copy_from_slice(unsafe { slice::from_raw_parts(filter, len) });
    }
    let program = sock_fprog { len: total as u16, filter: code.as_mut_ptr() };
    // SAFETY: a value of plain bytes.
    let bytes = unsafe { slice::from_raw_parts((&raw const program).cast::<u8>(), size_of_val(&program)) };
    match sys::setsockopt(fd, libc::SOL_SOCKET, libc::SO_ATTACH_FILTER, bytes) {
        Ok(()) => 0,
        Err(errno) => -errno,
    }
}

/// The descriptor's filter. `None` if it has none, or one that is too short to be one of ours.
fn filter(fd: c_int) -> Option<sys::Scratch<sock_filter>> {
    let count = get_filter(fd, core::ptr::null_mut(), 0)?;
    if !(HEAD + 1..=MOST).contains(&count) {
        return None;
    }
    let mut program = sys::Scratch::<sock_filter>::new(count)?;
    let code = program.slice();
    get_filter(fd, code.as_mut_ptr(), count)?;
    let begins = code[0].code == JA && code[1].code == LD_IMM && code[1].k == MAGIC;
    (begins && code[0].k as usize >= HEAD - 1 && (code[0].k as usize) < count).then_some(program)
}

/// How many instructions the filter has, or how many were copied.
fn get_filter(fd: c_int, to: *mut sock_filter, room: usize) -> Option<usize> {
    let mut len = room as libc::socklen_t;
    let args =
        [fd.into(), libc::SOL_SOCKET.into(), SO_GET_FILTER.into(), to as c_long, &raw mut len as c_long, 0];
    // SAFETY: the buffer has room for as many instructions, and the kernel copies no more.
    let ret = unsafe { sys::syscall(libc::SYS_getsockopt, args) };
    (ret == 0).then_some(len as usize)
}

/// Which socket the descriptor stands for, if it has anything saved.
pub fn identity(fd: c_int) -> Option<Identity> {
    let mut program = filter(fd)?;
    let code = program.slice();
    let (family, ty) = ((code[2].k >> 16) as c_int, (code[2].k & 0xffff) as c_int);
    Some(Identity { family, ty, protocol: code[3].k as c_int })
}

/// `sock_load` of the ABI.
///
/// # Safety
/// `state` must be writable for `words` words.
pub unsafe extern "C" fn sock_load(fd: c_int, state: *mut u32, words: usize) -> c_long {
    let Some(mut program) = filter(fd) else { return -c_long::from(libc::ENOENT) };
    let code = program.slice();
    let saved = code[0].k as usize - (HEAD - 1);
    for (place, instruction) in code[HEAD..HEAD + saved].iter().take(words).enumerate() {
        // SAFETY: the caller's promise.
        unsafe { state.add(place).write(instruction.k) };
    }
    saved as c_long
}
