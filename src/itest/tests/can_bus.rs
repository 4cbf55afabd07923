//! Buses of AF_CAN: their members come and go, two buses never meet, and what cannot be a bus is said.

use std::fs::{self, Permissions};
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use sockshim_itest::{Scratch, cc, run, shim};

const DEADLINE: Duration = Duration::from_secs(120);

fn on_bus(program: &str, bus: &Path) -> Command {
    let mut command = Command::new(cc(&format!("modules/{program}.c"), &[]));
    command.env("LD_PRELOAD", shim()).env("SOCKSHIM_CAN", "vcan0").env("SOCKSHIM_CAN_BUS", bus);
    command
}

#[test]
fn members_that_are_killed_disturb_nobody() {
    let scratch = Scratch::new();
    let bus = scratch.path().join("bus");
    let output = run(&mut on_bus("can_members", &bus), b"", DEADLINE);
    assert_eq!(output.stdout(), "20 of 20 were not disturbed\n", "{output:?}");
    let names: Vec<_> =
        fs::read_dir(&bus).expect("the bus").map(|entry| entry.expect("an entry").file_name()).collect();
    assert_eq!(names, ["bus"], "nothing is left of the members");
    let metadata = fs::metadata(bus.join("bus")).expect("the file");
    assert_eq!(metadata.mode() & 0o777, 0o600, "others must not read the secret");
}

fn start(bus: &Path, id: &str) -> Child {
    on_bus("can_where", bus)
        .arg(id)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the program starts")
}

/// Both are there, then both send, then both say what has arrived.
fn exchanged(first: &Path, second: &Path) -> [Vec<String>; 2] {
    let mut programs = [start(first, "101"), start(second, "102")];
    let mut readers =
        programs.each_mut().map(|program| BufReader::new(program.stdout.take().expect("piped")));
    let say =
        |program: &mut Child| program.stdin.as_mut().expect("piped").write_all(b"\n").expect("it reads");
    for expected in ["ready\n", "sent\n"] {
        for reader in &mut readers {
            let mut line = String::new();
            reader.read_line(&mut line).expect("a line");
            assert_eq!(line, expected);
        }
        programs.iter_mut().for_each(say);
    }
    let lines = readers.map(|reader| reader.lines().map(|line| line.expect("a line")).collect());
    programs.iter_mut().for_each(|program| assert!(program.wait().expect("it ends").success()));
    lines
}

#[test]
fn two_directories_are_two_buses_with_the_same_names() {
    let scratch = Scratch::new();
    let [one, other] = ["one", "other"].map(|name| scratch.path().join(name));
    let [first, second] = exchanged(&one, &other);
    assert_eq!((first, second), (vec!["101".to_owned(), "7ff".into()], vec!["102".to_owned(), "7ff".into()]));
    for mut heard in exchanged(&one, &one) {
        heard.retain(|id| id != "7ff");
        heard.sort();
        assert_eq!(heard, ["101", "102"]);
    }
}

/// Who can write there decides what is on the bus.
#[test]
fn the_directory_of_another_user_is_refused() {
    let scratch = Scratch::new();
    let bus = scratch.dir("bus");
    if std::os::unix::fs::chown(&bus, Some(65534), None).is_err() {
        return; // Only root can make such a directory.
    }
    fs::set_permissions(&bus, Permissions::from_mode(0o777)).expect("our own directory");
    let log = scratch.path().join("log");
    let mut command = on_bus("can_where", &bus);
    command.env("SOCKSHIM_LOG", "call").env("SOCKSHIM_LOG_FILE", &log);
    let output = run(&mut command, b"\n\n", DEADLINE);
    assert!(output.stdout().contains("EAFNOSUPPORT"), "{output:?}");
    let log = fs::read_to_string(log).expect("a log");
    assert!(log.contains("the directory of the bus cannot be opened"), "{log}");
}

/// What `ip` prints on the bus; it must succeed.
fn ip(bus: &Path, script: &str) -> String {
    let mut command = Command::new("sh");
    command.args(["-ec", script]).env("LD_PRELOAD", shim());
    command.env("SOCKSHIM_CAN", "vcan0,vcan1").env("SOCKSHIM_CAN_BUS", bus);
    let output = run(&mut command, b"", DEADLINE);
    assert!(output.status.success() && output.stderr().is_empty(), "{script}: {output:?}");
    output.stdout()
}

/// The usual lines of a script that sets up a bus, on one that is there: `ip` of iproute2, by AF_NETLINK.
#[test]
fn scripts_with_ip_run_as_they_are() {
    let scratch = Scratch::new();
    let bus = scratch.path().join("bus");
    let names = |list: String| -> Vec<String> {
        list.lines().filter_map(|line| Some(line.split_whitespace().next()?.to_string())).collect()
    };
    for _ in 0..2 {
        ip(&bus, "ip link add dev vcan0 type vcan; ip link set up vcan0; ip link show vcan0");
    }
    assert_eq!(names(ip(&bus, "ip -brief link show type vcan")), ["vcan0", "vcan1"]);
    let all: serde_json::Value = serde_json::from_str(&ip(&bus, "ip -json link list up")).expect("JSON");
    let has = |name: &str| all.as_array().expect("a list").iter().any(|link| link["ifname"] == name);
    assert!(has("lo") && has("vcan0"), "{all}");
    // SAFETY: only a system call.
    if unsafe { libc::geteuid() } != 0 {
        return;
    }
    // A new one is there for all members, until it is removed.
    ip(&bus, "ip link add dev vcan5 type vcan; ip link set vcan5 mtu 16; ip link set vcan5 up");
    assert_eq!(names(ip(&bus, "ip -brief link show type vcan")), ["vcan0", "vcan1", "vcan5"]);
    let shown = ip(&bus, "ip link show vcan5");
    assert!(shown.contains("mtu 16") && shown.contains("link/can"), "{shown}");
    ip(&bus, "ip link delete vcan5");
    assert_eq!(names(ip(&bus, "ip -brief link show type vcan")), ["vcan0", "vcan1"]);
}
