"""What the suites of programs share: named tests, payloads, servers, curl, and a look at the log."""

from __future__ import annotations

import collections
import contextlib
import hashlib
import os
import random
import re
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from ..lib.runner import Argument, Runner

# Only a hang reaches it.
DEADLINE = 120

# Debian's interpreter, whatever else the PATH of the caller finds first.
PYTHON = "/usr/bin/python3"

# Programs in Python that are run under test.
SCRIPTS = Path(__file__).parent / "scripts"

Saw = Callable[[object], None]


class Failure(Exception):
    """A program did something that is never right, not even natively."""


class Tests:
    """The outcomes of one suite's tests. Each one is "pass" with what it saw, which has to be the same in every variant,
    or "fail" with the reason."""

    def __init__(self, runner: Runner) -> None:
        self.runner = runner
        self.outcomes: dict[str, str] = {}

    @contextlib.contextmanager
    def test(self, name: str) -> Iterator[Saw]:
        """A test: what it sees is handed to the function that it is given."""
        seen: list[str] = []
        try:
            yield lambda what: seen.append(str(what).strip())
        except (Failure, OSError, LookupError, ValueError, subprocess.SubprocessError) as problem:
            # The reason comes after a word that the framework counts as a failure, and is compared as well.
            self.outcomes[name] = f"fail {type(problem).__name__} {' '.join(str(problem).split())[:600]}"
        else:
            self.outcomes[name] = " ".join(["pass", self._brief(name, "; ".join(seen))]).strip()

    def _brief(self, name: str, seen: str) -> str:
        """A short text as an outcome; for a longer one its checksum, and the text in a file beside the programs' output."""
        line = " ".join(seen.split())
        if len(line) <= 40:
            return line
        text = f"{line}\n".encode()
        (self.runner.work / "output" / f"{name.replace('/', '-')}.seen").write_bytes(text)
        return f"sha256:{hashlib.sha256(text).hexdigest()[:16]}"

    def log_shows(self, *expected: tuple[str, str, str] | tuple[str, str, str, int]) -> None:
        """The last test of a suite, after its servers have ended: the log has successful calls by these programs, as
        (program, call, ops) or (program, call, ops, number of processes). Without a log it asserts that there is none."""
        with self.test("the log shows what ran"):
            log = Log(self.runner)
            if self.runner.variant != "io":
                need(not log.files, f"a log that nobody asked for: {log.files}")
                return
            for program, call, ops, *processes in expected:
                found = len(log.processes(program, call, ops))
                wanted = processes[0] if processes else 1
                what = f"{found} processes of {wanted} with {call} by {program} on {ops}"
                need(found >= wanted, f"{what}; it has {log.brief(program, call, ops)}")

    def log_hides(self, *programs: str) -> None:
        """The log has no calls of these programs."""
        with self.test("the log does not show what cannot be covered"):
            log = Log(self.runner)
            for program in programs:
                found = log.of(program)
                need(not found, f"{program} is in the log: {dict(found.most_common(3))}")


class Log:
    """Who made which call on which kind of socket with success, from every file of the log. `growing` says that its
    programs are still running: a file's last line may then be half written."""

    def __init__(self, runner: Runner, growing: bool = False) -> None:
        name = runner.env.get("SOCKSHIM_LOG_FILE")
        self.files = sorted(Path(name).parent.glob("*.jsonl")) if name else []
        self.counts: collections.Counter[tuple[str, str, str, int]] = collections.Counter()
        for file in self.files:
            with open(file, "rb") as lines:
                for line in lines:
                    if not growing or line.endswith(b"\n"):
                        self._count(line, file)

    def _count(self, line: bytes, file: Path) -> None:
        event = EVENT.fullmatch(line)
        if event is None:
            raise Failure(f"not an event in {file.name}: {line!r}")
        pid, program, call, ops, ret, errno = (field.decode() for field in event.groups())
        # What is under way, such as a connect that does not block, succeeds later.
        if not ret.startswith("-") or errno == '"EINPROGRESS"':
            self.counts[program, call, ops.strip('"'), int(pid)] += 1

    def processes(self, program: str, call: str, ops: str) -> set[int]:
        """The processes that did it. "accept" stands for accept4 too, "read" and "write" for every call of their kind."""
        kinds = {"accept": ACCEPTS, "read": READS, "write": WRITES}
        calls = kinds.get(call, {call})
        return {key[3] for key in self.counts if key[0] == program and key[1] in calls and key[2] == ops}

    def of(self, program: str) -> collections.Counter[str]:
        """A program's calls: each call with its ops, and how often."""
        found: collections.Counter[str] = collections.Counter()
        for (name, call, ops, _), count in self.counts.items():
            if name == program and call != "summary":
                found[f"{call} {ops}"] += count
        return found

    def brief(self, program: str, call: str, ops: str) -> dict[str, int]:
        """What a program did that is like a call that was not found: the same call, or the same kind of socket."""
        return {what: n for what, n in self.of(program).items() if what.startswith(f"{call} ") or what.endswith(f" {ops}")}


