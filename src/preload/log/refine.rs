//! Predictions that need the running kernel.
//!
//! On the program's threads only the socket itself is asked, so some predictions stay open there: whether the kernel
//! has a family or a protocol, whether the process has a privilege, what a sysctl is set to. The writer can ask: it
//! has the program's credentials and namespaces and its own descriptor table, so the program notices nothing. It
//! walks such a call again, from the socket as it was before the call, with the kernel's answers.
//!
//! It asks a moment after the call, and the program may have changed a setting meanwhile. Credentials and namespaces change by
//! calls that are seen, and the writer has judged what went before when it follows. A sysctl is a file, so it counts only if it
//! was the same before the call; else the prediction stays open where it would be wrong.

use crate::{identity, sys};
use core::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use libc::c_int;
use sockshim_core::func;
use sockshim_core::hook::Does;
use sockshim_core::net::differences::Difference;
use sockshim_core::net::namespace::{Fact, Facts, INIT_NET, Net};
use sockshim_core::net::ops::{Cx, Judge};
use sockshim_core::net::path::Path;
use sockshim_core::net::socket::{
    Copied, Lookup, sys_bind, sys_ioctl, sys_listen, sys_setsockopt, sys_socket, sys_socketpair,
};
use sockshim_core::trace::event::{Decided, Event, Extra};
use sockshim_core::verdict::{Action, Instead, Predicted, Reason, Verdict};
use sockshim_host::LiveKernel;

static KERNEL: LiveKernel = LiveKernel::new();

/// Whether the program is where the writer could not follow, or its threads are not all in one place.
static LOST: AtomicBool = AtomicBool::new(false);

/// Forgets the answers that may have changed: credentials, namespaces, the process.
pub fn forget() {
    KERNEL.forget();
}

/// The program has gone where the kernel would give it other answers than the writer: nothing is asked any more.
pub fn lose() {
    LOST.store(true, Ordering::Relaxed);
}

/// A sysctl: what it was when it was read last, and when that was.
struct Sysctl {
    value: AtomicI64,
    read_at: AtomicU64,
}

/// When the call began that is being walked again, and whether a sysctl has a say in it that may have changed since.
static BEGAN: AtomicU64 = AtomicU64::new(0);
static UNSURE: AtomicBool = AtomicBool::new(false);

impl Sysctl {
    const fn new() -> Sysctl {
        Sysctl { value: AtomicI64::new(i64::MIN), read_at: AtomicU64::new(u64::MAX) }
    }

    /// Notes what was read now.
    fn noted<T: Copy + Into<i64>>(&self, fact: Fact<T>) -> Fact<T> {
        let value = fact.map_or(i64::MIN, |known| known.value.into());
        let same = self.value.swap(value, Ordering::Relaxed) == value;
        if !same {
            self.read_at.store(sys::monotonic(), Ordering::Relaxed);
        }
        if self.read_at.load(Ordering::Relaxed) > BEGAN.load(Ordering::Relaxed) {
            UNSURE.store(true, Ordering::Relaxed);
        }
        fact
    }
}

static PING_GROUP: Sysctl = Sysctl::new();
static MPTCP_ENABLED: Sysctl = Sysctl::new();
static SOMAXCONN: Sysctl = Sysctl::new();
static PORT_START: Sysctl = Sysctl::new();

/// The kernel, without the questions that occupy a port for a moment: the program may want that very port.
struct Harmless;

