"""sshd with ssh, scp and sftp. sshd gives a session an environment of its own; its configuration puts the shim into it, so
that what a session runs is covered too."""

from __future__ import annotations

import signal
from pathlib import Path

from ..lib.runner import Argument, Runner
from ..lib.suite import Outcomes, Suite
from . import kit


def run(runner: Runner, short: bool) -> Outcomes:
    tests = kit.Tests(runner)
    size = 2_000_000 if short else 100_000_000
    configure(runner)
    large = runner.work / "large"
    large.write_bytes(kit.noise(size))
    server = runner.start(["/usr/sbin/sshd", "-D", "-e", "-f", runner.work / "sshd_config"])
    kit.listens(2222)
    (runner.work / "site").mkdir()
    (runner.work / "site" / "large").write_bytes(kit.noise(2_000_000 if short else 20_000_000, seed=2))
    web = runner.start([kit.PYTHON, "-m", "http.server", "8080", "--bind", "127.0.0.1", "--directory", runner.work / "site"])
    kit.listens(8080)

    with tests.test("a command") as saw:
        result = runner.run(client(runner, "ssh", "localhost", "echo out; echo err >&2; exit 42"), timeout=kit.DEADLINE)
        saw((result.returncode, result.stdout, result.stderr))
    with tests.test("through cat and back, IPv6") as saw:
        back = kit.succeed(runner, client(runner, "ssh", "::1", "cat"), input=large.read_bytes())
        kit.same(kit.checksum(back), kit.checksum(large), "what came back")
        saw(kit.checksum(back))
    for name, options in ({"scp": []} if short else {"scp": [], "scp of old": ["-O"]}).items():
        with tests.test(name) as saw:
            there, back = runner.work / "there", runner.work / "back"
            kit.succeed(runner, client(runner, "scp", *options, "-q", large, f"localhost:{there}"))
            kit.succeed(runner, client(runner, "scp", *options, "-q", f"localhost:{there}", back))
            saw((kit.checksum(there), kit.checksum(back)))
            kit.same(kit.checksum(back), kit.checksum(large), "the copy")
    with tests.test("sftp") as saw:
        (runner.work / "directory").mkdir()
        batch = f"cd {runner.work}/directory\nput {large} copy\nrename copy renamed\nls\nget renamed {runner.work}/got\n"
        kit.succeed(runner, client(runner, "sftp", "-b", "-", "localhost"), input=batch.encode())
        saw((kit.checksum(runner.work / "got"), sorted(path.name for path in (runner.work / "directory").iterdir())))
    with tests.test("-L, from TCP and from a UNIX socket") as saw:
        forward = ["-N", "-L", "127.0.0.1:7001:127.0.0.1:8080", "-L", "/tmp/forward.socket:127.0.0.1:8080"]
        saw(forwarded(runner, forward, [7001, "/tmp/forward.socket"], "http://127.0.0.1:7001/large"))
    with tests.test("-R") as saw:
        saw(forwarded(runner, ["-N", "-R", "7002:127.0.0.1:8080"], [7002], "http://127.0.0.1:7002/large"))
    with tests.test("-D") as saw:
        proxy = ["--noproxy", "", "--socks5-hostname", "127.0.0.1:7003"]
        saw(forwarded(runner, ["-N", "-D", "127.0.0.1:7003"], [7003], "http://127.0.0.1:8080/large", *proxy))
    with tests.test("a connection for several sessions") as saw:
        control = ["-o", "ControlPath=/tmp/control.socket"]
        master = runner.start(client(runner, "ssh", *control, "-M", "-N", "localhost"))
        kit.wait_until("there is a master", Path("/tmp/control.socket").exists)
        # The clients pass their standard streams to the master.
        for session in range(2 if short else 5):
            saw(kit.succeed(runner, client(runner, "ssh", *control, "localhost", f"cat; echo {session}"), input=b"given "))
        kit.succeed(runner, client(runner, "ssh", *control, "-O", "exit", "localhost"))
        master.wait(kit.DEADLINE)
        saw(f"master: {master.returncode}")
    with tests.test("a proxy that passes its connection on") as saw:
        argv = client(runner, "ssh", "-o", "ProxyCommand=nc.openbsd -F 127.0.0.1 2222", "-o", "ProxyUseFdpass=yes")
        saw(kit.succeed(runner, [*argv, "localhost", "echo passed"]))
    with tests.test("a jump") as saw:
        saw(kit.succeed(runner, client(runner, "ssh", "-J", "localhost", "localhost", "echo jumped")))
    with tests.test("a session's own sockets") as saw:
        fetch = "curl --disable --silent --noproxy '*' http://127.0.0.1:8080/large | sha256sum"
        saw(kit.succeed(runner, client(runner, "ssh", "localhost", fetch)))
    with tests.test("end") as saw:
        kit.wait_until("the connections have ended", lambda: not kit.processes(parent=server.pid))
        saw(kit.ended(runner, server))
        saw(kit.ended(runner, web, signal.SIGINT))
    tests.log_shows(
        ("sshd", "accept", "inet_stream_ops"),
        ("sshd", "accept", "inet6_stream_ops"),
        ("sshd", "read", "inet_stream_ops", 5),
        ("sshd", "connect", "inet_stream_ops", 2),
        ("ssh", "connect", "inet_stream_ops", 5),
        ("ssh", "connect", "inet6_stream_ops"),
        ("ssh", "accept", "unix_stream_ops", 2),
        # What a session ran.
        ("curl", "connect", "inet_stream_ops", 4),
    )
    return tests.outcomes


