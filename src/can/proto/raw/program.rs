//! What a socket wants, as a classic filter over the datagrams of the bus.
//!
//! The header of a datagram has what is asked in network byte order, as a filter loads it. A filter that lets a datagram
//! through answers more than any datagram has bytes.

use super::{Options, Rule};
use crate::frame::{CAN_ERR_FLAG, CAN_ERR_MASK};
use libc::sock_filter;

/// Where the filter finds what it looks at, from the transport's header on, and whose bus and socket it is for.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    /// Where the bus's token is: eight bytes.
    pub token_at: u32,
    /// The token's halves.
    pub token: [u32; 2],
    /// Where the sender's cookie is: eight bytes.
    pub sender_at: u32,
    /// The halves of the socket's own.
    pub own: [u32; 2],
    /// Where the interface is: four bytes.
    pub ifindex_at: u32,
    /// Where the frame's first word is: four bytes.
    pub id_at: u32,
    /// Where the kind is: a byte.
    pub kind_at: u32,
    /// The kind's bit of a CAN FD frame.
    pub fd: u32,
    /// The kind's bit of a CAN XL frame.
    pub xl: u32,
    /// The kind's bit of a message about an interface, which every bound socket of that interface gets.
    pub notice: u32,
}

const LD: u16 = 0x20; // BPF_LD | BPF_W | BPF_ABS
const LDB: u16 = 0x30; // BPF_LD | BPF_B | BPF_ABS
const ST: u16 = 0x02; // BPF_ST
const LD_MEM: u16 = 0x60; // BPF_LD | BPF_MEM
const TXA: u16 = 0x87;
const TAX: u16 = 0x07;
const LD_IMM: u16 = 0x00;
const AND: u16 = 0x54; // BPF_ALU | BPF_AND | BPF_K
const ADD: u16 = 0x04; // BPF_ALU | BPF_ADD | BPF_K
const JA: u16 = 0x05;
const JEQ: u16 = 0x15;
const JGE: u16 = 0x35;
const JSET: u16 = 0x45;
const RET: u16 = 0x06;

const ACCEPT: sock_filter = op(RET, u32::MAX);
const DROP: sock_filter = op(RET, 0);

const fn op(code: u16, k: u32) -> sock_filter {
    sock_filter { code, jt: 0, jf: 0, k }
}

const fn jump(code: u16, k: u32, jt: u8, jf: u8) -> sock_filter {
    sock_filter { code, jt, jf, k }
}

/// Has another filter, `code[len..]`, go on where this one, `code[..len]`, lets frames through. Notices go by it.
pub fn chain(code: &mut [sock_filter], len: usize) {
    let accepts = |op: &sock_filter| op.code == RET && op.k == u32::MAX;
    let places = code[..len].iter_mut().enumerate().filter(|(_, op)| accepts(op));
    for (at, place) in places.skip(1) {
        *place = op(JA, (len - at - 1) as u32);
    }
}

