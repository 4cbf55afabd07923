//! The two halves of an observed call: before libc and after it.
//!
//! Neither half inlines into the frame that calls libc, so that frame has no landing pads: pthread_cancel unwinds it
//! like libc's own.
//!
//! # Safety
//! The pointer to the rows is null or the one that was passed to [`register`], which is static.

use crate::log::clock;
use crate::nsproxy::net_ns;
use crate::panic::attempt;
use crate::stack::Page;
use crate::table::{COUNT, HOOKS, HookIndex};
use crate::track::Begun;
use crate::{fork, identity, sys, track};
use core::mem::MaybeUninit;
use core::ptr;
use core::sync::atomic::{AtomicPtr, Ordering};
use sockshim_core::fdtable::{Handle, Packed};
use sockshim_core::hook::{Hook, MAX_ARGS};
use sockshim_core::net::ops::{Cx, ProtoOps, Socket};
use sockshim_core::net::path::Path;
use sockshim_core::net::socket::Found;
use sockshim_core::trace::event::{Course, Event, Extra};
use sockshim_core::verdict::{Action, Change, Instead, Predicted, Reason, Verdict};

/// The functions before and after libc's.
pub struct Halves {
    /// Decides the call.
    pub enter: fn(&mut Ticket),
    /// Commits the answer.
    pub leave: fn(&mut Ticket),
}

/// The rows of all hooks, in the order of the table. They name the functions of dispatch, which is further up.
static ROWS: AtomicPtr<[Halves; COUNT]> = AtomicPtr::new(ptr::null_mut());

/// Stores the rows before the first call is observed.
pub fn register(rows: &'static [Halves; COUNT]) {
    ROWS.store(ptr::from_ref(rows).cast_mut(), Ordering::Release);
}

/// The functions before and after the calls of a hook; `None` before the constructor has run.
fn rows() -> Option<&'static [Halves; COUNT]> {
    // SAFETY: the pointer is null or the one that was passed to `register`.
    unsafe { ROWS.load(Ordering::Relaxed).as_ref() }
}

/// What an observed call carries from its first half to its second. Plain data, because a longjmp may skip its drop.
pub struct Ticket {
    /// The event as far as it is known.
    pub event: Event,
    /// Whether the event is logged at all, whatever the level.
    pub wanted: bool,
    /// The socket as it was before the call, once the walk has asked for it.
    pub socket: Option<Socket>,
    /// The socket's handle in the fd table.
    pub handle: Option<Handle>,
    /// What the answer changes.
    pub change: Change,
    /// What the first half leaves for the second.
    pub note: Note,
    /// Where other calls on the socket stood when this one began.
    pub begun: Begun,
    /// How libc's call differs from the program's.
    pub instead: Instead,
    leave: fn(&mut Ticket),
}

/// What a call's first half leaves for its second.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Note {
    /// Nothing.
    Nothing,
    /// The length of the program's buffer for an address that the call returns.
    Capacity(i32),
    /// The descriptor that the call closes.
    Closes(i32),
    /// dup2(2): the entry of the new number was a socket, and is forgotten.
    Forgot,
    /// The call installs a seccomp filter.
    Filter {
        /// It is the first one.
        first: bool,
        /// The writer was ended before it.
        without_writer: bool,
    },
    /// No writer may begin before the call is over.
    WithoutWriter,
}

impl Note {
    /// The length of the buffer for an address; 0 if the program passed none.
    pub fn capacity(self) -> i32 {
        match self {
            Note::Capacity(capacity) => capacity,
            _ => 0,
        }
    }
}

/// Who performs the call.
pub enum Performer {
    /// libc, and [`leave`] must be called afterwards.
    Host,
    /// libc, and the call is not observed.
    Pass,
    /// [`crate::act`]: nobody, or libc later or with other arguments.
    Acts,
}

/// The first half of a call of the hook at `index`. The ticket was written, unless the answer is `Pass`.
pub fn enter(slot: &mut MaybeUninit<Ticket>, index: HookIndex, args: &[i64; MAX_ARGS]) -> Performer {
    Ticket::args(slot).write(*args);
    // SAFETY: the line above.
    unsafe { enter_written(slot, index) }
}

