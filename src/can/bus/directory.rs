//! Where buses are: the directory that a user names, or one of the user's own.

use crate::call;
use core::ffi::CStr;
use libc::c_int;
use sockshim_sys as sys;

/// A path with a NUL.
pub struct Path {
    bytes: [u8; libc::PATH_MAX as usize],
    len: usize,
}

impl Path {
    /// The parts, one behind the other; `None` if they are too long.
    pub fn of(parts: &[&[u8]]) -> Option<Path> {
        let mut path = Path { bytes: [0; libc::PATH_MAX as usize], len: 0 };
        for part in parts {
            let end = path.len + part.len();
            if end >= path.bytes.len() || part.contains(&0) {
                return None;
            }
            path.bytes[path.len..end].copy_from_slice(part);
            path.len = end;
        }
        Some(path)
    }

    /// As the kernel takes it.
    pub fn c_str(&self) -> &CStr {
        CStr::from_bytes_until_nul(&self.bytes).unwrap_or(c"")
    }

    /// Without the NUL.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes[..self.len]
    }
}

/// The user's own directory: below XDG_RUNTIME_DIR, and in /tmp where there is none.
pub fn default_path(runtime_dir: Option<&[u8]>) -> Option<Path> {
    match runtime_dir.filter(|directory| directory.starts_with(b"/")) {
        Some(directory) => Path::of(&[directory, b"/sockshim-can"]),
        None => {
            let mut digits = [0; 10];
            Path::of(&[b"/tmp/sockshim-can-", decimal(sys::geteuid(), &mut digits)])
        }
    }
}

fn decimal(mut number: u32, digits: &mut [u8; 10]) -> &[u8] {
    let mut start = digits.len();
    loop {
        start -= 1;
        digits[start] = b'0' + (number % 10) as u8;
        number /= 10;
        if number == 0 {
            return &digits[start..];
        }
    }
}

/// Makes the directory if it is not there, and opens it. One that belongs to another user is refused with EPERM: who
/// can write there decides what is on the bus.
pub fn open(path: &Path) -> Result<c_int, c_int> {
    // SAFETY: a C string.
    match unsafe { call(libc::SYS_mkdir, [path.c_str().as_ptr() as i64, 0o700, 0, 0, 0, 0]) } {
        Ok(_) | Err(libc::EEXIST) => {}
        Err(errno) => return Err(errno),
    }
    let fd = sys::open(path.c_str(), libc::O_RDONLY | libc::O_DIRECTORY | libc::O_CLOEXEC, 0)?;
    match owner(fd) {
        Ok(uid) if uid == sys::geteuid() => Ok(fd),
        other => {
            sys::close(fd);
            Err(other.err().unwrap_or(libc::EPERM))
        }
    }
}

/// The owner of an open file.
pub(crate) fn owner(fd: c_int) -> Result<u32, c_int> {
    // SAFETY: all zeros are a `struct stat`.
    let mut stat: libc::stat = unsafe { core::mem::zeroed() };
    // SAFETY: room for a `struct stat`.
    unsafe { call(libc::SYS_fstat, [fd.into(), &raw mut stat as i64, 0, 0, 0, 0]) }?;
    Ok(stat.st_uid)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths() {
        let path = |runtime_dir| default_path(runtime_dir).expect("a path").bytes().to_vec();
        assert_eq!(path(Some(b"/run/user/7")), b"/run/user/7/sockshim-can");
        let own = format!("/tmp/sockshim-can-{}", sys::geteuid());
        assert_eq!(path(None), own.as_bytes());
        assert_eq!(path(Some(b"relative")), own.as_bytes());
        assert!(Path::of(&[&[b'x'; 5000]]).is_none());
    }
}