/// Compiles the filter; `emit` gets each instruction in its order.
pub fn compile(options: &Options, place: &Place, mut emit: impl FnMut(sock_filter)) {
    if !options.bound {
        return emit(DROP);
    }
    let mut all = |ops: &[sock_filter]| ops.iter().for_each(|op| emit(*op));
    for half in 0..2 {
        all(&[op(LD, place.token_at + 4 * half), jump(JEQ, place.token[half as usize], 1, 0), DROP]);
    }
    if options.ifindex != 0 {
        all(&[op(LD, place.ifindex_at), jump(JEQ, options.ifindex as u32, 1, 0), DROP]);
    }
    all(&[op(LDB, place.kind_at), jump(JSET, place.notice, 0, 1), ACCEPT]);
    let bit = |allowed, bit| if allowed == 0 { bit } else { 0 };
    let refused = bit(options.fd_frames, place.fd) | bit(options.xl_frames, place.xl);
    if refused != 0 {
        all(&[jump(JSET, refused, 0, 1), DROP]);
    }
    if options.xl_frames != 0 {
        // The kind is in A.
        let (mask, value) = options.vcid.compared();
        let compare = [op(LD, place.id_at), op(AND, mask), jump(JEQ, value, 1, 0), DROP];
        all(&[jump(JSET, place.xl, 0, compare.len() as u8)]);
        all(&compare);
    }
    if options.recv_own_msgs == 0 {
        all(&[
            op(LD, place.sender_at),
            jump(JEQ, place.own[0], 0, 3),
            op(LD, place.sender_at + 4),
            jump(JEQ, place.own[1], 0, 1),
            DROP,
        ]);
    }
    // The identifier is in A, and stays in X. Error frames go on behind what is for the others.
    all(&[op(LD, place.id_at), op(TAX, 0), jump(JSET, CAN_ERR_FLAG, 0, 1), op(JA, data_len(options))]);
    data(options, &mut all);
    error(options, &mut all);
}

/// The filters for data, with what each compares.
fn data_rules(options: &Options) -> impl Iterator<Item = (u32, u32, bool)> {
    options.filters().iter().filter_map(|filter| match filter.rule() {
        Rule::Data { mask, value, inverted } => Some((mask, value, inverted)),
        Rule::Error(_) => None,
    })
}

/// The filters for errors.
fn error_rules(options: &Options) -> impl Iterator<Item = u32> {
    options.filters().iter().filter_map(|filter| match filter.rule() {
        Rule::Error(mask) => Some(mask),
        Rule::Data { .. } => None,
    })
}

/// How many instructions [`data`] emits.
fn data_len(options: &Options) -> u32 {
    4 * data_rules(options).count() as u32 + 1
}

/// One match is enough; or all filters have to match, of which one for errors never does.
fn data(options: &Options, all: &mut impl FnMut(&[sock_filter])) {
    let joined = options.join_filters != 0;
    for (mask, value, inverted) in data_rules(options) {
        let ends = if inverted { joined } else { !joined };
        let (jt, jf) = if ends { (0, 1) } else { (1, 0) };
        let end = if joined { DROP } else { ACCEPT };
        all(&[op(TXA, 0), op(AND, mask), jump(JEQ, value, jt, jf), end]);
    }
    let count = options.filters().len();
    let passes = joined && count > 0 && error_rules(options).next().is_none();
    all(&[if passes { ACCEPT } else { DROP }]);
}

/// One match is enough; or as many as there are filters, where the mask for errors counts like one. M[0] counts.
fn error(options: &Options, all: &mut impl FnMut(&[sock_filter])) {
    let by_mask = options.err_mask & CAN_ERR_MASK;
    let rules = error_rules(options).chain((by_mask != 0).then_some(by_mask));
    if options.join_filters == 0 {
        all(&[op(TXA, 0)]);
        rules.for_each(|mask| all(&[jump(JSET, mask, 0, 1), ACCEPT]));
        return all(&[DROP]);
    }
    let needed = options.filters().len().max(1);
    if error_rules(options).count() + 1 < needed {
        return all(&[DROP]);
    }
    all(&[op(LD_IMM, 0), op(ST, 0)]);
    for mask in rules {
        all(&[op(TXA, 0), jump(JSET, mask, 0, 3), op(LD_MEM, 0), op(ADD, 1), op(ST, 0)]);
    }
    all(&[op(LD_MEM, 0), jump(JGE, needed as u32, 0, 1), ACCEPT, DROP]);
}

#[cfg(test)]
mod tests {
    use super::{ADD, AND, JA, JEQ, JGE, JSET, LD, LD_IMM, LD_MEM, LDB, RET, ST, TAX, TXA, compile};
    use super::{Options, Place, sock_filter};
    use crate::raw::Sent;
    use crate::raw::{Filter, Vcid};
    use proptest::prelude::{Strategy, any, prop};
    use proptest::test_runner::Config;
    use proptest::{prop_assert_eq, proptest};

