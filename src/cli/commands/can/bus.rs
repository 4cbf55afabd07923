//! Which bus the command is on: the kernel's interfaces, or a bus of sockshim's.
//!
//! The command uses sockets of AF_CAN and nothing else. For a bus of sockshim's it starts itself once more with the library
//! preloaded, as `sockshim run` would start it, and then its sockets are those of the library.

use crate::bus;
use crate::commands::run::library::{self, PRELOAD};
use crate::commands::run::{Refusal, environment, program};
use clap::ValueHint;
use nix::errno::Errno;
use sockshim_core::config::{CAN, CAN_BUS};
use std::env;
use std::ffi::{CString, OsString};
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

/// Which bus is meant.
#[derive(clap::Args)]
pub struct BusOptions {
    /// CAN interfaces without a kernel module: vcan0, or vcan0:mtu=16,vcan1; those that the bus has if not given
    #[arg(long = "can", value_name = "NAME[:mtu=N][,…]", help_heading = "Bus")]
    can: Vec<String>,

    /// The directory of their bus
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath, help_heading = "Bus")]
    can_bus: Option<PathBuf>,
}

/// Tells the command that it was started with the library already: where the linker ignores LD_PRELOAD, once must be enough.
const STARTED: &str = "SOCKSHIM_CAN_STARTED";

impl BusOptions {
    /// Goes onto the bus on which these interfaces are, which takes this process's place if it is one of sockshim's.
    ///
    /// # Errors
    /// There is no such bus, or no library.
    pub fn enter(&self, interfaces: &[&str]) -> Result<(), Refusal> {
        if env::var_os(STARTED).is_some() {
            return Ok(());
        }
        let directory = bus::directory(self.can_bus.as_deref())?;
        let Some(names) = self.names(&directory, interfaces)? else { return Ok(()) };
        if env::var_os("SOCKSHIM_DISABLE").is_some_and(|value| value == "1") {
            return Err(Refusal::own("there is no CAN bus: SOCKSHIM_DISABLE=1 is set"));
        }
        bus::make(&names, &directory)?;
        start_with_library(&names, directory)
    }

    /// The interfaces of the bus, as `SOCKSHIM_CAN` has them; none if the kernel's are meant.
    fn names(&self, directory: &Path, interfaces: &[&str]) -> Result<Option<String>, Refusal> {
        if !self.can.is_empty() {
            return Ok(Some(self.can.join(",")));
        }
        if let Some(names) = env::var(CAN).ok().filter(|names| !names.is_empty()) {
            return Ok(Some(names));
        }
        // The kernel's own interfaces come first.
        if interfaces.iter().any(|name| Path::new("/sys/class/net").join(name).exists()) {
            return Ok(None);
        }
        let present = bus::names(directory)?;
        Ok((!present.is_empty()).then(|| present.join(",")))
    }

    /// There is no interface of this name: what to do about it.
    pub fn unknown(&self, interface: &str) -> Refusal {
        let Some(names) = env::var(CAN).ok().filter(|names| !names.is_empty()) else {
            return Refusal::own(format!(
                "there is no interface {interface}. With --can {interface} it is on a bus that needs no kernel module; \
                 programs join it by 'sockshim run --can {interface} -- PROG'"
            ));
        };
        let present = bus::directory(self.can_bus.as_deref());
        let present = present.and_then(|directory| Ok((bus::names(&directory)?, directory)));
        let on_bus = present.map_or(names, |(present, directory)| {
            format!("{} has {}", directory.display(), present.join(", "))
        });
        Refusal::own(format!(
            "there is no interface {interface}: the CAN bus {on_bus}. --can {interface} adds it, --can-bus names another bus"
        ))
    }
}

/// There are no sockets of AF_CAN: what to do about it.
pub fn no_sockets(error: &std::io::Error) -> Refusal {
    match error.raw_os_error() {
        Some(libc::EAFNOSUPPORT) if env::var_os(STARTED).is_some() => Refusal::own(
            "there are no CAN sockets, although there is a bus: the dynamic linker has not loaded libsockshim.so, \
             or SOCKSHIM_LOG=call says why",
        ),
        Some(libc::EAFNOSUPPORT) => Refusal::own(
            "the kernel has no CAN, and there is no bus of sockshim's. With --can NAME there is one; programs join it \
             by 'sockshim run --can NAME -- PROG'",
        ),
        _ => Refusal::own(format!("cannot make a CAN socket: {error}")),
    }
}

/// Starts the command once more, with the library and a bus. It comes back only with a failure.
fn start_with_library(names: &str, directory: PathBuf) -> Result<(), Refusal> {
    let library = library::find()?;
    let preloaded = env::var_os(PRELOAD).unwrap_or_default();
    let set = [
        (PRELOAD, Some(library::preload(&library, &preloaded))),
        (CAN, Some(OsString::from(names))),
        (CAN_BUS, Some(directory.into())),
        (STARTED, Some("1".into())),
    ];
    let variables = program::lines(environment::with(env::vars_os(), &set));
    // What comes from a command line holds no NUL.
    let words: Vec<CString> =
        env::args_os().map(|word| CString::new(word.into_vec()).unwrap_or_default()).collect();
    // Under its own name, which is the process's; without it where the file has gone.
    let own = env::current_exe().ok().and_then(|path| CString::new(path.into_os_string().into_vec()).ok());
    let mut failed = Errno::ENOENT;
    for path in own.as_deref().into_iter().chain([c"/proc/self/exe"]) {
        let Err(error) = nix::unistd::execve(path, &words, &variables);
        failed = error;
    }
    Err(Refusal::own(format!("cannot start with the library: {}", failed.desc())))
}
