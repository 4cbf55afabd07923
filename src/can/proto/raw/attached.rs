//! A program's own filter (SO_ATTACH_FILTER), which runs behind that of the options, on the frame alone.
//!
//! The descriptor's datagrams have a header before the frame, so places in the frame are moved by its length. What the kernel would
//! tell of the packet itself, such as its protocol, is that of the datagram, and is refused.

use crate::Errno;
use libc::sock_filter;

/// The longest filter of a program, in instructions.
pub const MOST: usize = 256;

const CLASS: u16 = 0x07;
const LD: u16 = 0x00;
const LDX: u16 = 0x01;
const JMP: u16 = 0x05;
const RET: u16 = 0x06;
const MODE: u16 = 0xe0;
const ABS: u16 = 0x20;
const IND: u16 = 0x40;
const LEN: u16 = 0x80;
const MSH: u16 = 0xa0;
const JA: u16 = 0x05;
const JEQ: u16 = 0x15;
const JGE: u16 = 0x35;
const ADD: u16 = 0x04;
const SUB: u16 = 0x14;
const RET_A: u16 = 0x16;
/// SKF_AD_OFF: from here on, what a load finds is no part of the packet.
const SKF_AD_OFF: i32 = -0x1000;
/// What of it is the same for a datagram: SKF_AD_MARK, SKF_AD_QUEUE, SKF_AD_CPU, SKF_AD_ALU_XOR_X, SKF_AD_RANDOM.
const SAME: [i32; 5] = [20, 24, 36, 40, 56];

const fn op(code: u16, k: u32) -> sock_filter {
    sock_filter { code, jt: 0, jf: 0, k }
}

/// The filter that a program has attached.
#[derive(Clone, Copy)]
pub struct Attached {
    program: [sock_filter; MOST],
    count: usize,
    /// SO_LOCK_FILTER.
    pub locked: bool,
}

impl Default for Attached {
    fn default() -> Attached {
        Attached { program: [op(0, 0); MOST], count: 0, locked: false }
    }
}

impl Attached {
    /// The instructions.
    pub fn program(&self) -> &[sock_filter] {
        &self.program[..self.count]
    }

    /// Attaches another one; none is an empty one.
    ///
    /// # Errors
    /// ENOMEM for one that is too long.
    pub fn set(&mut self, program: &[sock_filter]) -> Result<(), Errno> {
        self.program.get_mut(..program.len()).ok_or(libc::ENOMEM)?.copy_from_slice(program);
        self.count = program.len();
        Ok(())
    }

    /// Saves it in words; how many. `None` if there are fewer.
    pub fn save(&self, words: &mut [u32]) -> Option<usize> {
        if self.count == 0 && !self.locked {
            return Some(0);
        }
        let (head, rest) = words.split_first_mut()?;
        *head = (self.count as u32) << 1 | u32::from(self.locked);
        let rest = rest.get_mut(..2 * self.count)?;
        for (pair, one) in rest.chunks_exact_mut(2).zip(self.program()) {
            pair[0] = u32::from(one.code) << 16 | u32::from(one.jt) << 8 | u32::from(one.jf);
            pair[1] = one.k;
        }
        Some(1 + 2 * self.count)
    }

    /// What was saved; none if these are no such words.
    pub fn load(words: &[u32]) -> Attached {
        let mut attached = Attached::default();
        let Some((head, rest)) = words.split_first() else { return attached };
        let count = (*head >> 1) as usize;
        let (Some(pairs), true) = (rest.get(..2 * count), count <= MOST) else { return attached };
        for (one, pair) in attached.program.iter_mut().zip(pairs.chunks_exact(2)) {
            let [_, code, jt, jf] = pair[0].to_be_bytes();
            *one = sock_filter { code: code.into(), jt, jf, k: pair[1] };
        }
        (attached.count, attached.locked) = (count, head & 1 != 0);
        attached
    }
}

/// How one instruction reads in front of a header: at most four take its place.
struct Moved {
    ops: [sock_filter; 4],
    count: usize,
}

impl Moved {
    fn of(ops: &[sock_filter]) -> Moved {
        let mut all = [op(0, 0); 4];
        all[..ops.len()].copy_from_slice(ops);
        Moved { ops: all, count: ops.len() }
    }
}

fn moved(one: sock_filter, by: u32) -> Result<Moved, Errno> {
    let at = one.k as i32;
    let later = sock_filter { k: one.k.wrapping_add(by), ..one };
    let ops = match (one.code & CLASS, one.code & MODE) {
        (LD, ABS) if at >= 0 => Moved::of(&[later]),
        (LD, ABS) if SAME.iter().any(|same| SKF_AD_OFF + same == at) => Moved::of(&[one]),
        (LD, ABS) => return Err(libc::EOPNOTSUPP),
        (LD, IND) if at >= SKF_AD_OFF => Moved::of(&[later]),
        (LD, IND) => return Err(libc::EOPNOTSUPP),
        (LD, LEN) => Moved::of(&[one, op(SUB, by)]),
        (LDX, MSH) => Moved::of(&[later]),
        (LDX, LEN) => return Err(libc::EOPNOTSUPP),
        (RET, _) if one.code == RET && one.k != 0 => {
            Moved::of(&[sock_filter { k: one.k.saturating_add(by), ..one }])
        }
        (RET, _) if one.code == RET_A => {
            // Nothing stays nothing, and what is more than any datagram is not moved beyond the highest number.
            let jump = |code, k, jt| sock_filter { code, jt, jf: 0, k };
            Moved::of(&[jump(JEQ, 0, 2), jump(JGE, 1 << 31, 1), op(ADD, by), one])
        }
        _ => Moved::of(&[one]),
    };
    Ok(ops)
}