    const PLACE: Place = Place {
        token_at: 8,
        token: [1, 2],
        sender_at: 16,
        own: [3, 4],
        ifindex_at: 24,
        id_at: 28,
        kind_at: 32,
        fd: 2,
        xl: 4,
        notice: 8,
    };

    /// A machine for classic filters.
    fn run(program: &[sock_filter], data: &[u8]) -> u32 {
        let word = |at: usize| u32::from_be_bytes(data[at..at + 4].try_into().expect("four bytes"));
        let (mut a, mut x, mut memory, mut pc) = (0u32, 0u32, [0u32; 16], 0);
        loop {
            let op = program[pc];
            pc += 1;
            let k = op.k;
            let holds = match op.code {
                LD => {
                    a = word(k as usize);
                    continue;
                }
                LDB => {
                    a = data[k as usize].into();
                    continue;
                }
                LD_IMM => {
                    a = k;
                    continue;
                }
                LD_MEM => {
                    a = memory[k as usize];
                    continue;
                }
                ST => {
                    memory[k as usize] = a;
                    continue;
                }
                TAX => {
                    x = a;
                    continue;
                }
                TXA => {
                    a = x;
                    continue;
                }
                AND => {
                    a &= k;
                    continue;
                }
                ADD => {
                    a = a.wrapping_add(k);
                    continue;
                }
                JA => {
                    pc += k as usize;
                    continue;
                }
                RET => return k,
                JEQ => a == k,
                JGE => a >= k,
                JSET => a & k != 0,
                code => panic!("no such instruction: {code:#x}"),
            };
            pc += usize::from(if holds { op.jt } else { op.jf });
        }
    }

    fn datagram(sent: &Sent) -> Vec<u8> {
        let mut data = vec![0; 8];
        let own = if sent.own { [3u32, 4] } else { [3, 5] };
        for word in [1, 2, own[0], own[1], sent.ifindex as u32, sent.id] {
            data.extend(u32::to_be_bytes(word));
        }
        data.push(if sent.fd { 2 } else { 0 } | if sent.xl { 4 } else { 0 });
        data
    }

    fn compiled(options: &Options) -> Vec<sock_filter> {
        let mut program = Vec::new();
        compile(options, &PLACE, |op| program.push(op));
        program
    }

    fn id() -> impl Strategy<Value = u32> {
        // Few bits, so that filters do match.
        (0u32..4, prop::sample::select(vec![0u32, 0x8000_0000, 0x4000_0000, 0x2000_0000, 0xc000_0000]))
            .prop_map(|(low, flags)| low | flags)
    }

    fn mask() -> impl Strategy<Value = u32> {
        prop::sample::select(vec![
            0u32,
            1,
            3,
            0x7ff,
            0xc000_07ff,
            0xdfff_ffff,
            0x2000_0003,
            0x3fff_ffff,
            0xffff_ffff,
            0x8000_0001,
        ])
    }

    proptest! {
        #![proptest_config(Config::with_cases(20_000))]
        #[test]
        fn the_program_decides_as_the_options_do(
            filters in prop::collection::vec((id(), mask()), 0..6),
            flags in any::<[bool; 6]>(), err_mask in mask(), bound_to in 0..3,
            vcid in any::<u32>(), sent_id in id(), ifindex in 1..3, kind in 0..3, own in any::<bool>(),
        ) {
            let mut options = Options {
                bound: flags[0] || flags[5], recv_own_msgs: flags[1].into(), fd_frames: flags[2].into(),
                xl_frames: flags[3].into(), join_filters: flags[4].into(), vcid: Vcid::of_word(vcid), err_mask, ifindex: bound_to, ..Options::default()
            };
            options.set_filters(filters.into_iter().map(|(id, mask)| Filter { id, mask }));
            let sent = Sent { ifindex, id: sent_id, fd: kind == 1, xl: kind == 2, own };
            let program = compiled(&options);
            prop_assert_eq!(run(&program, &datagram(&sent)) != 0, options.wants(&sent));
            let mut words = vec![0; Options::words(options.filters().len())];
            prop_assert_eq!(options.save(&mut words), words.len());
            prop_assert_eq!(Options::load(&words), Some(options));
        }
    }

