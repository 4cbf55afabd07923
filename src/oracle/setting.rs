//! Settings: privileges, groups and namespaces. Each setting is a child process, because most cannot be undone.

use crate::kernel::{call, loopback_up, must};
use libc::c_int;
use std::io::Write;

/// The result of a child.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ChildOutcome {
    /// There was no mismatch.
    Equal,
    /// There were mismatches, which the child has printed.
    Different,
    /// The setting is not possible here; the child has printed why.
    Unavailable,
}

/// A setting: its name, and how the child enters it.
pub struct Setting {
    /// The name that is printed.
    pub name: &'static str,
    enter: fn() -> Result<(), String>,
}

/// `nobody`, which has this number on every distribution.
const NOBODY: i64 = 65_534;

/// The settings for socket(2) and socketpair(2).
pub const SETTINGS: &[Setting] = &[
    Setting { name: "root", enter: || Ok(()) },
    Setting { name: "unprivileged user", enter: become_nobody },
    Setting { name: "uid 0 without CAP_NET_RAW", enter: drop_net_raw },
    Setting { name: "user namespace", enter: || become_nobody().and_then(|()| unshare(libc::CLONE_NEWUSER)) },
    Setting {
        name: "user and network namespace",
        enter: || become_nobody().and_then(|()| unshare(libc::CLONE_NEWUSER | libc::CLONE_NEWNET)),
    },
    Setting { name: "ping_group_range 1 0", enter: || ping_range("1 0", &[]) },
    Setting { name: "ping_group_range 0 0", enter: || ping_range("0 0", &[]) },
    Setting { name: "ping_group_range 100 200, no group", enter: || ping_range("100 200", &[]) },
    Setting { name: "ping_group_range 100 200, group 150", enter: || ping_range("100 200", &[99, 150]) },
    Setting { name: "mptcp.enabled=0", enter: || own_network("/proc/sys/net/mptcp/enabled", "0") },
];

/// A network namespace with everything that the matrix and the walks use.
pub const LABORATORY: Setting = Setting {
    name: "network namespace",
    enter: || {
        ping_range("0 0", &[])?;
        loopback_up();
        Ok(())
    },
};

/// The laboratory without privileges.
pub const UNPRIVILEGED_LABORATORY: Setting = Setting {
    name: "network namespace, unprivileged",
    enter: || {
        (LABORATORY.enter)()?;
        become_nobody()
    },
};

impl Setting {
    /// Runs `work` in a child that is in this setting.
    pub fn run(&self, work: impl FnOnce() -> bool) -> ChildOutcome {
        let _ = std::io::stdout().flush();
        // SAFETY: this process has one thread, so the child may do anything.
        let pid = unsafe { libc::fork() };
        assert!(pid >= 0, "fork");
        if pid == 0 {
            let status = match (self.enter)() {
                Err(why) => {
                    let _ = writeln!(std::io::stdout(), "  {:<40} not available: {why}", self.name);
                    2
                }
                Ok(()) => match std::panic::catch_unwind(std::panic::AssertUnwindSafe(work)) {
                    Ok(true) => 0,
                    _ => 1,
                },
            };
            let _ = std::io::stdout().flush();
            // SAFETY: ends the child without running the parent's exit handlers.
            unsafe { libc::_exit(status) };
        }
        let mut status = 0;
        // SAFETY: the status is a local.
        let waited = unsafe { libc::waitpid(pid, &raw mut status, 0) };
        assert_eq!(waited, pid, "waitpid");
        match (libc::WIFEXITED(status), libc::WEXITSTATUS(status)) {
            (true, 0) => ChildOutcome::Equal,
            (true, 2) => ChildOutcome::Unavailable,
            _ => ChildOutcome::Different,
        }
    }
}

fn unshare(flags: c_int) -> Result<(), String> {
    // SAFETY: takes a number.
    let answer = unsafe { call(libc::SYS_unshare, &[flags.into()]) };
    answer.map(|_| ()).map_err(|errno| format!("unshare: {}", crate::kernel::name(Some(errno))))
}

fn set_groups(groups: &[u32]) {
    let args = [groups.len() as i64, groups.as_ptr() as i64];
    // SAFETY: the list is readable.
    must("setgroups", unsafe { call(libc::SYS_setgroups, &args) });
}

fn become_nobody() -> Result<(), String> {
    set_groups(&[]);
    // SAFETY: take numbers.
    unsafe {
        must("setresgid", call(libc::SYS_setresgid, &[NOBODY; 3]));
        must("setresuid", call(libc::SYS_setresuid, &[NOBODY; 3]));
    }
    Ok(())
}

/// Drops CAP_NET_RAW and keeps all other capabilities.
fn drop_net_raw() -> Result<(), String> {
    const VERSION_3: u32 = 0x2008_0522;
    const CAP_NET_RAW: u32 = 13;
    let header = [VERSION_3, 0];
    let mut sets = [[0_u32; 3]; 2];
    let args = [header.as_ptr() as i64, sets.as_mut_ptr() as i64];
    // SAFETY: version 3 uses two times three words.
    must("capget", unsafe { call(libc::SYS_capget, &args) });
    sets[0].iter_mut().for_each(|set| *set &= !(1 << CAP_NET_RAW));
    // SAFETY: as above.
    must("capset", unsafe { call(libc::SYS_capset, &args) });
    Ok(())
}

fn own_network(sysctl: &str, value: &str) -> Result<(), String> {
    unshare(libc::CLONE_NEWNET)?;
    std::fs::write(sysctl, value).map_err(|error| format!("{sysctl}: {error}"))
}

fn ping_range(range: &str, groups: &[u32]) -> Result<(), String> {
    own_network("/proc/sys/net/ipv4/ping_group_range", range)?;
    set_groups(groups);
    Ok(())
}
