//! AF_CAN in userspace does what the kernel's does: each program of `c-tests/can` prints what it has printed under Debian's
//! kernels, on interfaces of vcan (`scripts/can.sh` makes these transcripts).
//!
//! The programs run as an unprivileged user, on a bus of their own; those about what root may do run as root, where the test does. What may differ stands in [`EXCEPT`], with the reason.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use libtest_mimic::{Arguments, Failed, Trial};
use sockshim_itest::{
    Output, RunLevel, Scratch, by_call, cc, command, directive, events, run, shim, workspace,
};

const DEADLINE: Duration = Duration::from_secs(120);
const NOBODY: u32 = 65534;
/// The interfaces that the programs use, as `scripts/can.sh` makes them.
const INTERFACES: &str = "vcan0,vcan1,vcancc:mtu=16,vcanfd:mtu=72,vcanxl:mtu=2060";
/// The kernels with transcripts, the newest first: where they differ, sockshim does what the newest does.
const KERNELS: [&str; 2] = ["6.12", "6.1"];

/// Lines that may differ: those of this program with this text, and why.
const EXCEPT: &[(&str, &str, &str)] = &[
    ("", "SO_PASSCRED", "the running kernel's own answer: newer ones have it for AF_UNIX only"),
    ("", "SO_PASSSEC", "the same"),
    ("", "SO_PASSPIDFD", "the same"),
    ("", "SO_TXREHASH", "the same: for TCP only"),
    ("send_errors", "SO_PRIORITY", "the same: as a control message since 6.14"),
    ("socket_options", "SO_BINDTOIFINDEX", "kept by the descriptor, which is not bound otherwise"),
    ("socket_options", "SO_SNDBUF", "that of the descriptor makes one message fill it, so it cannot be set"),
    ("socket_options", "SO_RCVBUF", "the machine's own net.core.rmem_max, and messages have a head"),
    ("names", "SIOCGIFBR", "whether the kernel has its bridges loaded"),
    ("bcm_errors", "TX_SEND to vcan1, length 0", "the interface is looked at first there: both are wrong"),
    ("j1939_options", "511 filters", "of an option 8192 bytes are handed to a module: 256 filters"),
    ("j1939_options", "512 filters", "the same"),
    ("j1939_options", "513 filters", "the same"),
    ("j1939_send", "no memory", "the memory is looked at first there: both are wrong"),
    ("buffers", "    then ", "the machine's own net.core.rmem_max"),
    ("rtnetlink_root", "IFLA_QDISC", "of an interface that is down, it tells whether it was ever up"),
];

fn main() {
    let arguments = Arguments::from_args();
    let mut trials = Vec::new();
    for name in programs() {
        trials.push(Trial::test(name.clone(), move || check(&name)));
    }
    assert!(!trials.is_empty(), "there are no programs in c-tests/can");
    libtest_mimic::run(&arguments, trials).exit();
}

fn folder() -> PathBuf {
    workspace().join("c-tests/can")
}

/// The programs that sockshim can run, by their names.
fn programs() -> Vec<String> {
    let entries = fs::read_dir(folder()).expect("c-tests/can exists");
    let name = |path: PathBuf| Some(path.file_stem()?.to_str()?.to_owned());
    let sources = entries.map(|entry| entry.expect("an entry").path());
    let mut names: Vec<String> =
        sources.filter(|path| path.extension().is_some_and(|end| end == "c")).filter_map(name).collect();
    names.retain(|name| !NOT_COMPARED.contains(&name.as_str()) && (is_root() || !needs_root(name)));
    names.sort();
    names
}

fn needs_root(name: &str) -> bool {
    directive(&folder().join(name).with_extension("c"), "runs as").is_some_and(|user| user == "root")
}

fn is_root() -> bool {
    // SAFETY: only a system call.
    unsafe { libc::geteuid() == 0 }
}