    /// The same ten million times, for options that change step by step: two seconds, if it is optimized.
    #[test]
    fn ten_million_frames_and_changes() {
        const IDS: [u32; 8] = [0, 1, 2, 3, 0x7ff, 0x8000_0001, 0x4000_0001, 0xc000_0003];
        const MASKS: [u32; 8] = [0, 1, 3, 0x7ff, 0xc000_07ff, 0xdfff_ffff, 0x2000_0003, 0xffff_ffff];
        let mut state = 0x9e37_79b9_7f4a_7c15_u64;
        let mut dice = |sides: usize| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 33) as usize % sides
        };
        let mut options = Options { bound: true, ..Options::default() };
        let mut program = compiled(&options);
        let mut delivered = 0;
        let steps = if cfg!(debug_assertions) { 100_000 } else { 10_000_000 };
        for _ in 0..steps {
            if dice(8) == 0 {
                match dice(9) {
                    0 => options.recv_own_msgs = dice(2) as u32,
                    1 => options.fd_frames = dice(2) as u32,
                    2 => options.xl_frames = dice(2) as u32,
                    3 => options.join_filters = dice(2) as u32,
                    4 => options.err_mask = MASKS[dice(8)],
                    5 => options.ifindex = dice(3) as i32,
                    6 => options.vcid = Vcid::of_word((dice(8) | dice(2) << 16 | dice(2) << 24) as u32),
                    _ => {
                        let mut filters = [Filter { id: 0, mask: 0 }; 4];
                        filters.iter_mut().for_each(|filter| {
                            let inverted = if dice(4) == 0 { 0x2000_0000 } else { 0 };
                            *filter = Filter { id: IDS[dice(8)] | inverted, mask: MASKS[dice(8)] };
                        });
                        options.set_filters(filters[..dice(5)].iter().copied());
                    }
                }
                program = compiled(&options);
            }
            let error = if dice(6) == 0 { 0x2000_0000 } else { 0 };
            let kind = dice(3);
            let (ifindex, own) = (1 + dice(2) as i32, dice(3) == 0);
            let sent = Sent { ifindex, id: IDS[dice(8)] | error, fd: kind == 1, xl: kind == 2, own };
            let wanted = options.wants(&sent);
            assert_eq!(run(&program, &datagram(&sent)) != 0, wanted, "{sent:?}");
            delivered += u32::from(wanted);
        }
        assert!((steps / 20..steps / 20 * 19).contains(&delivered), "{delivered} frames prove little");
    }

    #[test]
    fn another_bus_is_not_heard() {
        let options = Options { bound: true, ..Options::default() };
        let sent = Sent { ifindex: 1, id: 0x123, fd: false, xl: false, own: false };
        let mut data = datagram(&sent);
        assert_ne!(run(&compiled(&options), &data), 0);
        data[15] = 9;
        assert_eq!(run(&compiled(&options), &data), 0);
    }

    #[test]
    fn the_longest_program_fits() {
        let mut options = Options { bound: true, ifindex: 7, err_mask: 1, ..Options::default() };
        let filter = |id| Filter { id, mask: 0x7ff };
        assert!(options.set_filters((0..512).map(filter)));
        for join in [0, 1] {
            options.join_filters = join;
            let len = compiled(&options).len() + Options::words(512) + 4;
            assert!(len <= 4096, "{len}");
        }
        assert!(!options.set_filters((0..513).map(filter)));
    }
}
