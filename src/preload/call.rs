//! The two halves of an observed call: what happens before libc, and what happens after.
//!
//! Neither half inlines into the frame that calls libc, so that frame stays free of landing pads: pthread_cancel
//! unwinds it as it would unwind libc's own.
//!
//! # Safety
//! The pointer to the rows is null or the one that [`register`] was given, which is for ever.

use crate::log::clock;
use crate::log::queue::Begin;
use crate::nsproxy::net_ns;
use crate::panic::attempt;
use crate::stack::Page;
use crate::table::{COUNT, HOOKS, Place};
use crate::track::Begun;
use crate::{fork, log, process, sys, track};
use core::mem::MaybeUninit;
use core::ptr;
use core::sync::atomic::{AtomicPtr, Ordering};
use sockshim_core::fdtable::Handle;
use sockshim_core::hook::{Hook, Level, MAX_ARGS};
use sockshim_core::net::ops::{Cx, Socket};
use sockshim_core::net::socket::Lookup;
use sockshim_core::trace::event::{Event, Extra};
use sockshim_core::verdict::{Action, Change, Instead, Predicted, Reason, Verdict};

/// What is done before and after libc's function.
pub struct Halves {
    /// Decides.
    pub enter: fn(&mut Ticket),
    /// Commits.
    pub leave: fn(&mut Ticket),
}

/// The rows of all hooks, in the order of the table. They name the functions of dispatch, which is further up.
static ROWS: AtomicPtr<[Halves; COUNT]> = AtomicPtr::new(ptr::null_mut());

/// Makes the rows known, before the first call is observed.
pub fn register(rows: &'static [Halves; COUNT]) {
    ROWS.store(ptr::from_ref(rows).cast_mut(), Ordering::Release);
}

/// What is done before and after the calls of a hook; `None` before the constructor has run.
fn rows() -> Option<&'static [Halves; COUNT]> {
    // SAFETY: the pointer is null or what `register` was given.
    unsafe { ROWS.load(Ordering::Relaxed).as_ref() }
}

/// What a call carries from its first half to its second. Plain data: it may be dropped by a longjmp.
pub struct Ticket {
    /// The event as far as it is known.
    pub event: Event,
    /// Whether the event is of interest at all, whatever the level.
    pub wanted: bool,
    /// The socket's place in the fd table.
    pub handle: Option<Handle>,
    /// What success changes.
    pub change: Change,
    /// What the function before the call leaves for the one after it.
    pub note: Note,
    /// Where other calls on the socket stood when this one began.
    pub begun: Begun,
    /// How libc is to perform the call otherwise.
    pub instead: Instead,
    leave: fn(&mut Ticket),
}

/// What the function before a call leaves for the one after it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Note {
    /// Nothing.
    Nothing,
    /// How many bytes the program has for an address that the call gives back.
    Room(i32),
    /// The descriptor that the call closes.
    Closes(i32),
    /// What the new number of dup2(2) meant is forgotten.
    Forgot,
    /// A seccomp filter is installed.
    Filter {
        /// There was none before.
        first: bool,
        /// The writer has ended for it.
        without_writer: bool,
    },
    /// The writer has ended for the call.
    WithoutWriter,
}

impl Note {
    /// The bytes for an address; 0 where none was asked for.
    pub fn room(self) -> i32 {
        match self {
            Note::Room(room) => room,
            _ => 0,
        }
    }
}

/// Who performs the call.
pub enum Performer {
    /// libc, and [`leave`] is told.
    Host,
    /// libc, and nobody looks.
    Pass,
    /// [`crate::act`] knows: nobody, or libc later or with other arguments.
    Acts,
}

/// The first half of a call of the hook at `place`. The ticket was written, unless the answer is `Pass`.
pub fn enter(slot: &mut MaybeUninit<Ticket>, place: Place, args: &[i64; MAX_ARGS]) -> Performer {
    Ticket::args(slot).write(*args);
    // SAFETY: the line above.
    unsafe { enter_written(slot, place) }
}