/// [`enter`] with the arguments where [`Ticket::args`] says.
///
/// # Safety
/// [`Ticket::args`] must have been written.
#[inline(never)]
pub unsafe fn enter_written(slot: &mut MaybeUninit<Ticket>, index: HookIndex) -> Performer {
    if identity::is_vfork_child() || !fork::is_ready() {
        return Performer::Pass;
    }
    let Some(rows) = rows() else { return Performer::Pass };
    let row = &rows[index as usize];
    let errno = sys::SavedErrno::now();
    // SAFETY: the caller's promise.
    let ticket = unsafe { Ticket::begin(slot, &HOOKS[index as usize], row) };
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
    let errno = sys::SavedErrno::now();
    // SAFETY: the caller's promise.
    let ticket = unsafe { slot.assume_init_mut() };
    clock::stop(&mut ticket.event);
    ticket.answered(ret, errno.value());
    errno.restore();
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
        slot.write(Ticket {
            event: Event { args, ..Event::new(hook) },
            wanted: true,
            socket: None,
            handle: None,
            change: Change::None,
            note: Note::Nothing,
            begun: Begun::ALONE,
            instead: Instead::new(),
            leave: row.leave,
        })
    }

    /// Commits and logs the answer.
    #[inline(always)]
    pub fn answered(&mut self, ret: i64, errno: i32) {
        // A child of fork returns here too. First everything that belongs to its parent must be dropped.
        if fork::is_ready() {
            self.event.ret = ret;
            self.event.errno = (ret == -1).then_some(errno);
            if attempt(|| (self.leave)(self)).is_err() {
                self.panicked();
                self.send();
            }
        }
    }

    /// Turns this into the ticket of another hook, whose arguments are the same without the first `skip` words.
    pub fn become_hook(&mut self, index: usize, skip: usize) {
        let Some(row) = rows().map(|rows| &rows[index]) else { return };
        self.event.hook = &HOOKS[index];
        self.event.args.rotate_left(skip);
        self.event.via_syscall = true;
        self.leave = row.leave;
        self.decided_by(row);
    }

    /// Runs the first half of a row.
    fn decided_by(&mut self, row: &Halves) {
        #[cfg(feature = "test-support")]
        assert!(!crate::test_support::panics_at(self.event.hook.name()), "asked for by the test");
        // At the first call and not at the program's start, because many programs have no sockets.
        sockshim_core::net::init();
        (row.enter)(self);
        #[cfg(feature = "test-support")]
        if self.wanted {
            // A call without a walk is decided here.
            self.settle(self.verdict());
        }
    }

    /// The current verdict.
    #[cfg(feature = "test-support")]
    fn verdict(&self) -> Verdict {
        let Event { action, predicted, reason, .. } = self.event;
        Verdict { action, predicted, reason, change: self.change }
    }

    /// After a panic in dispatch: libc performs the call, and the event says what happened.
    pub fn panicked(&mut self) {
        self.event.reason = Reason::ShimPanic;
        self.event.course = None;
        self.event.path.clear();
        self.event.extra = Extra::None;
        self.event.action = Action::Host;
        self.event.predicted = Predicted::Unknown;
        self.changes_nothing();
        self.instead = Instead::new();
        self.wanted = true;
        self.leave = Ticket::send;
    }

    /// Whether the verdict is anything but libc's call as the program made it.
    #[inline(always)]
    pub fn acts(&self) -> bool {
        self.event.action != Action::Host || !self.instead.is_nothing()
    }

    /// Whether libc has performed the call: only then has the kernel read and written the program's memory.
    #[inline(always)]
    pub fn libc_answered(&self) -> bool {
        matches!(self.event.action, Action::Host | Action::HostInstead)
    }

    /// The page that most likely holds the arguments: the ticket is on the stack, just below the caller's frame.
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

    /// What `fd` refers to. With `careful`, the kernel is asked whether the entry is still true.
    pub fn lookup(&mut self, fd: i32, careful: bool) -> Found {
        self.lookup_as(fd, careful, careful)
    }

    /// [`Ticket::lookup`] with care for what is known to be a socket, and with care for what is known to be none.
    pub fn lookup_as(&mut self, fd: i32, known: bool, other: bool) -> Found {
        self.event.fd = Some(fd);
        if let Some(socket) = track::known(fd)
            && (!known || track::confirmed(fd, &socket))
        {
            self.handle = Some(socket.handle());
            self.event.before = Some(socket.socket());
            if sys::has_threads() {
                self.look_beside_others();
            }
            return self.event.set_found(Found::Socket);
        }
        self.asked(fd, other)
    }

    /// The lookup of a descriptor that is not known as a socket.
    #[cold]
    #[inline(never)]
    fn asked(&mut self, fd: i32, careful: bool) -> Found {
        if !careful && track::is_other(fd) {
            return self.event.set_found(Found::NotSocket);
        }
        let (socket, handle) = match track::adopt(fd) {
            Ok(adopted) => adopted,
            Err(found) => return self.event.set_found(found),
        };
        self.handle = handle;
        self.event.before = Some(Packed::of(&socket));
        if sys::has_threads() {
            self.look_beside_others();
        }
        self.event.set_found(Found::Socket)
    }

    #[cold]
    #[inline(never)]
    fn look_beside_others(&mut self) {
        if let (Some(handle), Some(socket)) = (self.handle, &mut self.event.before) {
            self.begun = Begun::look(handle, socket);
        }
    }

    /// The ops of the socket that was found or is to be made.
    #[inline(always)]
    pub fn ops(&self) -> Option<&'static ProtoOps> {
        match &self.socket {
            Some(socket) => socket.ops,
            None => self.event.before.and_then(Packed::ops),
        }
    }

    /// Runs the walk of a call on the descriptor that was looked up, and stores its verdict.
    #[inline(never)]
    pub fn decide(&mut self, course: &'static Course) {
        self.socket = self.event.before.map(Packed::unpack);
        let verdict =
            self.walked(course, |event, cx, socket| (course.walk)(event, cx, event.found.with(socket)));
        self.settle(verdict);
    }

    /// Runs a walk, whose path is found when the event is written: the program's thread does not keep it.
    #[inline(always)]
    pub fn walked<R>(
        &mut self,
        course: &'static Course,
        run: impl FnOnce(&Event, &mut Cx, Option<&Socket>) -> R,
    ) -> R {
        self.event.course = Some(course);
        let mut path = Path::closed();
        let mut cx = Cx { path: &mut path, net: net_ns(), instead: &mut self.instead };
        run(&self.event, &mut cx, self.socket.as_ref())
    }

    /// Stores a verdict.
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

/// [`Ticket::finish`] as the second half of a row.
pub fn logged(ticket: &mut Ticket) {
    ticket.finish();
}