def logged(runner: Runner, program: str, call: str, ops: str) -> None:
    """Waits until the log has a call, where there is one. For a program that a signal is about to kill: such an end loses
    the events that the writer has not fetched yet (docs/limits.md), so a test that wants to see them must not be faster."""
    if runner.variant == "io":
        wait_until(f"the log has {call} by {program} on {ops}", lambda: Log(runner, growing=True).processes(program, call, ops))


# The framework validates every line. Here only a few fields are of interest, and an expression finds them several times faster
# than a parser, in logs that can have a million lines.
EVENT = re.compile(
    rb'\{"v":1,"ts":[0-9.]+,"pid":(\d+),"tid":\d+,"comm":"([^"]*)","call":"([^"]*)",.*'
    rb'"ops":(null|"[^"]*"),"prot":.*,"ret":(-?\d+),"errno":(null|"[^"]*"),"predicted":.*\}\n'
)

ACCEPTS = {"accept", "accept4"}
READS = {
    "read", "readv", "recv", "recvfrom", "recvmsg", "recvmmsg", "__read_chk", "__recv_chk", "__recvfrom_chk", "splice",
}  # fmt: skip
WRITES = {
    "write", "writev", "send", "sendto", "sendmsg", "sendmmsg", "sendfile", "sendfile64", "splice",
}  # fmt: skip


def need(condition: object, message: object) -> None:
    """Fails the test if the condition does not hold."""
    if not condition:
        raise Failure(str(message))


def same(found: object, wanted: object, what: str) -> None:
    """Fails the test if the two differ."""
    need(found == wanted, f"{what}: {found!r} instead of {wanted!r}")


def noise(length: int, seed: int = 1) -> bytes:
    """Bytes in which a lost, repeated or swapped block changes the checksum; the same on every call."""
    return random.Random(seed).randbytes(length)


def checksum(data: bytes | Path) -> str:
    """The number of bytes, and a checksum of them."""
    content = data.read_bytes() if isinstance(data, Path) else data
    return f"{len(content)} bytes sha256:{hashlib.sha256(content).hexdigest()[:16]}"


def succeed(runner: Runner, argv: Sequence[Argument], timeout: float = DEADLINE, **options: object) -> bytes:
    """Runs a program, which must succeed. Returns its standard output."""
    result = runner.run(argv, timeout=timeout, **options)
    if result.returncode != 0:
        said = (result.stdout[-600:] + b" " + (result.stderr or b"")[-600:]).decode(errors="replace")
        raise Failure(f"{Path(argv[0]).name} ended with {result.returncode}: {said}")
    return result.stdout


def ended(runner: Runner, process: subprocess.Popen[bytes], how: int = signal.SIGTERM, pid: int | None = None) -> str:
    """Sends a signal to a server and says how it ended; a server that does not end fails the test."""
    os.kill(pid or process.pid, how)
    try:
        status = process.wait(DEADLINE)
    finally:
        runner.stop(process, patience=0)
    return f"exit {status}" if status >= 0 else f"signal {-status}"


def wait_until(what: str, condition: Callable[[], object]) -> None:
    """Polls until the condition holds."""
    deadline = time.monotonic() + DEADLINE
    while not condition():
        need(time.monotonic() < deadline, f"waited too long until {what}")
        time.sleep(0.01)


def start(runner: Runner, argv: Sequence[Argument], **options: object) -> subprocess.Popen[bytes]:
    """Starts a program in the background whose output a test reads, with `written`."""
    process = runner.start(argv, **options)
    newest = max((runner.work / "output").glob("*.stdout"), key=lambda path: int(path.name.partition("-")[0]))
    OUTPUTS[process.pid] = newest
    return process


