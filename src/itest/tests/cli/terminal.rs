//! A program on a terminal with a given width.

use std::ffi::CStr;
use std::fs::File;
use std::io::{self, Read};
use std::os::fd::AsRawFd;
use std::os::unix::fs::OpenOptionsExt;
use std::process::{Command, ExitStatus, Stdio};

/// Runs a program whose stdout is a terminal, and returns the lines that it wrote there.
pub fn lines_on_terminal(command: &mut Command, columns: u16) -> (ExitStatus, Vec<String>) {
    let (mut terminal, line) = open(columns);
    let mut child = command.stdout(line).spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    // The command's copy of the descriptor would keep the terminal open for ever.
    command.stdout(Stdio::null());

    let mut bytes = Vec::new();
    let mut chunk = [0; 4096];
    // When nobody has the terminal open any more, read returns EIO instead of end of file.
    while let Ok(count @ 1..) = terminal.read(&mut chunk) {
        bytes.extend_from_slice(&chunk[..count]);
    }
    let status = child.wait().expect("waiting for our own child");
    let text = String::from_utf8(bytes).expect("text");
    (status, text.lines().map(String::from).collect())
}

/// Both ends of a new pseudoterminal: the test's and the program's. Programs of other tests inherit neither.
fn open(columns: u16) -> (File, File) {
    let mut options = File::options();
    options.read(true).write(true).custom_flags(libc::O_NOCTTY);
    let ours = options.open("/dev/ptmx").expect("a pseudoterminal");
    let size = libc::winsize { ws_row: 24, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
    let mut name = [0; 64];
    #[expect(clippy::disallowed_methods, reason = "no hook is linked into this test, so this is libc's")]
    // SAFETY: the descriptor is open; TIOCSWINSZ reads one `struct winsize`, ptsname_r() writes within the array.
    let ready = unsafe {
        libc::unlockpt(ours.as_raw_fd()) == 0
            && libc::ioctl(ours.as_raw_fd(), libc::TIOCSWINSZ, &raw const size) == 0
            && libc::ptsname_r(ours.as_raw_fd(), name.as_mut_ptr(), name.len()) == 0
    };
    assert!(ready, "/dev/ptmx: {}", io::Error::last_os_error());
    // SAFETY: ptsname_r() has succeeded, so the array holds a terminated string.
    let name = unsafe { CStr::from_ptr(name.as_ptr()) }.to_str().expect("a path in UTF-8");
    (ours, options.open(name).expect("the other end of the pseudoterminal"))
}
