//! Programs for `sockshim check`.

use std::ffi::CString;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use sockshim_itest::Scratch;

/// A program that makes one socket.
pub const SMALL: &str = "\
#include <sys/socket.h>
int main(void) { return socket(AF_INET, SOCK_STREAM, 0) < 0; }
";

/// A program that uses liburing, if the kernel permits it.
pub const URING: &str = "\
#include <liburing.h>
int main(void) { struct io_uring ring; return io_uring_queue_init(2, &ring, 0) != 0; }
";

/// A program that defines a hooked function itself.
pub const OWN_CONNECT: &str = "\
#include <sys/socket.h>
int connect(int fd, const struct sockaddr *address, socklen_t length)
{
	return fd < 0 || address || length;
}
int main(void) { return connect(socket(AF_INET, SOCK_STREAM, 0), 0, 0); }
";

/// Compiles a program into the directory.
pub fn build(scratch: &Scratch, name: &str, compiler: &str, source: &str, flags: &[&str]) -> PathBuf {
    let file = scratch.write(&format!("{name}.c"), source);
    let program = scratch.path().join(name);
    let mut command = Command::new(compiler);
    command.args(["-O1", "-o"]).args([&program, &file]).args(flags).env_remove("LD_PRELOAD");
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    program
}

/// The attribute `security.capability` in its second revision.
pub fn capabilities(effective: bool, permitted: u32, inheritable: u32) -> [u32; 5] {
    [0x0200_0000 | u32::from(effective), permitted, inheritable, 0, 0]
}

/// Gives a file capabilities.
pub fn set_capabilities(program: &Path, attribute: &[u32; 5]) {
    let path = CString::new(program.as_os_str().as_bytes()).expect("a path");
    let bytes: Vec<u8> = attribute.iter().flat_map(|word| word.to_le_bytes()).collect();
    // SAFETY: both names are C strings, and the value has the length that is passed.
    let set = unsafe {
        libc::setxattr(path.as_ptr(), c"security.capability".as_ptr(), bytes.as_ptr().cast(), bytes.len(), 0)
    };
    assert_eq!(set, 0, "{}: {}", program.display(), std::io::Error::last_os_error());
}
