//! The options about modules: families of sockets from shared objects, and CAN buses.

use super::refusal::{Refusal, say};
use crate::commands::check::dependencies::is_loadable;
use clap::ValueHint;
use sockshim_can_bus::directory::{self, Path as BusPath};
use sockshim_can_bus::{Bus, Interface, spec};
use sockshim_core::config::{CAN, CAN_BUS, MODULES};
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use std::{env, fs, io};

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
    /// The variables that the program gets. What cannot work is refused before it starts.
    ///
    /// # Errors
    /// An option that cannot be understood, a file that is no module, or a bus that cannot be opened.
    pub fn variables(&self) -> Result<Vec<(&'static str, Option<OsString>)>, Refusal> {
        let mut set = Vec::new();
        if !self.modules.is_empty() {
            let entries: Result<Vec<OsString>, Refusal> =
                self.modules.iter().map(|text| module(text)).collect();
            set.push((MODULES, Some(entries?.join(OsStr::new(":")))));
        }
        if !self.can.is_empty() {
            let names = self.can.join(",");
            let directory = directory(self.can_bus.as_deref())?;
            open_bus(&names, &directory)?;
            set.push((CAN, Some(names.into())));
            set.push((CAN_BUS, Some(directory.into())));
        }
        Ok(set)
    }
}

/// The directory of the bus, as an absolute path: the program may go to another one.
///
/// # Errors
/// There is no such path.
pub fn directory(named: Option<&Path>) -> Result<PathBuf, Refusal> {
    let inherited = env::var_os(CAN_BUS).filter(|path| !path.is_empty()).map(PathBuf::from);
    if let Some(named) = named.map(PathBuf::from).or(inherited) {
        return std::path::absolute(&named)
            .map_err(|error| Refusal::own(format!("{}: {error}", named.display())));
    }
    let runtime = env::var_os("XDG_RUNTIME_DIR");
    let path = directory::default_path(runtime.as_deref().map(OsStr::as_bytes));
    let path = path.ok_or_else(|| Refusal::own("XDG_RUNTIME_DIR is too long"))?;
    Ok(OsString::from_vec(path.bytes().to_vec()).into())
}

/// An entry of the list of modules, with an absolute path.
fn module(text: &OsStr) -> Result<OsString, Refusal> {
    let bytes = text.as_bytes();
    let (alias, file) = match bytes.iter().position(|byte| *byte == b'=') {
        Some(place) if bytes.starts_with(b"net-pf-") => bytes.split_at(place + 1),
        _ => (&b""[..], bytes),
    };
    let number = alias.strip_prefix(b"net-pf-").and_then(|rest| rest.strip_suffix(b"="));
    let is_family = |digits: &[u8]| {
        std::str::from_utf8(digits)
            .ok()
            .and_then(|text| text.parse().ok())
            .is_some_and(|number: u8| number < 64)
    };
    if number.is_some_and(|digits| !is_family(digits)) {
        return Err(Refusal::own(format!(
            "--module {}: a family is a number below 64, as in net-pf-62=FILE",
            text.display()
        )));
    }
    let file = Path::new(OsStr::from_bytes(file));
    let refused = |why: &str| Refusal::own(format!("--module {}: {why}", file.display()));
    let path = fs::canonicalize(file).map_err(|error| refused(&error.to_string()))?;
    if path.as_os_str().as_bytes().contains(&b':') {
        return Err(refused("a path with a colon cannot be handed on"));
    }
    let data = fs::read(&path).map_err(|error| refused(&error.to_string()))?;
    if !is_loadable(&data) {
        return Err(refused("it is no shared library for this machine"));
    }
    let mut entry = OsString::from_vec(alias.to_vec());
    entry.push(path);
    Ok(entry)
}

/// The names of the interfaces that are on the bus of a directory; none if there is no bus. None is made.
///
/// # Errors
/// The bus cannot be opened.
pub fn interfaces(directory: &Path) -> Result<Vec<String>, Refusal> {
    if !directory.join("bus").exists() {
        return Ok(Vec::new());
    }
    let (_, bus) = open(directory)?;
    let name = |interface: Interface| String::from_utf8_lossy(interface.name()).into_owned();
    Ok(bus.interfaces().map(name).collect())
}

fn open(directory: &Path) -> Result<(BusPath, Bus), Refusal> {
    let refused = |errno| cannot_open(directory, errno);
    let path = BusPath::of(&[directory.as_os_str().as_bytes()]).ok_or_else(|| refused(libc::ENAMETOOLONG))?;
    let bus = Bus::open(&path).map_err(refused)?;
    Ok((path, bus))
}

fn cannot_open(directory: &Path, errno: i32) -> Refusal {
    let why = match errno {
        libc::EPERM => "it belongs to another user".to_owned(),
        libc::EADDRNOTAVAIL | libc::ENETUNREACH | libc::ENODEV => "the loopback interface is down".to_owned(),
        libc::EINVAL => "its file is none of sockshim's".to_owned(),
        libc::ENOSPC => "there are no more interfaces, or the disk is full".to_owned(),
        errno => io::Error::from_raw_os_error(errno).to_string(),
    };
    Refusal::own(format!("the CAN bus {}: {why}", directory.display()))
}

/// Opens the bus, so that whatever is wrong with it is said now, and makes the interfaces that are not there.
///
/// # Errors
/// The names cannot be understood, or the bus cannot have such interfaces.
pub fn open_bus(names: &str, directory: &Path) -> Result<(), Refusal> {
    let specs: Result<Vec<_>, _> = spec::parse(names).collect();
    let specs = specs.map_err(|wrong| Refusal::own(format!("--can: {wrong}")))?;
    let refused = |errno| cannot_open(directory, errno);
    let (path, bus) = open(directory)?;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modules_are_absolute_paths() {
        let libc = "/lib/x86_64-linux-gnu/libc.so.6";
        let path = fs::canonicalize(libc).expect("a library");
        assert_eq!(module(OsStr::new(libc)).expect("a library"), path.as_os_str());
        let named = module(OsStr::new(&format!("net-pf-62={libc}"))).expect("a library");
        assert_eq!(named, format!("net-pf-62={}", path.display()).as_str());
        for wrong in
            ["/no/such/file", "/etc/passwd", "net-pf-64=/lib/x86_64-linux-gnu/libc.so.6", "net-pf-x=a"]
        {
            assert!(module(OsStr::new(wrong)).is_err(), "{wrong}");
        }
    }
}
