//! CAN_ISOTP (`net/can/isotp.c`). Options and the address are kept here until the socket is bound; what is sent and received is
//! the engine's.
//!
//! # Safety
//! The functions of `struct proto_ops` get what the header says. A socket's private memory is an [`IsotpSock`]: it is large
//! enough, and is filled before it is used.

mod message;
mod option;

use crate::caught::caught;
use crate::pair::{self, PairSock};
use crate::protocols::CAN_ISOTP;
use crate::{device, kernel};
use core::ffi::c_int;
use core::slice;
use core::sync::atomic::{AtomicU32, Ordering};
use libc::sockaddr;
use sockshim_can_bus::pair::{Op, PDU_SNDBUF, Request};
use sockshim_can_proto::isotp::{self, Address, ISOTP_MIN_NAMELEN, OPTION_WORDS, Options};
use sockshim_module::{NO_OPS, ProtoOps, SK_SIZE, SOCK_CUSTOM_SOCKOPT, Socket};
use sockshim_sys as sys;

static ISOTP_OPS: ProtoOps = ProtoOps {
    family: libc::AF_CAN,
    bind: Some(bind),
    getname: Some(getname),
    setsockopt: Some(option::set),
    getsockopt: Some(option::get),
    ioctl: Some(pair::option::ioctl),
    sendmsg: Some(message::send),
    recvmsg: Some(message::receive),
    ..NO_OPS
};

/// Whether it is bound, and the address.
const ADDRESS_WORDS: usize = 4;
const WORDS: usize = ADDRESS_WORDS + OPTION_WORDS;

/// `struct isotp_sock`, as far as it is not the engine's.
#[repr(C)]
struct IsotpSock {
    pair: PairSock,
    /// The same words as are saved.
    words: [AtomicU32; WORDS],
}

const _: () = assert!(size_of::<IsotpSock>() <= SK_SIZE);

/// What the words mean.
#[derive(Clone, Copy)]
struct State {
    bound: bool,
    address: Address,
    options: Options,
}

impl State {
    fn of(words: &[u32; WORDS]) -> Option<State> {
        let [bound, ifindex, rx_id, tx_id] = *words.first_chunk()?;
        let address = Address { ifindex: ifindex as i32, rx_id, tx_id };
        Some(State { bound: bound != 0, address, options: Options::load(words.last_chunk()?) })
    }

    fn words(&self) -> [u32; WORDS] {
        let mut words = [0; WORDS];
        let Address { ifindex, rx_id, tx_id } = self.address;
        words[..ADDRESS_WORDS].copy_from_slice(&[self.bound.into(), ifindex as u32, rx_id, tx_id]);
        words[ADDRESS_WORDS..].copy_from_slice(&self.options.save());
        words
    }
}

fn isotp_sk(sock: &Socket) -> &IsotpSock {
    // SAFETY: the private memory of such a socket, zeroed at first.
    unsafe { &*sock.sk.cast::<IsotpSock>() }
}

fn state(sock: &Socket) -> Result<State, c_int> {
    let words = isotp_sk(sock).words.each_ref().map(|word| word.load(Ordering::Acquire));
    State::of(&words).ok_or(libc::EINVAL)
}

fn remember(sock: &Socket, words: &[u32; WORDS]) {
    for (place, word) in isotp_sk(sock).words.iter().zip(words) {
        place.store(*word, Ordering::Release);
    }
}

/// Keeps the state, also for other programs.
fn keep(sock: &Socket, state: &State) -> Result<(), c_int> {
    let words = state.words();
    let mut saved = [CAN_ISOTP as u32; 1 + WORDS];
    saved[1..].copy_from_slice(&words);
    kernel::sock_save(sock, &saved, &[])?;
    remember(sock, &words);
    Ok(())
}

/// `isotp_init`.
pub fn create(sock: &mut Socket, flags: c_int) -> Result<(), c_int> {
    pair::create(sock, flags, CAN_ISOTP)?;
    let state = State { bound: false, address: Address::default(), options: Options::default() };
    let sndbuf = &PDU_SNDBUF.to_ne_bytes();
    sys::setsockopt(sock.fd, libc::SOL_SOCKET, libc::SO_SNDBUF, sndbuf)
        .and_then(|()| keep(sock, &state))
        .inspect_err(|_| pair::abandon(sock))?;
    ready(sock);
    Ok(())
}

fn ready(sock: &mut Socket) {
    sock.ops = &ISOTP_OPS;
    sock.flags |= SOCK_CUSTOM_SOCKOPT;
}

/// A socket that another program has made.
pub fn restore(sock: &mut Socket, state: &[u32]) -> Option<()> {
    remember(sock, state.first_chunk()?);
    ready(sock);
    Some(())
}

unsafe extern "C" fn bind(sock: &mut Socket, addr: *const sockaddr, len: c_int) -> c_int {
    caught(|| {
        // SAFETY: what the header promises.
        let name = unsafe { slice::from_raw_parts(addr.cast::<u8>(), len.max(0) as usize) };
        bind_to(sock, name).map_or_else(|errno| -errno, |()| 0)
    })
}

/// `isotp_bind`.
fn bind_to(sock: &Socket, name: &[u8]) -> Result<(), c_int> {
    let mut state = state(sock)?;
    let mtu = |ifindex| Some(device::bus()?.by_index(ifindex)?.mtu as usize);
    state.address = isotp::bind(&state.options, state.bound, name, mtu)?;
    let mut bytes = [0; 4 * OPTION_WORDS];
    for (place, word) in bytes.chunks_exact_mut(4).zip(state.options.save()) {
        place.copy_from_slice(&word.to_ne_bytes());
    }
    let request = Request::new(Op::Bind).to(&state.address.name());
    match pair::ask(sock, &request, &bytes, &mut []) {
        ret if ret < 0 => return Err(-ret as c_int),
        _ => state.bound = true,
    }
    keep(sock, &state)
}

unsafe extern "C" fn getname(sock: &mut Socket, addr: *mut sockaddr, peer: c_int) -> c_int {
    caught(|| {
        if peer != 0 {
            return -libc::EOPNOTSUPP;
        }
        let name = state(sock).map(|state| state.address.name()).unwrap_or_default();
        // SAFETY: room for any address.
        unsafe { addr.cast::<u8>().copy_from(name.as_ptr(), name.len()) };
        ISOTP_MIN_NAMELEN as c_int
    })
}
