//! Modules: families of sockets from shared objects, in C against the public header.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use serde_json::Value;
use sockshim_itest::{Output, RunLevel, Scratch, by_call, cc, command, events, run, shim, workspace};

const DEADLINE: Duration = Duration::from_secs(60);
const ECHO: &str = "net-pf-62";

/// Compiles a module; the text may be a file of the examples.
fn module(scratch: &Scratch, name: &str, source: &Path) -> PathBuf {
    let object = scratch.path().join(name);
    let include = workspace().join("src/module/include");
    let mut cc = Command::new("cc");
    cc.args(["-shared", "-fPIC", "-Wall", "-Wextra", "-Werror", "-I"]).arg(include).arg("-o").arg(&object);
    let output = cc.arg(source).output().expect("a compiler");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    object
}

fn echo(scratch: &Scratch) -> PathBuf {
    module(scratch, "echo.so", &workspace().join("src/module/examples/echo.c"))
}

fn run_with(level: RunLevel, log: Option<&Scratch>, modules: &str) -> Output {
    let mut command = command(level, log.map(Scratch::path), cc("modules/echo.c", &[]));
    let output = run(command.env("SOCKSHIM_MODULES", modules), b"", DEADLINE);
    assert!(!output.timed_out, "{output:?}");
    output
}

/// What the program prints with this module as the family.
fn first_lines(modules: &str) -> (Output, Vec<Value>) {
    let log = Scratch::new();
    let output = run_with(RunLevel::Io, Some(&log), modules);
    let events = events(log.path());
    (output, events)
}

#[test]
fn a_module_in_c_answers_whichever_way_it_is_called() {
    let scratch = Scratch::new();
    let modules = format!("{ECHO}={}", echo(&scratch).display());
    let quiet = run_with(RunLevel::Off, None, &modules);
    let expected = fs::read_to_string(workspace().join("c-tests/modules/echo.txt")).expect("the transcript");
    assert_eq!((quiet.stdout(), quiet.stderr()), (expected.clone(), String::new()));
    assert!(quiet.status.success());
    for level in [RunLevel::Call, RunLevel::Io] {
        let log = Scratch::new();
        let logged = run_with(level, Some(&log), &modules);
        assert_eq!((logged.stdout(), logged.stderr()), (expected.clone(), String::new()), "{level:?}");
        assert_eq!(by_call(&events(log.path()), "divergence"), Vec::<&Value>::new(), "{level:?}");
    }
}

#[test]
fn a_file_without_an_alias_is_loaded_for_what_is_missing() {
    let scratch = Scratch::new();
    let output = run_with(RunLevel::Off, None, &echo(&scratch).display().to_string());
    assert!(output.status.success() && output.stdout().contains("made: family 62"), "{output:?}");
}

/// The program gets the kernel's errno, and the log says why.
#[test]
fn what_is_no_module_is_said_and_refused() {
    let scratch = Scratch::new();
    let source = |name: &str, text: &str| scratch.write(name, text);
    let abi = module(
        &scratch,
        "abi.so",
        &source("abi.c", "unsigned sockshim_module_abi = 99; int sockshim_module_init(void) { return 0; }"),
    );
    let other = module(&scratch, "other.so", &source("other.c", "int other;"));
    let fails = module(
        &scratch,
        "fails.so",
        &source(
            "fails.c",
            "#include \"sockshim/module.h\"\n\
             static int create(struct socket *sock, int protocol, int flags) { return sock->fd + protocol + flags; }\n\
             static const struct net_proto_family family = {.family = 62, .create = create};\n\
             static int init(void) { sock_register(&family); return -5; }\nmodule_init(init)\n",
        ),
    );
    let text = scratch.write("text.so", "not an object");
    let missing = scratch.path().join("missing.so");
    for (file, why) in [
        (&abi, "another version"),
        (&other, "not a module"),
        (&fails, "could not begin"),
        (&text, "cannot be loaded"),
        (&missing, "cannot be loaded"),
    ] {
        let (output, events) = first_lines(&format!("{ECHO}={}", file.display()));
        assert!(output.stdout().contains("EAFNOSUPPORT"), "{}: {output:?}", file.display());
        let said = events.iter().any(|event| event.to_string().contains(why));
        assert!(said, "{}: {events:?}", file.display());
    }
}