/// [`enter`] with the arguments in their place.
///
/// # Safety
/// [`Ticket::args`] must have been written.
#[inline(never)]
pub unsafe fn enter_written(slot: &mut MaybeUninit<Ticket>, place: Place) -> Performer {
    if process::is_vfork_child() || !fork::is_ready() {
        return Performer::Pass;
    }
    let Some(rows) = rows() else { return Performer::Pass };
    let row = &rows[place as usize];
    let errno = sys::Errno::now();
    // SAFETY: the caller's promise.
    let ticket = unsafe { Ticket::begin(slot, &HOOKS[place as usize], row) };
    if attempt(|| ticket.decided_by(row)).is_err() {
        ticket.panicked();
    }
    clock::start(&mut ticket.event);
    errno.restore();
    if ticket.acts() { Performer::Acts } else { Performer::Host }
}

/// The second half: every answer passes here, whoever gave it, and is committed and logged.
///
/// # Safety
/// The ticket must have been written by [`enter`].
#[inline(never)]
pub unsafe fn leave(slot: &mut MaybeUninit<Ticket>, ret: i64) {
    let errno = sys::Errno::now();
    // SAFETY: the caller's promise.
    let ticket = unsafe { slot.assume_init_mut() };
    clock::stop(&mut ticket.event);
    // A child of fork comes back here too, and everything that belongs to its parent has to go first.
    if fork::is_ready() {
        ticket.event.ret = ret;
        ticket.event.errno = (ret == -1).then_some(errno.value());
        if attempt(|| (ticket.leave)(ticket)).is_err() {
            ticket.panicked();
            ticket.send();
        }
    }
    errno.restore();
}

/// Both halves of a call that libc has made already, for what turned out only then to be worth an event. `begin` is what
/// the short way has found before it.
#[inline(never)]
pub fn late(slot: &mut MaybeUninit<Ticket>, place: Place, args: &[i64; MAX_ARGS], begin: Begin, ret: i64) {
    if !matches!(enter(slot, place, args), Performer::Pass) {
        // SAFETY: the ticket was written.
        let ticket = unsafe { slot.assume_init_mut() };
        // It is too late to act.
        ticket.event.action = Action::Host;
        if let Begin::Short(started) = begin {
            started.date(&mut ticket.event);
        }
        // SAFETY: the same.
        unsafe { leave(slot, ret) };
    }
}

impl Ticket {
    /// Where a call's arguments stand: in the event, already before there is one, so that they are not copied.
    #[inline(always)]
    pub fn args(slot: &mut MaybeUninit<Ticket>) -> &mut MaybeUninit<[i64; MAX_ARGS]> {
        // SAFETY: a part of the slot, borrowed as the slot is; it may hold anything.
        unsafe { &mut *(&raw mut (*slot.as_mut_ptr()).event.args).cast() }
    }

