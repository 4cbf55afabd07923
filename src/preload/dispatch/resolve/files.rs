//! A call that libc answers from `/etc/hosts` and numbers only, without asking anybody for the name: no name server, no
//! `nscd`, no plugin.

use super::failure;
use super::question::Host;
use crate::call::{Note, Ticket};
use crate::panic::attempt;
use crate::real;
use core::ffi::CStr;
use core::mem::transmute;
use core::sync::atomic::{AtomicU8, Ordering};
use libc::{c_char, c_int};
use sockshim_core::hook::Does;
use sockshim_core::meaning::Meaning;
use sockshim_core::resolve::{Failure, HOST_NOT_FOUND, NO_DATA, is_numeric, is_port};
use sockshim_core::trace::parts::{self, Part};

/// Whether libc's databases have been set, as a state below.
static STATE: AtomicU8 = AtomicU8::new(UNKNOWN);
const UNKNOWN: u8 = 0;
const SET: u8 = 1;
const CANNOT: u8 = 2;

/// The databases that these calls look into. Services are found in files by nearly every system; where a directory server
/// has them, it must not be asked either.
const DATABASES: [&CStr; 2] = [c"hosts", c"services"];

/// Makes libc answer from files. Whether it does.
///
/// `__nss_configure_lookup` replaces the line of a database in `nsswitch.conf`, **for the whole process and for good**:
/// there is no way to do it for one call, or to ask what was there before. It also keeps `nscd` from being asked for names;
/// for the sorting of addresses, getaddrinfo(3) may still ask it which addresses this machine has.
/// So after the first call that a rule of this kind concerns, other names are found in files only, too.
///
/// It allocates with the program's `malloc` and takes a lock of libc's. That would be forbidden to other hooks; but this
/// one's libc function does the same a moment later, so where the program may call it, it may be done here: not in a signal
/// handler, and after fork as far as libc has care of its own locks. No lock of ours is held. It is no cancellation point.
/// Two threads that come here at once both set the same.
pub fn set() -> bool {
    match STATE.load(Ordering::Acquire) {
        UNKNOWN => {
            let done = configure();
            STATE.store(if done { SET } else { CANNOT }, Ordering::Release);
            done
        }
        state => state == SET,
    }
}

fn configure() -> bool {
    type Configure = unsafe extern "C" fn(*const c_char, *const c_char) -> c_int;
    let Some(address) = real::lookup("__nss_configure_lookup\0") else { return false };
    // SAFETY: glibc's function of that name has this prototype, which is declared in its nss.h.
    let configure = unsafe { transmute::<*mut (), Configure>(address) };
    // SAFETY: two C strings, which are only read.
    DATABASES.iter().all(|database| unsafe { configure(database.as_ptr(), c"files".as_ptr()) == 0 })
}

/// Whether libc would look for a host, and so whether "not found" means that the files do not know it. It does not where
/// there is no name, or only a number.
pub fn asks(t: &Ticket, host: &Host) -> bool {
    let hook = t.event.hook;
    if hook.index_of(Meaning::Hints).is_some() {
        let flags = t.event.hints().map_or(0, |hints| hints[0]);
        let service = parts::get(&t.event.addr, Part::Service);
        let needs_port = flags & libc::AI_NUMERICSERV != 0;
        let fails_anyway = needs_port && service.is_some_and(|(service, _)| !is_port(service));
        return t.word(0) != 0 && flags & libc::AI_NUMERICHOST == 0 && !fails_anyway && !is_number(host);
    }
    if hook.index_of(Meaning::HostName).is_some() {
        return t.word(0) != 0 && !is_number(host);
    }
    match hook.does {
        // Without a buffer, or with this flag, the name is not looked for.
        Does::Resolves => {
            t.word(2) != 0
                && t.word(3) as u32 != 0
                && t.int(6) & libc::NI_NUMERICHOST == 0
                && host.is_address()
        }
        // Nobody has the name of this address.
        _ => host.is_address() && host.name() != Some(b"::"),
    }
}

fn is_number(host: &Host) -> bool {
    host.name().is_some_and(is_numeric)
}

/// After libc has answered a call from files: its result, or "not now" where the files do not know the host. errno is as
/// the answer leaves it.
pub fn from_files(t: &Ticket, ret: i64) -> i64 {
    if t.note != Note::FilesOnly {
        return ret;
    }
    // Nothing in it panics; but the frame that calls it must not be unwound.
    attempt(|| not_now(t, ret)).ok().flatten().unwrap_or(ret)
}

fn not_now(t: &Ticket, ret: i64) -> Option<i64> {
    let unknown = match t.event.hook.does {
        Does::Resolves => matches!(ret as c_int, libc::EAI_NONAME | libc::EAI_NODATA),
        Does::ResolvesHost => ret == 0 && is_unknown(failure::host_error()),
        _ => failure::stored(t).is_some_and(is_unknown),
    };
    unknown.then(|| failure::apply(t, &Failure::of(t.event.hook, libc::EAI_AGAIN, 0)))
}

fn is_unknown(host_error: c_int) -> bool {
    matches!(host_error, HOST_NOT_FOUND | NO_DATA)
}