/// The program for packets with `by` bytes before the frame; `emit` gets each instruction in its order.
///
/// # Errors
/// EOPNOTSUPP for what cannot be moved.
pub fn translate(program: &[sock_filter], by: u32, mut emit: impl FnMut(sock_filter)) -> Result<(), Errno> {
    let mut starts = [0u16; MOST + 1];
    for (index, one) in program.iter().enumerate() {
        let count = moved(*one, by)?.count;
        *starts.get_mut(index + 1).ok_or(libc::ENOMEM)? = starts[index] + count as u16;
    }
    let end = starts[program.len()];
    for (index, one) in program.iter().enumerate() {
        let mut ops = moved(*one, by)?;
        // A jump beyond the end stays one, which the kernel refuses.
        let to = |far: usize| {
            let target = starts[..=program.len()].get(index + 1 + far).copied();
            target.map_or(usize::from(end) + far, usize::from) - usize::from(starts[index + 1])
        };
        if one.code & CLASS == JMP {
            if one.code == JA {
                ops.ops[0].k = to(one.k as usize) as u32;
            } else {
                let near = |far: u8| u8::try_from(to(far.into())).map_err(|_| libc::EOPNOTSUPP);
                (ops.ops[0].jt, ops.ops[0].jf) = (near(one.jt)?, near(one.jf)?);
            }
        }
        ops.ops[..ops.count].iter().for_each(|op| emit(*op));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn jump(code: u16, k: u32, jt: u8, jf: u8) -> sock_filter {
        sock_filter { code, jt, jf, k }
    }

    fn translated(program: &[sock_filter]) -> Result<Vec<(u16, u8, u8, u32)>, Errno> {
        let mut ops = Vec::new();
        translate(program, 100, |op| ops.push((op.code, op.jt, op.jf, op.k)))?;
        Ok(ops)
    }

    #[test]
    fn places_are_moved_and_jumps_with_them() {
        // ld len; jeq #16, 1, 2; ld [4]; ret a; ret #8; ret #0
        let program = [op(0x80, 0), jump(JEQ, 16, 0, 2), op(0x20, 4), op(RET_A, 0), op(RET, 8), op(RET, 0)];
        let expected = [
            (0x80, 0, 0, 0),
            (SUB, 0, 0, 100),
            (JEQ, 0, 5, 16),
            (0x20, 0, 0, 104),
            (JEQ, 2, 0, 0),
            (JGE, 1, 0, 1 << 31),
            (ADD, 0, 0, 100),
            (RET_A, 0, 0, 0),
            (RET, 0, 0, 108),
            (RET, 0, 0, 0),
        ];
        assert_eq!(translated(&program).as_deref(), Ok(&expected[..]));
    }

    #[test]
    fn what_cannot_be_moved_is_refused() {
        for one in [op(0x20, SKF_AD_OFF as u32), op(0x20, -0x10_0000i32 as u32), op(0x81, 0)] {
            assert_eq!(translated(&[one, op(RET, 1)]), Err(libc::EOPNOTSUPP));
        }
        assert!(translated(&[op(0x20, (SKF_AD_OFF + 36) as u32), op(RET, u32::MAX)]).is_ok());
        // A jump out of the program stays one.
        assert_eq!(translated(&[op(JA, 7), op(RET, 0)]).map(|ops| ops[0].3 > 1), Ok(true));
        assert_eq!(translated(&vec![op(RET, 0); MOST + 1]), Err(libc::ENOMEM));
    }

    #[test]
    fn what_is_saved_is_loaded() {
        let mut attached = Attached::default();
        let mut words = [0; 600];
        assert_eq!(attached.save(&mut words), Some(0));
        attached.set(&[jump(JEQ, 7, 1, 2), op(RET_A, 0), op(RET, u32::MAX)]).expect("a short one");
        attached.locked = true;
        assert_eq!(attached.save(&mut words), Some(7));
        let loaded = Attached::load(&words[..7]);
        let all = |attached: &Attached| -> Vec<_> {
            attached.program().iter().map(|op| (op.code, op.jt, op.jf, op.k)).collect()
        };
        assert_eq!((all(&loaded), loaded.locked), (all(&attached), true));
        assert_eq!(attached.save(&mut words[..6]), None);
        for len in 0..7 {
            assert!(Attached::load(&words[..len]).program().is_empty());
        }
        assert_eq!(attached.set(&vec![op(RET, 0); MOST + 1]), Err(libc::ENOMEM));
    }
}
