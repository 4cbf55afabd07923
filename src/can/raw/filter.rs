//! SO_ATTACH_FILTER, SO_DETACH_FILTER and SO_LOCK_FILTER: the filter of a program's own (`net/core/filter.c`).

use super::{Saved, apply};
use crate::kernel;
use core::ffi::c_int;
use libc::sock_filter;
use sockshim_can_proto::raw::ATTACHED;
use sockshim_module::Socket;

/// BPF_MAXINSNS.
const MAXINSNS: usize = 4096;
/// The size of `struct sock_fprog`: how many instructions, padding, and where they are.
const FPROG: usize = 16;
/// The size of `struct sock_filter`.
const INSTRUCTION: usize = 8;

/// One of the three options.
pub fn set(sock: &Socket, name: c_int, value: &[u8]) -> Result<(), c_int> {
    let Saved { options, mut attached } = Saved::of(sock)?;
    if name == libc::SO_ATTACH_FILTER {
        let fprog: [u8; FPROG] = value.try_into().map_err(|_| libc::EINVAL)?;
        if attached.locked {
            return Err(libc::EPERM);
        }
        let mut program = [sock_filter { code: 0, jt: 0, jf: 0, k: 0 }; ATTACHED];
        attached.set(copied(&fprog, &mut program)?)?;
        return apply(sock, &options, &attached);
    }
    let number = value.first_chunk().copied().map(c_int::from_ne_bytes).ok_or(libc::EINVAL)?;
    if attached.locked && (name == libc::SO_DETACH_FILTER || number == 0) {
        return Err(libc::EPERM);
    }
    if name == libc::SO_LOCK_FILTER {
        attached.locked = number != 0;
    } else if attached.program().is_empty() {
        return Err(libc::ENOENT);
    } else {
        attached.set(&[])?;
    }
    apply(sock, &options, &attached)
}

/// Copies the program's instructions.
fn copied<'a>(fprog: &[u8; FPROG], to: &'a mut [sock_filter; ATTACHED]) -> Result<&'a [sock_filter], c_int> {
    let count = usize::from(u16::from_ne_bytes([fprog[0], fprog[1]]));
    let from = fprog.last_chunk().copied().map_or(0, usize::from_ne_bytes);
    if from == 0 || !(1..=MAXINSNS).contains(&count) {
        return Err(libc::EINVAL);
    }
    let to = to.get_mut(..count).ok_or(libc::ENOMEM)?;
    for (index, one) in to.iter_mut().enumerate() {
        let mut bytes = [0; INSTRUCTION];
        kernel::copy_from_user(&mut bytes, (from + index * INSTRUCTION) as *const u8)?;
        let [code_low, code_high, jt, jf, k @ ..] = bytes;
        *one =
            sock_filter { code: u16::from_ne_bytes([code_low, code_high]), jt, jf, k: u32::from_ne_bytes(k) };
    }
    Ok(to)
}

/// SO_GET_FILTER: the program's own filter; how many bytes it has.
pub fn get(sock: &Socket, buffer: &mut [u8]) -> Result<usize, c_int> {
    let Saved { attached, .. } = Saved::of(sock)?;
    for (place, one) in buffer.chunks_exact_mut(INSTRUCTION).zip(attached.program()) {
        place[..2].copy_from_slice(&one.code.to_ne_bytes());
        (place[2], place[3]) = (one.jt, one.jf);
        place[4..].copy_from_slice(&one.k.to_ne_bytes());
    }
    Ok(attached.program().len() * INSTRUCTION)
}
