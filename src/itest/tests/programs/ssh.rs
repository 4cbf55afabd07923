//! ssh and scp to sshd: a server that executes itself again for each connection, and whose child before
//! authentication is in a chroot, under another user, and in a seccomp sandbox that kills it for any system call that
//! is not listed.

use std::fs;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;
use std::process::Command;

use sockshim_itest::Server;

use crate::port::Port;
use crate::process::{children, must_be_root, wait_until};
use crate::session::{DEADLINE, Session, checksum, ended, installed, noise};

#[test]
fn ssh_runs_commands() {
    let log = Session::scenario(|session| {
        let sshd = Sshd::start(session);
        let remote = |session: &mut Session, command: &str, stdin: &[u8]| {
            let output = session.run(sshd.client(session, "ssh").arg("127.0.0.1").arg(command), stdin);
            session.saw(format!("{command}: {} {}", ended(output.status), output.stderr()));
            output.stdout
        };

        let stdout = remote(session, "echo out; echo err >&2; exit 42", b"");
        session.saw(String::from_utf8_lossy(&stdout));
        let data = noise(3_000_000);
        let stdout = remote(session, "cat", &data);
        session.saw(checksum(&stdout));
        assert_eq!(checksum(&stdout), checksum(&data), "what cat returned; {}", sshd.said());
        let stdout = remote(session, "no-such-command", b"");
        session.saw(checksum(&stdout));

        sshd.stop(session);
    });
    log.has("sshd", &["socket", "bind", "listen", "accept", "setsockopt", "socketpair", "fork"]);
    log.has("ssh", &["socket", "connect", "setsockopt"]);
}

#[test]
fn scp_copies_both_ways() {
    let log = Session::scenario(|session| {
        let sshd = Sshd::start(session);
        let data = noise(20_000_000);
        let here = session.scratch.write("here", &data);
        let there = session.scratch.path().join("there");
        let back = session.scratch.path().join("back");
        let remote = format!("127.0.0.1:{}", there.display());

        for [from, to] in [[here.as_os_str(), remote.as_ref()], [remote.as_ref(), back.as_os_str()]] {
            let output = session.run(sshd.client(session, "scp").arg("-q").arg(from).arg(to), b"");
            assert!(output.status.success(), "scp: {}; {}", output.stderr(), sshd.said());
        }
        for file in [&there, &back] {
            let copy = fs::read(file).expect("a copy that scp made");
            session.saw(checksum(&copy));
            assert_eq!(checksum(&copy), checksum(&data), "a copy is what was copied");
        }
        let missing = format!("127.0.0.1:{}", session.scratch.path().join("missing").display());
        let output = session.run(sshd.client(session, "scp").arg("-q").arg(missing).arg(&back), b"");
        session.saw(format!("scp of no file: {}", ended(output.status)));

        sshd.stop(session);
    });
    log.has("sshd", &["socket", "bind", "listen", "accept"]);
    log.has("ssh", &["socket", "connect"]);
}

/// A server with its own keys and configuration.
struct Sshd {
    server: Server,
    port: Port,
}

impl Sshd {
    fn start(session: &mut Session) -> Self {
        must_be_root("sshd confines its child before authentication");
        make_privilege_separation_directory();
        let path = session.scratch.path().to_path_buf();
        make_key(session, &path.join("host_key"));
        make_key(session, &path.join("user_key"));
        let public = |name: &str| fs::read_to_string(path.join(name)).expect("a key that ssh-keygen made");
        session.scratch.write("authorized_keys", public("user_key.pub"));

        let port = Port::hold();
        session
            .scratch
            .write("known_hosts", format!("[127.0.0.1]:{} {}", port.number, public("host_key.pub")));
        // StrictModes would require that only the owner can write to each directory above the keys, but /tmp is
        // writable.
        let configuration = format!(
            "ListenAddress 127.0.0.1\nPort {}\nHostKey {path}/host_key\nPidFile none\n\
             AuthorizedKeysFile {path}/authorized_keys\nStrictModes no\nPermitRootLogin yes\n\
             PasswordAuthentication no\nKbdInteractiveAuthentication no\nUsePAM no\nSubsystem sftp internal-sftp\n",
            port.number,
            path = path.display()
        );
        let configuration = session.scratch.write("sshd_config", configuration);

        let mut sshd = session.command("sshd", "openssh-server");
        let server = Server::start(sshd.args(["-D", "-e", "-f"]).arg(configuration));
        wait_until("sshd listens", || server.stderr_so_far().contains("Server listening on"));
        Self { server, port }
    }

    /// ssh or scp, without the configuration of the user who runs the test.
    fn client(&self, session: &Session, program: &str) -> Command {
        let mut command = session.command(program, "openssh-client");
        let path = session.scratch.path().display();
        command.args(["-F", "none", "-i", &format!("{path}/user_key")]);
        let known_hosts = format!("UserKnownHostsFile={path}/known_hosts");
        let port = format!("Port={}", self.port.number);
        let options =
            ["BatchMode=yes", "IdentitiesOnly=yes", "IdentityAgent=none", "GlobalKnownHostsFile=none"];
        for option in options.into_iter().chain([&*known_hosts, &*port]) {
            command.args(["-o", option]);
        }
        command
    }

    /// The server's messages, for reporting a failure.
    fn said(&self) -> String {
        format!("sshd said: {}", self.server.stderr_so_far())
    }

    /// Stops the server after its last connection: a connection's processes leave the server's process group.
    fn stop(self, session: &mut Session) {
        wait_until("sshd's connections have ended", || children(self.server.pid()).is_empty());
        let end = self.server.stop(DEADLINE);
        session.saw_end("sshd", &end);
    }
}

fn make_key(session: &Session, path: &Path) {
    let mut keygen = session.command("ssh-keygen", "openssh-client");
    session.succeed(keygen.args(["-q", "-t", "ed25519", "-N", "", "-C", "test", "-f"]).arg(path));
}

/// The directory is compiled into sshd. It does not exist if no service manager has started sshd yet.
fn make_privilege_separation_directory() {
    installed("sshd", "openssh-server");
    let made = fs::DirBuilder::new().recursive(true).mode(0o755).create("/run/sshd");
    made.expect("the directory that sshd needs");
}