impl Facts for Harmless {
    fn nproto(&self) -> Fact<c_int> {
        KERNEL.nproto()
    }
    fn ipproto_max(&self) -> Fact<c_int> {
        KERNEL.ipproto_max()
    }
    fn has_family(&self, family: c_int) -> Fact<bool> {
        KERNEL.has_family(family)
    }
    fn has_protocol(&self, family: c_int, ty: c_int, protocol: c_int) -> Fact<bool> {
        KERNEL.has_protocol(family, ty, protocol)
    }
    fn has_module_protocol(&self, family: c_int, protocol: c_int) -> Fact<bool> {
        KERNEL.has_module_protocol(family, protocol)
    }
    fn may_create(&self, family: c_int) -> Fact<bool> {
        KERNEL.may_create(family)
    }
    fn is_init_net(&self) -> Fact<bool> {
        KERNEL.is_init_net()
    }
    fn since(&self, difference: Difference) -> Fact<bool> {
        KERNEL.since(difference)
    }
    fn nl_table(&self, protocol: c_int) -> Fact<bool> {
        KERNEL.nl_table(protocol)
    }
    fn net_raw(&self) -> Fact<bool> {
        KERNEL.net_raw()
    }
    fn ping_group(&self) -> Fact<bool> {
        PING_GROUP.noted(KERNEL.ping_group())
    }
    fn mptcp_enabled(&self) -> Fact<bool> {
        MPTCP_ENABLED.noted(KERNEL.mptcp_enabled())
    }
    fn somaxconn(&self) -> Fact<c_int> {
        SOMAXCONN.noted(KERNEL.somaxconn())
    }
    fn unprivileged_port_start(&self) -> Fact<c_int> {
        PORT_START.noted(KERNEL.unprivileged_port_start())
    }
}

/// Walks the call again if its prediction is open and facts may close it. Returns `true` when the kernel's answer
/// then differs from the prediction.
pub fn refine(event: &mut Event) -> bool {
    if event.predicted != Predicted::Unknown
        || !(event.action == Action::Host || makes_another(event))
        || matches!(event.reason, Reason::ShimPanic | Reason::Overtaken)
        || identity::is_sandboxed()
        || LOST.load(Ordering::Relaxed)
    {
        return false;
    }
    let mut path = Path::new();
    let mut instead = Instead::new();
    let decided = Decided::of(event);
    let mut cx = Cx::new(&mut path, Net { facts: &Harmless, ..INIT_NET }, &mut instead);
    cx.judge = decided.as_ref().map(|decided| decided as &dyn Judge);
    BEGAN.store(event.start, Ordering::Relaxed);
    UNSURE.store(false, Ordering::Relaxed);
    let Some(verdict) = walk(event, &mut cx) else { return false };
    if let Some(last) = event.path.steps().last().filter(|step| step.func == func!(fd_install)) {
        path.step(last.func, last.finding);
    }
    event.predicted = verdict.predicted;
    let diverges = event.is_divergence();
    if diverges && UNSURE.load(Ordering::Relaxed) {
        event.predicted = Predicted::Unknown;
        return false;
    }
    event.path = path;
    // Of a call that a rule has decided the log says which one did.
    if event.reason.rule().is_none() {
        event.reason = verdict.reason;
    }
    diverges
}

/// Whether libc was asked for another socket than the program's, which a rule names.
fn makes_another(event: &Event) -> bool {
    event.action == Action::HostInstead && event.hook.does == Does::Creates
}

/// The calls whose walk looks at facts.
fn walk(event: &Event, cx: &mut Cx) -> Option<Verdict> {
    let [first, second, third, ..] = event.args.map(|word| word as c_int);
    let lookup = || event.socket.as_ref().map(Lookup::Socket);
    Some(match event.hook.does {
        Does::Creates => sys_socket(cx, first, second, third).0,
        Does::Pairs => sys_socketpair(cx, first, second, third, None).0,
        Does::Binds => {
            let addr: Copied<_> = (event.extra == Extra::Address).then_some(Ok(&event.addr));
            sys_bind(cx, lookup()?, addr)
        }
        Does::Listens => sys_listen(cx, lookup()?, second),
        _ => return differing(event, cx).filter(|verdict| verdict.predicted != Predicted::Unknown),
    })
}

/// The calls that kernels answer in different ways. Where that does not settle them, they stay as they are.
fn differing(event: &Event, cx: &mut Cx) -> Option<Verdict> {
    let [_, second, third, _, fifth, ..] = event.ints();
    match event.hook.does {
        Does::SetsOption => {
            let found = event.found.with(event.socket.as_ref());
            Some(sys_setsockopt(cx, found, second, third, event.input.map(Ok), fifth))
        }
        Does::Plain if event.hook.name() == "ioctl" => {
            Some(sys_ioctl(cx, Lookup::Socket(event.socket.as_ref()?), second))
        }
        _ => None,
    }
}
