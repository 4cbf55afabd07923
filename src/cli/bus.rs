//! CAN buses, as the command sees them before a program is started on one.

use crate::commands::run::{Refusal, say};
use sockshim_can_bus::directory::{self, Path as BusPath};
use sockshim_can_bus::{Bus, spec};
use sockshim_core::config::CAN_BUS;
use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use std::{env, io};

/// The directory of the bus, as an absolute path: the program may go to another one. It is the one that is named, else that of
/// the environment, else the user's own.
///
/// # Errors
/// There is no such path.
pub fn directory(named: Option<&Path>) -> Result<PathBuf, Refusal> {
    let inherited = env::var_os(CAN_BUS).filter(|path| !path.is_empty()).map(PathBuf::from);
    if let Some(named) = named.map(Path::to_path_buf).or(inherited) {
        return std::path::absolute(&named)
            .map_err(|error| Refusal::own(format!("{}: {error}", named.display())));
    }
    let runtime = env::var_os("XDG_RUNTIME_DIR");
    let path = directory::default_path(runtime.as_deref().map(OsStrExt::as_bytes));
    let path = path.ok_or_else(|| Refusal::own("XDG_RUNTIME_DIR is too long"))?;
    Ok(OsString::from_vec(path.bytes().to_vec()).into())
}

/// The names of the interfaces of a bus. There are none if there is no bus; it is not made.
///
/// # Errors
/// It cannot be opened.
pub fn names(directory: &Path) -> Result<Vec<String>, Refusal> {
    if !directory.join("bus").exists() {
        return Ok(Vec::new());
    }
    let (_, bus) = opened(directory)?;
    let name = |name: &[u8]| String::from_utf8_lossy(name).into_owned();
    Ok(bus.interfaces().map(|interface| name(interface.name())).collect())
}

/// Makes the interfaces of a bus that are not there, so that whatever is wrong with it is said now.
///
/// # Errors
/// The names cannot be understood, or the bus cannot be opened.
pub fn make(names: &str, directory: &Path) -> Result<(), Refusal> {
    let specs: Result<Vec<_>, _> = spec::parse(names).collect();
    let specs = specs.map_err(|wrong| Refusal::own(format!("--can: {wrong}")))?;
    let (path, bus) = opened(directory)?;
    for spec in specs {
        let added = bus.add(&path, spec.name.as_bytes(), spec.mtu);
        let interface = added.map_err(|errno| refused(directory, errno))?;
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

fn opened(directory: &Path) -> Result<(BusPath, Bus), Refusal> {
    let refused = |errno| refused(directory, errno);
    let path = BusPath::of(&[directory.as_os_str().as_bytes()]).ok_or_else(|| refused(libc::ENAMETOOLONG))?;
    let bus = Bus::open(&path).map_err(refused)?;
    Ok((path, bus))
}

/// Why a bus cannot be used.
fn refused(directory: &Path, errno: i32) -> Refusal {
    let why = match errno {
        libc::EPERM => "it belongs to another user".to_owned(),
        libc::EADDRNOTAVAIL | libc::ENETUNREACH | libc::ENODEV => "the loopback interface is down".to_owned(),
        libc::EINVAL => "its file is none of sockshim's".to_owned(),
        libc::ENOSPC => "there are no more interfaces, or the disk is full".to_owned(),
        errno => {
            let text = io::Error::from_raw_os_error(errno).to_string();
            text.split(" (os error").next().unwrap_or(&text).to_owned()
        }
    };
    Refusal::own(format!("the CAN bus {}: {why}", directory.display()))
}
