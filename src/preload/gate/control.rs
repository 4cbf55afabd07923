//! The gates of control calls, of the life of descriptors, and of calls that start programs.

use super::{Call, Gate, Interest, Perform};
use crate::brief::{self, Brief, Makes, create, fd, name, option};
use crate::dispatch::{exec, process};
use crate::log::queue;
use crate::table::HookIndex;
use crate::word::{Word, padded};
use crate::{mode, slow};
use core::marker::PhantomData;

/// Control calls: at every level.
pub struct Control;

impl Gate for Control {
    const HAS_FAST_PATH: bool = false;
    const INTEREST: Interest = Interest::Control;
}

/// Calls about network interfaces: never observed. A module may stand in libc's place.
pub struct Devices;

impl Gate for Devices {
    const HAS_FAST_PATH: bool = false;
    const INTEREST: Interest = Interest::Nothing;
}

/// Control calls, of which those that succeed are [`brief`].
pub struct Briefly<B>(PhantomData<B>);

impl<B: Brief> Gate for Briefly<B> {
    const HAS_FAST_PATH: bool = false;
    const INTEREST: Interest = Interest::Control;

    #[inline(always)]
    unsafe fn slow<const N: usize, R: Word>(index: HookIndex, words: [i64; N]) -> R {
        // SAFETY: the caller's promise.
        unsafe { brief::of_libc::<B, N, R>(index, words) }
    }
}

/// Calls that make sockets, of which those that succeed are [`brief`].
pub struct MakesBriefly<M>(PhantomData<M>);

impl<M: Makes> Gate for MakesBriefly<M> {
    const HAS_FAST_PATH: bool = false;
    const INTEREST: Interest = Interest::Control;

    #[inline(always)]
    unsafe fn slow<const N: usize, R: Word>(index: HookIndex, words: [i64; N]) -> R {
        // SAFETY: the caller's promise.
        unsafe { brief::making::<M, N, R>(index, words) }
    }
}

/// socket.
pub type Make = MakesBriefly<create::Make>;
/// socketpair.
pub type MakePair = MakesBriefly<create::MakePair>;
/// connect.
pub type Connect = Briefly<name::Connect>;
/// dup2 and dup3.
pub type Dup2 = Briefly<fd::Dup2>;
/// bind.
pub type Bind = Briefly<name::Bind>;
/// accept.
pub type Accept = Briefly<create::Accept<false>>;
/// accept4.
pub type Accept4 = Briefly<create::Accept<true>>;
/// listen.
pub type Listen = Briefly<name::Listen>;
/// shutdown.
pub type Shutdown = Briefly<name::Shutdown>;
/// getsockname.
pub type SockName = Briefly<name::SockName>;
/// getpeername.
pub type PeerName = Briefly<name::PeerName>;
/// setsockopt.
pub type Set = Briefly<option::Set>;
/// getsockopt.
pub type Get = Briefly<option::Get>;
/// close.
pub type Close = Briefly<fd::Close>;
/// dup.
pub type Dup = Briefly<fd::Dup>;

/// Calls that start programs: at every level, and without a log if their environment must be extended.
pub struct Exec;

impl Gate for Exec {
    const INTEREST: Interest = Interest::Exec;

    #[inline(always)]
    fn observe<const N: usize, R: Word>(call: Call<N, impl Perform<R>, impl Perform<R>>) -> R {
        if mode::reports() {
            exec::report(call.index, &padded(call.words));
        }
        if mode::control() { call.slow() } else { call.perform() }
    }
}

/// syscall: like [`Exec`], by the number of the system call.
pub struct Numbered;

impl Gate for Numbered {
    const INTEREST: Interest = Interest::Numbers;

    #[inline(always)]
    fn observe<const N: usize, R: Word>(call: Call<N, impl Perform<R>, impl Perform<R>>) -> R {
        let is_of_interest = process::is_of_interest(call.words[0]);
        if mode::reports() && is_of_interest {
            exec::report_numbered(&padded(call.words));
        }
        if mode::observes() && is_of_interest { call.slow() } else { call.perform() }
    }
}

/// ioctl: like control calls, except on what is known not to be a socket. Programs make many of these, and none is
/// logged.
pub struct Any;

impl Gate for Any {
    const INTEREST: Interest = Interest::Control;

    #[inline(always)]
    unsafe fn slow<const N: usize, R: Word>(index: HookIndex, words: [i64; N]) -> R {
        // SAFETY: the caller's promise.
        unsafe { brief::of_libc::<option::Ioctl, N, R>(index, words) }
    }

    #[inline(always)]
    fn observe<const N: usize, R: Word>(call: Call<N, impl Perform<R>, impl Perform<R>>) -> R {
        if queue::is_no_socket(&call.words) { call.perform() } else { call.slow() }
    }
}

/// fcntl: like [`Any`], and with a record of its own unless it makes another descriptor.
pub struct Life;

impl Gate for Life {
    const INTEREST: Interest = Interest::Control;

    #[inline(always)]
    unsafe fn slow<const N: usize, R: Word>(index: HookIndex, words: [i64; N]) -> R {
        // SAFETY: the caller's promise.
        unsafe { slow::recorded::<0, N, R>(index, words) }
    }

    #[inline(always)]
    fn observe<const N: usize, R: Word>(call: Call<N, impl Perform<R>, impl Perform<R>>) -> R {
        Any::observe(call)
    }
}

/// epoll_ctl: like fcntl, about the descriptor that is watched.
pub struct Watches;

impl Gate for Watches {
    const INTEREST: Interest = Interest::Control;

    #[inline(always)]
    unsafe fn slow<const N: usize, R: Word>(index: HookIndex, words: [i64; N]) -> R {
        // SAFETY: the caller's promise.
        unsafe { slow::recorded::<2, N, R>(index, words) }
    }

    #[inline(always)]
    fn observe<const N: usize, R: Word>(call: Call<N, impl Perform<R>, impl Perform<R>>) -> R {
        if queue::is_no_socket_at(call.words[2]) { call.perform() } else { call.slow() }
    }
}