# Where the programs that `start` has started write to, by their process.
OUTPUTS: dict[int, Path] = {}


def written(process: subprocess.Popen[bytes]) -> bytes:
    """What a program that `start` has started wrote to standard output so far."""
    return OUTPUTS[process.pid].read_bytes()


def connections(port: int) -> list[str]:
    """The established connections of a TCP port of this machine, on the side of the port."""
    lines = [line.split() for table in ("tcp", "tcp6") for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]]
    return [line[2] for line in lines if line[3] == "01" and int(line[1].rpartition(":")[2], 16) == port]


def listens(*endpoints: int | str | Path) -> None:
    """Waits until there are listeners, without a connection that they would notice: TCP ports, and paths of UNIX
    sockets."""
    for endpoint in endpoints:
        wait_until(f"{endpoint} listens", lambda: _has_listener(endpoint))


def bound_udp(*ports: int) -> None:
    """Waits until UDP ports are bound."""
    for port in ports:
        wait_until(f"UDP port {port} is bound", lambda: port in _ports("udp", "07") | _ports("udp6", "07"))


# The name of the process that writes a log.
WRITER = "sockshim-log"


def processes(parent: int | None = None, name: str | None = None) -> list[int]:
    """Processes of this namespace that have not ended, by their parent or their name. A log's writer is none: no program
    has made it."""
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            before, _, after = (entry / "stat").read_text().rpartition(") ")
        except OSError:
            continue
        state, its_parent = after.split()[:2]
        its_name = before.partition("(")[2]
        if state != "Z" and its_name != WRITER and parent in (None, int(its_parent)) and name in (None, its_name):
            found.append(int(entry.name))
    return sorted(found)


def as_user(runner: Runner, user: str, argv: Sequence[Argument]) -> list[Argument]:
    """A command that runs a program as another user, to be run with `shim=False`: the shim is put into its environment
    last, so that its log is that user's from the start."""
    shim = [f"{name}={value}" for name, value in runner.env.items() if runner.plain_env.get(name) != value]
    return ["setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups", "env", *shim, *argv]


def curl(runner: Runner, urls: Sequence[str], *options: Argument) -> str:
    """Fetches URLs one after the other with one curl. Says for each its status, its size, whether it took a new
    connection, and the checksum of the body."""
    bodies = runner.work / "bodies"
    bodies.mkdir(exist_ok=True)
    argv: list[Argument] = ["curl", "--disable", "--no-progress-meter", "--noproxy", "*", "--max-time", str(DEADLINE)]
    argv += ["--write-out", "%{http_code} %{num_connects} new connections\n", *options]
    for index, url in enumerate(urls):
        (bodies / str(index)).unlink(missing_ok=True)
        argv += ["--output", bodies / str(index), url]
    result = runner.run(argv, timeout=DEADLINE + 60)
    same(result.returncode, 0, f"curl said {result.stderr.decode(errors='replace')}")
    seen = []
    for index, line in enumerate(result.stdout.decode().splitlines()):
        body = bodies / str(index)
        # curl makes no file for an empty body.
        content = body.read_bytes() if body.exists() else b""
        seen.append(f"{line}, {checksum(content)}")
    return "; ".join(seen)


def certificate(runner: Runner) -> tuple[Path, Path]:
    """A certificate that signs itself, for localhost by name and address, and its key."""
    certificate, key = runner.work / "certificate.pem", runner.work / "key.pem"
    if not certificate.exists():
        names = "subjectAltName=DNS:localhost,IP:127.0.0.1,IP:::1"
        argv: list[Argument] = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
        argv += ["-nodes", "-keyout", key, "-out", certificate, "-subj", "/CN=localhost", "-days", "36500"]
        succeed(runner, [*argv, "-addext", names], shim=False)
    return certificate, key


def _has_listener(endpoint: int | str | Path) -> bool:
    if isinstance(endpoint, int):
        return endpoint in _ports("tcp", "0A") | _ports("tcp6", "0A")
    # The flag that says that a UNIX socket accepts connections.
    lines = (line.split() for line in Path("/proc/net/unix").read_text().splitlines()[1:])
    return any(line[-1] == str(endpoint) and int(line[3], 16) & 0x10000 for line in lines)


def _ports(table: str, state: str) -> set[int]:
    lines = (line.split() for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:])
    return {int(line[1].rpartition(":")[2], 16) for line in lines if line[3] == state}