def configure(runner: Runner) -> None:
    """Keys that are made on the spot, and a server that runs everything that the tests need."""
    work = runner.work
    for name in ["host_key", "user_key"]:
        kit.succeed(runner, ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "test", "-f", work / name])
    (work / "authorized_keys").write_bytes((work / "user_key.pub").read_bytes())
    public = (work / "host_key.pub").read_text()
    (work / "known_hosts").write_text("".join(f"[{name}]:2222 {public}" for name in ["localhost", "127.0.0.1", "::1"]))
    # The directory is compiled into sshd. Where no service manager has started sshd yet, nobody has made it.
    Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
    shim = [f"{name}={value}" for name, value in runner.env.items() if runner.plain_env.get(name) != value]
    (work / "sshd_config").write_text(
        f"ListenAddress 127.0.0.1:2222\nListenAddress [::1]:2222\nHostKey {work}/host_key\nPidFile none\n"
        f"AuthorizedKeysFile {work}/authorized_keys\nStrictModes no\nPermitRootLogin yes\nPasswordAuthentication no\n"
        "KbdInteractiveAuthentication no\nUsePAM no\nSubsystem sftp /usr/lib/openssh/sftp-server\nMaxStartups 100\n"
        + (f"SetEnv {' '.join(shim)}\n" if shim else "")
    )


def client(runner: Runner, program: str, *arguments: Argument) -> list[Argument]:
    """ssh or a relative, without the files of whoever runs the test."""
    work = runner.work
    (work / "ssh_config").write_text(
        f"Port 2222\nUser root\nIdentityFile {work}/user_key\nUserKnownHostsFile {work}/known_hosts\nBatchMode yes\n"
        "IdentitiesOnly yes\nIdentityAgent none\nGlobalKnownHostsFile none\nExitOnForwardFailure yes\n"
        # Which of its addresses a name has first is the machine's own affair.
        "Host localhost\nAddressFamily inet\n"
    )
    return [program, "-F", work / "ssh_config", *arguments]


def forwarded(runner: Runner, options: list[str], listeners: list[int | str], url: str, *curl: Argument) -> str:
    """Fetches through a forwarding, several times at once."""
    forwarder = runner.start(client(runner, "ssh", *options, "localhost"))
    kit.listens(*listeners)
    seen = kit.curl(runner, [url] * 4, "--parallel", *curl)
    for listener in listeners:
        if isinstance(listener, str):
            seen += "; " + kit.curl(runner, ["http://localhost/large"], "--unix-socket", listener)
    return f"{seen}, {kit.ended(runner, forwarder)}"


SUITE = Suite(
    name="programs/ssh",
    packages=("openssh-server", "openssh-client", "netcat-openbsd", "curl", "python3"),
    run=run,
    short=True,
    deadline=1800,
)
