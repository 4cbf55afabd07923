//! The options about modules: families of sockets from shared objects, and CAN buses.

use super::refusal::Refusal;
use crate::bus;
use crate::module_file::{Entry, of_rule_file};
use clap::ValueHint;
use sockshim_core::config::{CAN, CAN_BUS, MODULES};
use sockshim_core::rules::file::Module;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

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
            let directory = bus::directory(self.can_bus.as_deref())?;
            bus::make(&names, &directory)?;
            set.push((CAN, Some(names.into())));
            set.push((CAN_BUS, Some(directory.into())));
        }
        Ok(set)
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
