//! What the kernel tells about files.

use crate::{Result, done, result, syscall};
use core::ffi::CStr;
use core::mem::MaybeUninit;
use libc::{c_int, c_long};

/// What an open descriptor refers to.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct File {
    device: u64,
    /// The inode number: for a socket, the number that /proc/self/fd shows.
    pub inode: u64,
    /// Whether it is a socket.
    pub is_socket: bool,
    /// Whether it is a pipe.
    pub is_pipe: bool,
}

impl File {
    /// Whether it is the file with this number on this device.
    pub fn is_at(&self, device: u64, inode: u64) -> bool {
        (self.device, self.inode) == (device, inode)
    }
}

/// fstat(2), used to tell open files apart.
///
/// # Errors
/// That of fstat(2).
pub fn fstat(fd: c_int) -> Result<File> {
    let mut stat = MaybeUninit::<libc::stat>::uninit();
    // SAFETY: a local that the kernel fills, where it reports no error.
    let stat = unsafe {
        done(syscall(libc::SYS_fstat, [fd.into(), stat.as_mut_ptr() as c_long, 0, 0, 0, 0]))?;
        stat.assume_init_ref()
    };
    let kind = stat.st_mode & libc::S_IFMT;
    let (is_socket, is_pipe) = (kind == libc::S_IFSOCK, kind == libc::S_IFIFO);
    Ok(File { device: stat.st_dev, inode: stat.st_ino, is_socket, is_pipe })
}

/// The fields of stat(2) that exec looks at.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Stat {
    /// The device.
    pub device: u64,
    /// The inode's number.
    pub inode: u64,
    /// Type and permissions.
    pub mode: u32,
    /// The owner.
    pub uid: u32,
    /// The group.
    pub gid: u32,
    /// Its length in bytes.
    pub size: i64,
}

/// newfstatat(2).
///
/// # Errors
/// That of fstatat(2).
pub fn stat_at(dir: c_int, path: &CStr, flags: c_int) -> Result<Stat> {
    let mut stat = MaybeUninit::<libc::stat>::uninit();
    // SAFETY: a C string, and a local that the kernel fills, where it reports no error.
    let stat = unsafe {
        let args = [dir.into(), path.as_ptr() as c_long, stat.as_mut_ptr() as c_long, flags.into(), 0, 0];
        done(syscall(libc::SYS_newfstatat, args))?;
        stat.assume_init_ref()
    };
    Ok(Stat {
        device: stat.st_dev,
        inode: stat.st_ino,
        mode: stat.st_mode,
        uid: stat.st_uid,
        gid: stat.st_gid,
        size: stat.st_size,
    })
}

/// faccessat2(2) for the effective ids: whether the file may be executed.
pub fn may_execute(dir: c_int, path: &CStr, flags: c_int) -> bool {
    may(dir, path, flags, libc::X_OK)
}

/// The same: whether the file may be read.
pub fn may_read(path: &CStr) -> bool {
    may(libc::AT_FDCWD, path, 0, libc::R_OK)
}

fn may(dir: c_int, path: &CStr, flags: c_int, how: c_int) -> bool {
    let flags = flags | libc::AT_EACCESS;
    let args = [dir.into(), path.as_ptr() as c_long, how.into(), flags.into(), 0, 0];
    // SAFETY: the path is a C string.
    unsafe { syscall(libc::SYS_faccessat2, args) == 0 }
}

/// Whether the file's mount has the option `nosuid`.
pub fn is_nosuid(fd: c_int) -> bool {
    // A `struct statfs` has fifteen words on x86-64; the eleventh is f_flags, which libc's type does not name.
    let mut mount = [0_u64; 15];
    // SAFETY: the kernel writes one `struct statfs`.
    let raw = unsafe { syscall(libc::SYS_fstatfs, [fd.into(), mount.as_mut_ptr() as c_long, 0, 0, 0, 0]) };
    raw == 0 && mount[10] & libc::ST_NOSUID != 0
}

/// getcwd(2): the length of the path with its NUL.
///
/// # Errors
/// That of getcwd(2).
pub fn current_directory(path: &mut [u8]) -> Result<usize> {
    let args = [path.as_mut_ptr() as c_long, path.len() as c_long, 0, 0, 0, 0];
    // SAFETY: the slice is writable.
    result(unsafe { syscall(libc::SYS_getcwd, args) }).map(|length| length as usize)
}

/// chdir(2). Where it fails the directory is what it was.
pub fn change_directory(path: &CStr) {
    // SAFETY: the path is a C string.
    unsafe { syscall(libc::SYS_chdir, [path.as_ptr() as c_long, 0, 0, 0, 0, 0]) };
}

/// readlink(2): how many bytes of the target there are, cut to what the slice has room for.
///
/// # Errors
/// That of readlink(2).
pub fn read_link(path: &CStr, target: &mut [u8]) -> Result<usize> {
    let (to, room) = (target.as_mut_ptr() as c_long, target.len() as c_long);
    let args = [libc::AT_FDCWD.into(), path.as_ptr() as c_long, to, room, 0, 0];
    // SAFETY: the path is a C string, and the slice is writable.
    result(unsafe { syscall(libc::SYS_readlinkat, args) }).map(|len| len as usize)
}
