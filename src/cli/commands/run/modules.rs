//! The options about modules: families of sockets from shared objects, and CAN buses.

use super::refusal::{Refusal, say};
use crate::module_file::{Entry, of_rule_file};
use clap::ValueHint;
use sockshim_can_bus::directory::{self, Path as BusPath};
use sockshim_can_bus::{Bus, spec};
use sockshim_core::config::{CAN, CAN_BUS, MODULES};
use sockshim_core::rules::file::Module;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use std::{env, io};

/// Families of sockets that the kernel need not have.
#[derive(clap::Args)]
pub struct ModuleOptions {
    /// CAN interfaces, without a kernel module: vcan0, or vcan0:mtu=16,vcan1
    #[arg(long = "can", value_name = "NAME[:mtu=N][,…]", help_heading = "Modules")]
    can: Vec<String>,

    /// The directory of their bus, which programs share that name the same one
    #[arg(long, value_name = "DIR", requires = "can", value_hint = ValueHint::DirPath, help_heading = "Modules")]
    can_bus: Option<PathBuf>,

    /// A family of sockets from a shared object; as net-pf-N=FILE for family N only
    #[arg(long = "module", value_name = "[net-pf-N=]FILE", value_hint = ValueHint::FilePath, help_heading = "Modules")]
    modules: Vec<OsString>,
}

impl ModuleOptions {
    /// The variables that the program gets, with the modules of a rule file behind those of the options. What cannot work is
    /// refused before it starts.
    ///
    /// # Errors
    /// An option that cannot be understood, a file that is no module, or a bus that cannot be opened.
    pub fn variables(
        &self,
        of_file: Vec<OsString>,
    ) -> Result<Vec<(&'static str, Option<OsString>)>, Refusal> {
        let mut set = Vec::new();
        let entries: Result<Vec<OsString>, Refusal> = self.modules.iter().map(|text| module(text)).collect();
        let entries = [entries?, of_file].concat();
        if !entries.is_empty() {
            set.push((MODULES, Some(entries.join(OsStr::new(":")))));
        }
        if !self.can.is_empty() {
            let names = self.can.join(",");
            let directory = self.directory()?;
            open_bus(&names, &directory)?;
            set.push((CAN, Some(names.into())));
            set.push((CAN_BUS, Some(directory.into())));
        }
        Ok(set)
    }

    /// The directory of the bus, as an absolute path: the program may go to another one.
    fn directory(&self) -> Result<PathBuf, Refusal> {
        let inherited = env::var_os(CAN_BUS).filter(|path| !path.is_empty()).map(PathBuf::from);
        if let Some(named) = self.can_bus.clone().or(inherited) {
            return std::path::absolute(&named)
                .map_err(|error| Refusal::own(format!("{}: {error}", named.display())));
        }
        let runtime = env::var_os("XDG_RUNTIME_DIR");
        let path = directory::default_path(runtime.as_deref().map(OsStr::as_bytes));
        let path = path.ok_or_else(|| Refusal::own("XDG_RUNTIME_DIR is too long"))?;
        Ok(OsString::from_vec(path.bytes().to_vec()).into())
    }
}

/// The modules of a rule file at this path, as entries of their variable.
///
/// # Errors
/// A file that is no module.
pub fn of_file(modules: &[Module], path: &Path) -> Result<Vec<OsString>, Refusal> {
    let checked = |(entry, module): (Result<Entry, String>, &Module)| {
        let refused = |why| Refusal::own(format!("{}: module {}: {why}", path.display(), module.file));
        entry.and_then(|entry| entry.checked()).map_err(refused)
    };
    of_rule_file(path, modules).into_iter().zip(modules).map(checked).collect()
}

/// An entry of the list of modules, with an absolute path.
fn module(text: &OsStr) -> Result<OsString, Refusal> {
    let entry = Entry::parse(text).and_then(|entry| entry.checked());
    entry.map_err(|why| Refusal::own(format!("--module {}: {why}", text.display())))
}

/// Opens the bus, so that whatever is wrong with it is said now.
fn open_bus(names: &str, directory: &Path) -> Result<(), Refusal> {
    let specs: Result<Vec<_>, _> = spec::parse(names).collect();
    let specs = specs.map_err(|wrong| Refusal::own(format!("--can: {wrong}")))?;
    let refused = |errno| {
        let why = match errno {
            libc::EPERM => "it belongs to another user".to_owned(),
            libc::EADDRNOTAVAIL | libc::ENETUNREACH | libc::ENODEV => {
                "the loopback interface is down".to_owned()
            }
            libc::EINVAL => "its file is none of sockshim's".to_owned(),
            libc::ENOSPC => "there are no more interfaces, or the disk is full".to_owned(),
            errno => io::Error::from_raw_os_error(errno).to_string(),
        };
        Refusal::own(format!("the CAN bus {}: {why}", directory.display()))
    };
    let path = BusPath::of(&[directory.as_os_str().as_bytes()]).ok_or_else(|| refused(libc::ENAMETOOLONG))?;
    let bus = Bus::open(&path).map_err(refused)?;
    for spec in specs {
        let interface = bus.add(&path, spec.name.as_bytes(), spec.mtu).map_err(refused)?;
        if spec.mtu.is_some_and(|mtu| mtu != interface.mtu) {
            let (name, mtu) = (spec.name, interface.mtu);
            return Err(Refusal::own(format!(
                "{name} is on the CAN bus {} already, with an MTU of {mtu}",
                directory.display()
            )));
        }
        if Path::new("/sys/class/net").join(spec.name).exists() {
            say(format_args!("the kernel has an interface {}: its own AF_CAN is used", spec.name));
        }
    }
    Ok(())
}