/// A create function that forgets its ops or its descriptor makes no socket.
#[test]
fn half_a_module_makes_no_socket() {
    let scratch = Scratch::new();
    let text = "#include \"sockshim/module.h\"\n\
        static int create(struct socket *sock, int protocol, int flags) { (void)sock, (void)protocol, (void)flags; return 0; }\n\
        static const struct net_proto_family family = {.family = 62, .create = create};\n\
        static int init(void) { return sock_register(&family); }\n\
        module_init(init)\n";
    let object = module(&scratch, "half.so", &scratch.write("half.c", text));
    let output = run_with(RunLevel::Off, None, &format!("{ECHO}={}", object.display()));
    assert!(output.stdout().contains("another family = -1 EAFNOSUPPORT"), "{output:?}");
    assert!(!output.status.success() && !output.stdout().contains("made:"), "{output:?}");
}

/// Rules decide before a module does, as before libc.
#[test]
fn rules_hold_for_sockets_of_modules() {
    let scratch = Scratch::new();
    let modules = format!("{ECHO}={}", echo(&scratch).display());
    let rules = scratch.write("rules.toml", "[[rule]]\ncall = \"setsockopt\"\nfail = \"EXDEV\"\n");
    let mut command = Command::new(cc("modules/echo.c", &[]));
    command.env("LD_PRELOAD", shim()).env("SOCKSHIM_MODULES", &modules).env("SOCKSHIM_CONFIG", &rules);
    let output = run(&mut command, b"", DEADLINE);
    assert!(output.stdout().contains("SO_RCVBUF = -1 EXDEV"), "{output:?}");
}

/// A module that keeps no rule hurts nobody, and modules are unloaded when they are not in use.
#[test]
fn a_module_that_breaks_the_rules_gives_an_errno_at_worst() {
    let scratch = Scratch::new();
    let source = workspace().join("c-tests/modules/unruly_module.c");
    let modules = format!("net-pf-61={}", module(&scratch, "unruly.so", &source).display());
    let expected =
        fs::read_to_string(workspace().join("c-tests/modules/unruly.txt")).expect("the transcript");
    for level in [RunLevel::Off, RunLevel::Io] {
        let log = Scratch::new();
        let log = (level != RunLevel::Off).then(|| log.path());
        let mut command = command(level, log, cc("modules/unruly.c", &["-pthread"]));
        let output = run(command.env("SOCKSHIM_MODULES", &modules), b"", DEADLINE);
        assert_eq!((output.stdout(), output.stderr()), (expected.clone(), String::new()), "{level:?}");
        assert!(output.status.success(), "{level:?}: {output:?}");
    }
}

/// `[[module]]`: for the process that reads the file, wherever that is from, and for those that it starts.
#[test]
fn rule_files_name_modules() {
    let scratch = Scratch::new();
    echo(&scratch);
    let rules = "[[module]]\nfamily = 62\nfile = './echo.so'\n\n[[rule]]\ncall = 'setsockopt'\nfamily = 62\nfail = 'EXDEV'\n";
    scratch.write("rules.toml", rules);
    let name = scratch.path().file_name().expect("a directory");
    let mut shell = Command::new("sh");
    shell.args(["-c", "cd / && \"$0\""]).arg(cc("modules/echo.c", &[]));
    shell.current_dir(scratch.path().parent().expect("a directory above"));
    shell.env("LD_PRELOAD", shim()).env("SOCKSHIM_CONFIG", Path::new(name).join("rules.toml"));
    let output = run(&mut shell, b"", DEADLINE);
    assert!(output.stdout().contains("made: family 62"), "{output:?}");
    assert!(output.stdout().contains("SO_RCVBUF = -1 EXDEV"), "{output:?}");
}