/// The transcript of a program under a kernel.
fn transcript(kernel: &str, name: &str) -> Option<String> {
    fs::read_to_string(folder().join("transcripts").join(kernel).join(name).with_extension("txt")).ok()
}

fn check(name: &str) -> Result<(), Failed> {
    let expected: Vec<String> = KERNELS.iter().filter_map(|kernel| transcript(kernel, name)).collect();
    let Some(newest) = expected.first() else { return Err("no kernel has a transcript of it".into()) };
    for level in [RunLevel::Off, RunLevel::Io] {
        let log = Scratch::new();
        let output = start(name, level, &log);
        if output.timed_out {
            return Err(format!("it does not end: {}", output.stdout()).into());
        }
        let printed = without_exceptions(name, &output.stdout());
        if !expected.iter().any(|text| without_exceptions(name, text) == printed) {
            let wrong = difference(&printed, &without_exceptions(name, newest));
            return Err(format!("at {level:?}: {wrong}\n{}", output.stderr()).into());
        }
        let divergences = by_call(&events(log.path()), "divergence").len();
        if divergences > 0 {
            return Err(format!("{divergences} predictions of the log were wrong").into());
        }
    }
    Ok(())
}

/// Runs the program as another user, with copies of what it needs where that user can read them.
fn start(name: &str, level: RunLevel, log: &Scratch) -> Output {
    let scratch = Scratch::new();
    for directory in [scratch.path(), log.path()] {
        fs::set_permissions(directory, Permissions::from_mode(0o777)).expect("our own directory");
    }
    let copy = |from: &Path| {
        let to = scratch.path().join(from.file_name().expect("a file"));
        fs::copy(from, &to).unwrap_or_else(|error| panic!("{}: {error}", from.display()));
        fs::set_permissions(&to, Permissions::from_mode(0o755)).expect("our own file");
        to
    };
    let program = copy(&cc(&format!("can/{name}.c"), &["-O1"]));
    let library = copy(shim());
    for beside in ["libsockshim_kmod.so", "libsockshim_can.so", "sockshim-can-engine"] {
        copy(&shim().with_file_name(beside));
    }
    let log = (level != RunLevel::Off).then(|| log.path());
    let mut command = command(level, log, program);
    command.env("LD_PRELOAD", library).env("SOCKSHIM_CAN", INTERFACES);
    command.env("SOCKSHIM_CAN_BUS", scratch.path().join("bus")).current_dir("/");
    if is_root() && !needs_root(name) {
        command.uid(NOBODY).gid(NOBODY);
    }
    run(&mut command, b"", DEADLINE)
}

fn without_exceptions(name: &str, text: &str) -> Vec<String> {
    let mut lines = Vec::new();
    let mut passed_over = false;
    for line in text.lines() {
        // What is indented, or begins with "then", belongs to the line before it.
        let continues = line.starts_with(' ') || line.contains(": then,");
        let is_exception = |(program, text, _): &(&str, &str, &str)| {
            (program.is_empty() || *program == name) && line.contains(text)
        };
        passed_over = EXCEPT.iter().any(is_exception) || (passed_over && continues);
        if !passed_over {
            lines.push(line.to_owned());
        }
    }
    lines
}

/// The first lines that differ.
fn difference(printed: &[String], expected: &[String]) -> String {
    let place = printed.iter().zip(expected).take_while(|(one, other)| one == other).count();
    let lines = |text: &[String]| text.iter().skip(place).take(6).cloned().collect::<Vec<_>>().join("\n    ");
    format!("line {place}\n  printed\n    {}\n  the kernel\n    {}", lines(printed), lines(expected))
}

/// Programs that are not compared, and why.
const NOT_COMPARED: &[&str] = &[
    // What an engine does comes a moment after the call, and an error is told with the next recv, not by POLLERR.
    "isotp_bind",
    "isotp_errors",
    "isotp_frames",
    // The same of the error queue.
    "j1939_transport",
    // Takes an interface down: the error of its sockets comes with the next recv, and no POLLERR.
    "down",
];