    /// The ticket of a call.
    ///
    /// # Safety
    /// [`Ticket::args`] must have been written.
    unsafe fn begin<'a>(
        slot: &'a mut MaybeUninit<Ticket>,
        hook: &'static Hook,
        row: &Halves,
    ) -> &'a mut Ticket {
        // SAFETY: the caller's promise.
        let args = unsafe { *Ticket::args(slot).assume_init_ref() };
        let ticket = slot.write(Ticket {
            event: Event { args, ..Event::new(hook) },
            wanted: true,
            handle: None,
            change: Change::None,
            note: Note::Nothing,
            begun: Begun::ALONE,
            instead: Instead::new(),
            leave: row.leave,
        });
        ticket.event.tid = process::tid();
        if hook.level == Level::Io {
            // From the next call on the thread can take the short way.
            log::queue::make_fast();
        }
        ticket
    }

    /// Makes this the ticket of another hook, whose arguments are the same but for `skip` words at the front.
    pub fn become_hook(&mut self, place: usize, skip: usize) {
        let Some(row) = rows().map(|rows| &rows[place]) else { return };
        self.event.hook = &HOOKS[place];
        self.event.args.rotate_left(skip);
        self.event.via_syscall = true;
        self.leave = row.leave;
        self.decided_by(row);
    }

    /// Runs the first half of a row.
    fn decided_by(&mut self, row: &Halves) {
        #[cfg(feature = "test-support")]
        assert!(!crate::test_support::panics_at(self.event.hook.name()), "asked for by the test");
        // With the first call, not when the program starts: many programs have no socket.
        sockshim_core::net::init();
        (row.enter)(self);
        #[cfg(feature = "test-support")]
        if self.wanted {
            // Calls without a walk are decided here.
            self.settle(self.verdict());
        }
    }

    /// The verdict as it stands.
    #[cfg(feature = "test-support")]
    fn verdict(&self) -> Verdict {
        let Event { action, predicted, reason, .. } = self.event;
        Verdict { action, predicted, reason, change: self.change }
    }

    /// Dispatch has failed: libc's answer stands, and the event says so.
    fn panicked(&mut self) {
        self.event.reason = Reason::ShimPanic;
        self.event.path.clear();
        self.event.extra = Extra::None;
        self.event.action = Action::Host;
        self.event.predicted = Predicted::Unknown;
        self.changes_nothing();
        self.instead = Instead::new();
        self.wanted = true;
        self.leave = Ticket::send;
    }

    /// Whether anything else is to happen than libc's call as the program made it.
    #[inline(always)]
    pub fn acts(&self) -> bool {
        self.event.action != Action::Host || !self.instead.is_nothing()
    }

    /// Whether libc has answered: only then has the kernel read and written the program's memory.
    #[inline(always)]
    pub fn libc_answered(&self) -> bool {
        matches!(self.event.action, Action::Host | Action::HostInstead)
    }

    /// The page on which the arguments most likely stand: the ticket is on the stack, just below the caller's frame.
    #[inline(always)]
    pub fn page(&self) -> Page {
        Page::behind(self)
    }

    /// An argument that is an int.
    pub fn int(&self, index: usize) -> i32 {
        self.event.args[index] as i32
    }

    /// An argument word.
    pub fn word(&self, index: usize) -> i64 {
        self.event.args[index]
    }

    /// What `fd` is. `careful` asks the kernel whether what is remembered is still what the number means.
    pub fn lookup(&mut self, fd: i32, careful: bool) -> Lookup {
        self.lookup_as(fd, careful, careful)
    }

    /// [`Ticket::lookup`] with care for what is known to be a socket, and with care for what is known to be none.
    pub fn lookup_as(&mut self, fd: i32, known: bool, other: bool) -> Lookup {
        self.event.fd = Some(fd);
        if let Some((socket, handle, name)) = track::known(fd)
            && (!known || track::confirmed(fd, &socket, handle, name))
        {
            self.handle = Some(handle);
            return self.found(socket);
        }
        self.asked(fd, other)
    }

    /// The lookup of what is not known as a socket.
    #[inline(never)]
    fn asked(&mut self, fd: i32, careful: bool) -> Lookup {
        if !careful && track::is_other(fd) {
            return Lookup::NotSocket;
        }
        let (lookup, handle) = track::adopt(fd);
        self.handle = handle;
        match lookup {
            Lookup::Socket(socket) => self.found(socket),
            other => other,
        }
    }

    #[inline(always)]
    fn found(&mut self, socket: Socket) -> Lookup {
        if sys::has_threads() {
            return self.found_beside_others(socket);
        }
        self.is_about(socket)
    }

    #[cold]
    #[inline(never)]
    fn found_beside_others(&mut self, mut socket: Socket) -> Lookup {
        if let Some(handle) = self.handle {
            self.begun = Begun::look(handle, &mut socket);
        }
        self.is_about(socket)
    }

    #[inline(always)]
    fn is_about(&mut self, socket: Socket) -> Lookup {
        self.event.ops = socket.ops;
        self.event.prot = socket.sk.prot;
        self.event.socket = Some(socket);
        Lookup::Socket(socket)
    }

    /// Runs the walk and takes its verdict.
    pub fn decide(&mut self, walk: impl FnOnce(&mut Cx) -> Verdict) {
        let mut cx = Cx { path: &mut self.event.path, net: net_ns(), instead: &mut self.instead };
        let verdict = walk(&mut cx);
        self.settle(verdict);
    }

    /// Takes a verdict.
    pub fn settle(&mut self, verdict: Verdict) {
        #[cfg(feature = "test-support")]
        let verdict = crate::test_support::decided(self.event.hook.name(), verdict, &mut self.instead);
        self.event.action = verdict.action;
        self.event.predicted = verdict.predicted;
        self.event.reason = verdict.reason;
        self.change = verdict.change;
        if self.change != Change::None
            && let Some(handle) = self.handle
        {
            self.begun.count(handle);
        }
    }
}

/// [`Ticket::finish`] as a row's second half.
pub fn logged(ticket: &mut Ticket) {
    ticket.finish();
}