/// A process that makes no such socket does not even load the library that hosts modules.
#[test]
fn a_program_without_such_sockets_loads_nothing() {
    let scratch = Scratch::new();
    let modules = format!("{ECHO}={}", echo(&scratch).display());
    let mut command = Command::new("cat");
    command.arg("/proc/self/maps").env("LD_PRELOAD", shim()).env("SOCKSHIM_MODULES", &modules);
    command.env("SOCKSHIM_CAN", "vcan0").env("SOCKSHIM_CAN_BUS", scratch.path().join("bus"));
    let output = run(&mut command, b"", DEADLINE);
    assert!(output.stdout().contains("libsockshim.so"), "{output:?}");
    for library in ["kmod", "echo", "sockshim_can"] {
        assert!(!output.stdout().contains(library), "{library}: {output:?}");
    }
    assert!(!scratch.path().join("bus").exists());
}

/// Each structure with its members: in Rust, and by the same names in C (`ty` is `type` there).
macro_rules! layouts {
    ($($rust:ident = $c:literal { $($member:ident)* })*) => {
        /// Sizes and offsets in Rust.
        fn in_rust() -> Vec<String> {
            let mut lines = Vec::new();
            $(
                lines.push(format!("{} {}", $c, size_of::<sockshim_module::$rust>()));
                $(lines.push(format!("{} {} {}", $c, c_name(stringify!($member)), std::mem::offset_of!(sockshim_module::$rust, $member)));)*
            )*
            lines
        }

        /// A program in C that prints them.
        fn in_c() -> String {
            let mut text = String::from("#include <stdio.h>\n#define SOCKSHIM_MODULE_WITHOUT_MACROS\n#include \"sockshim/module.h\"\nint main(void) {\n");
            $(
                text += &format!("printf(\"{0} %zu\\n\", sizeof(struct {0}));\n", $c);
                $(
                    let member = c_name(stringify!($member));
                    text += &format!("printf(\"{0} {1} %zu\\n\", offsetof(struct {0}, {1}));\n", $c, member);
                )*
            )*
            text += "printf(\"%d %d %d %d %d\\n\", SOCKSHIM_MODULE_ABI, SOCKSHIM_SK_SIZE, SOCKSHIM_STATE_WORDS, SOCKSHIM_OPTION, SOCKSHIM_ENOIOCTLCMD);\n";
            text + "return 0; }\n"
        }
    };
}

fn c_name(member: &str) -> &str {
    if member == "ty" { "type" } else { member }
}

layouts! {
    Socket = "socket" { fd family ty protocol flags ops sk cookie }
    ProtoOps = "proto_ops" {
        family release bind connect socketpair accept getname listen shutdown setsockopt getsockopt ioctl sendmsg recvmsg
    }
    NetProtoFamily = "net_proto_family" { family create restore }
    InetProtosw = "inet_protosw" { ty protocol create restore }
    NetDevice = "net_device" { name ifindex flags mtu tx_queue_len ty kind }
    NetDeviceOps = "net_device_ops" { ndo_get ndo_set ndo_new ndo_del }
    SockshimKernel = "sockshim_kernel" {
        abi size sock_register sock_unregister inet_register_protosw inet_unregister_protosw register_netdevice
        kernel_syscall kernel_sendmsg kernel_recvmsg copy_from_user copy_to_user sock_save sock_load getenv printk
    }
}

/// The header and the crate describe the same structures.
#[test]
fn the_header_and_the_crate_agree() {
    let scratch = Scratch::new();
    let source = scratch.write("layout.c", in_c());
    let program = scratch.path().join("layout");
    let include = workspace().join("src/module/include");
    let compiled = Command::new("cc").arg("-I").arg(include).arg("-o").arg(&program).arg(source).status();
    assert!(compiled.expect("a compiler").success());
    let output = Command::new(program).output().expect("it runs").stdout;
    let mut rust = in_rust();
    use sockshim_module::{ABI, ENOIOCTLCMD, OPTION, SK_SIZE, STATE_WORDS};
    rust.push(format!("{ABI} {SK_SIZE} {STATE_WORDS} {OPTION} {ENOIOCTLCMD}"));
    let c: Vec<String> = String::from_utf8_lossy(&output).lines().map(String::from).collect();
    assert_eq!(c, rust);
}
