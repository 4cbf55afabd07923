//! Where a page's commands run: a directory, and a network, host names and name servers of their own. In that network only
//! `lo` exists, so every port is free, and nothing that goes wrong reaches anybody.
//!
//! Two servers are there: one of the web on port 8080, of both families, which says `hello`, and a Redis on port 6379.

use std::fs::{Permissions, copy, set_permissions};
use std::os::unix::fs::PermissionsExt;

use sockshim_itest::{Scratch, run, shim};

use crate::page::Section;
use crate::{DEADLINE, bare, binary};

/// Who runs the commands.
#[derive(Clone, Copy, PartialEq)]
pub enum User {
    Root,
    Nobody,
}

/// A directory in which everybody may write, with the command and the libraries in `bin`.
pub struct World {
    scratch: Scratch,
    user: User,
}

/// Stands before a command's number in the output, and in no output.
const MARK: char = '\u{1}';

const HOSTS: &str = "127.0.0.1 localhost\n::1 localhost\n127.0.0.1 shop.example.com\n";
const RESOLV_CONF: &str = "# There is no name server here.\n";

/// The web server.
const WEB: &str = r#"
import http.server, socket
class Hello(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", "6")
        self.end_headers()
        self.wfile.write(b"hello\n")
    def log_message(self, *_):
        pass
class Server(http.server.ThreadingHTTPServer):
    address_family = socket.AF_INET6
Server(("::", 8080), Hello).serve_forever()
"#;

/// What the first process does, as root, in namespaces of its own.
const BEGIN: &str = r#"
set -e
ip link set lo up
mount --bind hosts /etc/hosts
target=$(readlink --canonicalize /etc/resolv.conf)
if [[ -e $target ]]; then mount --bind resolv.conf "$target"; fi
source functions.sh
/usr/bin/python3 web.py &
await 0
redis-server --bind 127.0.0.1 --port 6379 --save '' >/dev/null &
await 1
cd work
"#;

/// Waits until there is one listener more than there were, or the last process in the background has ended.
const FUNCTIONS: &str = r#"
listeners() { ss --tcp --listening --numeric --no-header | wc --lines; }
await() { while kill -0 $! 2>/dev/null && (($(listeners) <= $1)); do sleep 0.02; done; }
"#;

impl World {
    /// A new one.
    pub fn new(user: User) -> World {
        let scratch = Scratch::new();
        let bin = scratch.dir("bin");
        let library = shim();
        let rules = library.with_file_name("libsockshim_rulefile.so");
        for (file, name) in [
            (binary::sockshim(), "sockshim"),
            (library, "libsockshim.so"),
            (rules.as_path(), "libsockshim_rulefile.so"),
        ] {
            copy(file, bin.join(name)).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        }
        for (name, text) in
            [("hosts", HOSTS), ("resolv.conf", RESOLV_CONF), ("web.py", WEB), ("functions.sh", FUNCTIONS)]
        {
            scratch.write(name, text);
        }
        set_permissions(scratch.dir("work"), Permissions::from_mode(0o777)).expect("our own directory");
        World { scratch, user }
    }

    /// Runs the commands of a section, and returns the lines that each has printed.
    pub fn run(&self, section: &Section) -> Vec<Vec<String>> {
        for (name, text) in &section.files {
            self.scratch.write(&format!("work/{name}"), text);
        }
        self.scratch.write("session.sh", session(section));
        let drop = match self.user {
            User::Root => "",
            User::Nobody => "setpriv --reuid=65534 --regid=65534 --clear-groups --no-new-privs ",
        };
        let begin = format!("{BEGIN}exec {drop}bash ../session.sh\n");
        let path = format!("{}/bin:/usr/sbin:/usr/bin:/sbin:/bin", self.scratch.path().display());
        let mut world = bare("/usr/bin/unshare");
        world.args(["--net", "--mount", "bash", "-c", &begin]).current_dir(self.scratch.path());
        world.env("PATH", path).env("HOME", self.scratch.path().join("work")).env("LC_ALL", "C.UTF-8");
        let output = run(&mut world, b"", DEADLINE);
        let text = output.stdout();
        let printed: Vec<Vec<String>> = text.split(MARK).skip(1).map(lines).collect();
        let all = printed.len() == section.steps.len() + 1 && !output.timed_out;
        assert!(all, "{}: {}{}", section.heading, output.stderr(), text);
        printed
    }
}

/// The commands with a mark before each and behind the last.
fn session(section: &Section) -> String {
    let mut script = String::from("source ../functions.sh\nexec 2>&1 </dev/null\n");
    script.push_str("mark() { local code=$?; printf '\\n\\001%d\\n' \"$1\"; return $code; }\n");
    for (index, step) in section.steps.iter().enumerate() {
        let is_server = step.command.ends_with('&');
        if is_server {
            script.push_str("before=$(listeners)\n");
        }
        script.push_str(&format!("mark {index}\n{}\n", step.command));
        if is_server {
            script.push_str("await $before\n");
        }
    }
    script + &format!("mark {}\n", section.steps.len())
}

/// The lines behind a mark and its number; the last one is the mark's own.
fn lines(text: &str) -> Vec<String> {
    let text = text.strip_suffix('\n').unwrap_or(text);
    text.lines().skip(1).map(String::from).collect()
}
