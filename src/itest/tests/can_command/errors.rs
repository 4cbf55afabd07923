//! What cannot work is said, on one line, with what to do about it.

use super::*;
use std::os::unix::process::CommandExt;

const NOBODY: u32 = 65534;

fn refused(bus: &Bus, arguments: &[&str]) -> String {
    let output = bus.call(arguments);
    assert_eq!(output.status.code(), Some(125), "{arguments:?}: {output:?}");
    assert!(output.stdout.is_empty() && output.stderr().lines().count() == 1, "{output:?}");
    output.stderr()
}

#[test]
fn without_a_bus() {
    let bus = Bus(Scratch::new());
    for arguments in [&["dump", "vcan0"][..], &["dump", "any"], &["send", "vcan0", "123#"]] {
        let said = refused(&bus, arguments);
        assert!(said.contains("--can") && said.contains("sockshim run --can"), "{said}");
    }
    assert!(!bus.file("bus").exists(), "a bus is not made by looking for one");
}

#[test]
fn on_a_bus() {
    let bus = Bus::new();
    let text = bus.0.write("text", "(1.0) vcan0 123#\n(1.0) vcan0 12#\n");
    let text = text.to_str().expect("UTF-8");
    let empty = bus.0.write("empty", "");
    let empty = empty.to_str().expect("UTF-8");
    for (arguments, expected) in [
        (&["dump", "vcan9"][..], "has vcan0, vcan1, vcanclassic, vcanxl. --can vcan9 adds it"),
        (&["dump", "--can", "vcan0", "lo"], "lo is no CAN interface"),
        (&["dump", "--pcap", "/no/such/file", "vcan0"], "/no/such/file: No such file"),
        (&["send", "vcan9", "123#"], "--can vcan9 adds it"),
        (&["send", "vcanclassic", "123##0"], "takes no frames of CAN FD: its MTU is 16"),
        (
            &["send", "vcan0", "00123#80:00:00000000#11"],
            "takes no frames of CAN XL of this length: its MTU is 72",
        ),
        (&["send", "--can-bus", "/no/such", "vcan0", "123#"], "--can"),
        (&["replay", "/no/such/file"], "/no/such/file: No such file"),
        (&["replay", "/"], "Is a directory"),
        (&["replay", text], "text:2: character 15: an identifier has"),
        (&["replay", empty], "has no frames"),
        (&["replay", "--pcap", text], "it is no capture"),
        (&["replay", "-l", "2", "-"], "-l needs a file"),
        (&["replay", text, "vcan9=vcan0"], "--can vcan9 adds it"),
    ] {
        let said = refused(&bus, arguments);
        assert!(said.contains(expected), "{arguments:?}: {said}");
    }
}

/// A capture in the old format, little-endian, of packets of this link type.
fn pcap(link: u8, packet: &[u8]) -> Vec<u8> {
    let mut bytes =
        vec![0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0, link, 0, 0, 0];
    let len = packet.len() as u8;
    bytes.extend([1, 0, 0, 0, 0, 0, 0, 0, len, 0, 0, 0, len, 0, 0, 0]);
    bytes.extend(packet);
    bytes
}

#[test]
fn captures() {
    let bus = Bus::new();
    let frame = [0, 0, 1, 0x23, 1, 0, 0, 0, 0x11, 0, 0, 0, 0, 0, 0, 0];
    let whole = pcap(227, &frame);
    let file = bus.file("capture.pcap");
    let name = file.to_str().expect("UTF-8");
    for (bytes, expected) in [
        (&whole[..], "say where its frames go, as in vcan0=any"),
        (&whole[..whole.len() - 1], "the capture is cut off"),
        (&whole[..20], "the capture is cut off"),
        (&pcap(1, &frame), "has the link type 227, and this one has 1"),
        (&pcap(227, &frame[..9][..5]), "no CAN frame, or it was cut off"),
        (&[0x0a, 0x0d, 0x0d, 0x0a, 1, 2, 3], "the capture is cut off"),
    ] {
        std::fs::write(&file, bytes).expect("our own directory");
        let said = refused(&bus, &["replay", name]);
        assert!(said.contains(expected), "{said}");
    }
    std::fs::write(&file, &whole).expect("our own directory");
    let dump = bus.dump(&["vcan0"]);
    assert!(bus.call(&["replay", name, "vcan0=any"]).status.success());
    assert_eq!(dump.take(1), ["  vcan0  123   [1]  11"]);
    dump.whole();
}

#[test]
fn a_wrong_command_line() {
    let bus = Bus::new();
    for (arguments, expected) in [
        (
            &["send", "vcan0", "123#1x"][..],
            "'123#1x' for '<FRAME>...': character 6: a hexadecimal digit is missing",
        ),
        (&["send", "vcan0"], "<FRAME>"),
        (&["dump", "vcan0,12"], "'12' is no filter"),
        (&["dump", "-t", "x", "vcan0"], "there are a, d, z and A"),
        (&["dump", "-n", "0", "vcan0"], "0"),
        (&["replay", "x", "vcan0"], "no assignment such as vcan1=can0"),
        (&["replay", "-l", "0", "x"], "numbers from 1, and i"),
    ] {
        let output = bus.call(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {output:?}");
        assert!(output.stderr().contains(expected), "{arguments:?}: {}", output.stderr());
    }
}

#[test]
fn switched_off_or_not_loaded() {
    let bus = Bus::new();
    let with = |name: &str, value: &str| {
        let mut command = bus.sockshim(&["dump", "vcan0"]);
        let output = run(command.env(name, value), b"", DEADLINE);
        assert_eq!(output.status.code(), Some(125), "{output:?}");
        output.stderr()
    };
    assert!(with("SOCKSHIM_DISABLE", "1").contains("SOCKSHIM_DISABLE=1 is set"));
    assert!(with("SOCKSHIM_LIB", "/no/such/library").contains("/no/such/library"));
}

/// Another user's bus is refused, and one of the user's own needs no rights.
#[test]
fn any_user_has_a_bus() {
    // SAFETY: only a system call.
    if unsafe { libc::geteuid() } != 0 {
        return; // Every other test was run by a user.
    }
    let bus = Bus::new();
    let scratch = Scratch::new();
    let open = |path: &Path, mode: u32| {
        std::fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(mode)).expect("our own");
    };
    let copy = |from: &Path| {
        let to = scratch.path().join(from.file_name().expect("a name"));
        std::fs::copy(from, &to).unwrap_or_else(|error| panic!("{}: {error}", from.display()));
        open(&to, 0o755);
        to
    };
    open(scratch.path(), 0o777);
    open(bus.0.path(), 0o777);
    let program = copy(binary::sockshim());
    copy(shim());
    for beside in ["libsockshim_kmod.so", "libsockshim_can.so", "sockshim-can-engine"] {
        copy(&shim().with_file_name(beside));
    }
    let as_user = |directory: &Path| {
        let mut command = command(RunLevel::Native, None, &program);
        command.uid(NOBODY).gid(NOBODY).current_dir("/").env("SOCKSHIM_CAN_BUS", directory);
        run(command.args(["can", "dump", "--can", "vcan0", "-T", "1", "vcan0"]), b"", DEADLINE)
    };
    open(&bus.file("bus"), 0o755);
    let output = as_user(&bus.file("bus"));
    assert!(output.stderr().contains("it belongs to another user"), "{output:?}");
    let output = as_user(&scratch.path().join("bus"));
    assert_eq!((output.status.code(), output.stderr().as_str()), (Some(0), ""));
}
