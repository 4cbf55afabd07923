//! The two halves of an observed call: before libc and after it.
//!
//! Neither half inlines into the frame that calls libc, so that frame has no landing pads: pthread_cancel unwinds it
//! like libc's own.
//!
//! # Safety
//! `export.rs` makes the rows, of the type that they have here. Each distance in them leads to a [`Half`].

use crate::log::clock;
use crate::panic::attempt;
use crate::stack::Page;
use crate::table::{COUNT, HOOKS, HookIndex};
use crate::track::Begun;
use crate::{fork, identity, sys};
use core::mem::{MaybeUninit, transmute};
use core::ptr;
use sockshim_core::fdtable::Handle;
use sockshim_core::hook::{Hook, MAX_ARGS};
use sockshim_core::net::ops::Socket;
use sockshim_core::trace::event::{Event, Extra};
use sockshim_core::verdict::{Action, Change, Instead, Predicted, Reason};

/// A function before or after libc's: one decides the call, the other commits the answer.
pub type Half = fn(&mut Ticket);

/// The two halves of each hook's calls, in the order of the table, as distances from where it begins: addresses would be
/// written by the dynamic linker at every program's start, and take 7 kB more.
#[repr(transparent)]
pub struct Rows([[i32; 2]; COUNT]);

impl Rows {
    #[inline(always)]
    fn half(&'static self, distance: i32) -> Half {
        let address = ptr::from_ref(self).cast::<()>().wrapping_byte_offset(distance as isize);
        // SAFETY: the module's text.
        unsafe { transmute::<*const (), Half>(address) }
    }

    /// The functions before and after the calls of the hook at `index`.
    #[inline(always)]
    fn halves(&'static self, index: usize) -> [Half; 2] {
        self.0[index].map(|distance| self.half(distance))
    }
}

unsafe extern "C" {
    /// The rows of all hooks. They name the functions of dispatch, which is further up, so they are found by their symbol.
    #[link_name = "sockshim_rows"]
    safe static ROWS: Rows;
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
    /// Whether rules may still decide: libc has not answered yet.
    pub libc_is_to_answer: bool,
    /// Whether the keys of a rule held, though it may not have fired.
    pub rules_held: bool,
    leave: Half,
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
    /// The call goes to an address that refuses connections, for a rule.
    Refusing,
    /// The call asks for a name or an address, and fails as for this `EAI_*` code.
    Unresolved(i32),
    /// The call asks for a name or an address, and is answered from files only.
    FilesOnly,
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
    unsafe { enter_written(slot, index, true) }
}

/// [`enter`] for a call that libc has performed already. `None` if it is not observed.
pub fn enter_performed<'a>(
    slot: &'a mut MaybeUninit<Ticket>,
    index: HookIndex,
    args: &[i64; MAX_ARGS],
) -> Option<&'a mut Ticket> {
    Ticket::args(slot).write(*args);
    // SAFETY: the line above; and the ticket is written unless the answer is `Pass`.
    unsafe {
        match enter_written(slot, index, false) {
            Performer::Pass => None,
            Performer::Host | Performer::Acts => Some(slot.assume_init_mut()),
        }
    }
}

/// [`enter`] with the arguments where [`Ticket::args`] says, and whether libc is still to answer.
///
/// # Safety
/// [`Ticket::args`] must have been written.
#[inline(never)]
pub unsafe fn enter_written(
    slot: &mut MaybeUninit<Ticket>,
    index: HookIndex,
    libc_is_to_answer: bool,
) -> Performer {
    if identity::is_vfork_child() || !fork::is_ready() {
        return Performer::Pass;
    }
    let [enter, leave] = ROWS.halves(index as usize);
    let errno = sys::SavedErrno::now();
    // SAFETY: the caller's promise.
    let ticket = unsafe { Ticket::begin(slot, &HOOKS[index as usize], leave, libc_is_to_answer) };
    if attempt(|| ticket.decided_by(enter)).is_err() {
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
        leave: Half,
        libc_is_to_answer: bool,
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
            libc_is_to_answer,
            rules_held: false,
            leave,
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
        let [enter, leave] = ROWS.halves(index);
        self.event.hook = &HOOKS[index];
        self.event.args.rotate_left(skip);
        self.event.via_syscall = true;
        self.leave = leave;
        self.decided_by(enter);
    }

    /// Runs the first half.
    fn decided_by(&mut self, enter: Half) {
        #[cfg(feature = "test-support")]
        assert!(!crate::test_support::panics_at(self.event.hook.name()), "asked for by the test");
        // At the first call and not at the program's start, because many programs have no sockets.
        sockshim_core::net::init();
        enter(self);
        #[cfg(feature = "test-support")]
        if self.wanted {
            // A call without a walk is decided here.
            self.settle(self.verdict());
        }
    }

    /// The current verdict.
    #[cfg(feature = "test-support")]
    fn verdict(&self) -> sockshim_core::verdict::Verdict {
        let Event { action, predicted, reason, .. } = self.event;
        sockshim_core::verdict::Verdict { action, predicted, reason, change: self.change }
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

    /// The number of the rule that has decided the call, from 1; 0 if none has.
    pub fn rule(&self) -> u16 {
        self.event.reason.rule().unwrap_or(0)
    }

    /// An argument that is an int.
    pub fn int(&self, index: usize) -> i32 {
        self.event.args[index] as i32
    }

    /// An argument word.
    pub fn word(&self, index: usize) -> i64 {
        self.event.args[index]
    }
}

/// [`Ticket::finish`] as the second half of a row.
pub fn logged(ticket: &mut Ticket) {
    ticket.finish();
}
