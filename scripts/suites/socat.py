"""Socat's own tests, from Debian's source package, against Debian's programs.

They are one shell script, `test.sh`, that mostly sleeps. So its tests are dealt to several runs of it at once. Each has
namespaces of its own, because many tests are about a multicast group, a raw protocol or a port. Everything that the
script starts is under test with it: the shells, openssl, and the tools that look at processes and sockets.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from .lib.debsrc import command, installed, source
from .lib.runner import Runner
from .lib.suite import Outcomes, Suite

SHARDS = 8
# How long socat lingers after the end of its input, and the unit of many sleeps of the script, in seconds. The script's
# own 0.1 s is too short for a busy machine.
PATIENCE = "1"
# Against hangs only: the script itself has no deadline. A test that says nothing for so long is ended.
TEST_DEADLINE = 300
# A number above that of any test; the script takes numbers without a test for what they are.
TOO_MANY = 600

# A few of each kind of address, of the options, and of the tests about inherited descriptors and child processes.
SHORT = (
    "UNISTDIO", "DUALFDS", "NAMEDPIPE", "EXECSOCKET", "SYSTEMPIPESFDS", "EXECPTY",
    "RAWIP4SELF", "TCPSELF", "UDPSELF", "UNIXSTREAM", "TCP4", "TCP6", "UDP4STREAM",
    "GOPENUNIXSEQPACKET", "GOPENUNIXDGRAM", "CHILDDEFAULT", "CHILDSETSID",
    "TCP4LISTEN_HALFCLOSE", "UNIXLISTEN_HALFCLOSE", "OPENSSL4SERVER_HALFCLOSE", "SOCKS4CONNECT_TCP4",
    "PROXYCONNECT_TCP4", "TCP4NOFORK", "NOFORKSETSID", "SINGLEEXECOUTSOCKETPAIR", "TCP4RANGEBITS", "FILANSOCKET",
    "UDPLISTENFORK", "TCP4LISTENFORK", "UNIXLISTENFORK", "NESTEDSOCATEXEC", "RAWIP4RECVFROM",
    "UDP4MULTICAST_UNIDIR", "ABSTRACTSTREAM", "ABSTRACTDGRAM", "EXCEED_FOPEN_MAX",
    "UDP4SCM_IP_TTL", "UDP6SCM_IPV6_PKTINFO", "TCP4LISTENENV", "UNIXLISTENENV",
    "SOCKET_CONNECT_TCP4", "SOCKET_LISTEN", "SOCKET_DATAGRAM", "SETSOCKOPT", "SO_REUSEPORT",
    "UNIX_CONNECT_UNLINK", "UDP_DATAGRAM_PEERPORT", "CONNECT_TO_DGRAM", "SEND_TO_STREAM", "SEQPACKET_TO_DGRAM",
)  # fmt: skip

# Counted natively on a busy machine, as PATIENCE has it (338 and 339: with 0.3 s).
LEFT_OUT = {
    "62 OPENSSL_TCP4": "failed in 9 of 30 native runs",
    "*SCM_SCM_TIMESTAMP": "the minute of a packet is compared with that of a moment later: on a busy machine, 240 "
    "failed in 1 of 130 native runs; the others are the same code",
    "338 ENV_OPENSSL_CLIENT_X509_SUBJECT": "no result in 2 of 64 native runs; a child's end while socat closes makes "
    "it free a context of OpenSSL twice, after which it crashes or loops",
    "339 ENV_OPENSSL_CLIENT_X509_ISSUER": "no result in 3 of 64 native runs, for the same reason as 338",
    "400 OPENSSL_DTLS_SERVER": "failed in 20 of 30 native runs",
    "416 OPENSSL_CLIENT_IP6_CN": "the server is killed as soon as the client ends: failed in 22 of 42 native runs",
    "407 ACCEPTTIMEOUT": "a time limit of 1 s and a sleep of 1 s race: failed in 3 of 34 native runs",
}

# What makes the namespaces of a run the script's own. The addresses for multicast and broadcast need a route; it leads
# to `lo`, as there is nothing else. The script is started as a job, because one of its tests, like any use from a
# terminal, expects that it leads a process group and no session.
FURNISH = """
ip link set lo up
ip route add default dev lo
ip -6 route add default dev lo
ip -6 route add multicast ff00::/8 dev lo table local
set -m
"$@" </dev/null >"$OUTPUT" 2>"$OUTPUT.errors"
"""
UNSHARE = ("unshare", "--net", "--pid", "--fork", "--kill-child", "--mount-proc", "bash", "-c", FURNISH, "furnish")
PROGRAMS = {"SOCAT": "/usr/bin/socat", "FILAN": "/usr/bin/filan", "PROCAN": "/usr/bin/procan"}

# "test  34 TCP6: echo via connection to TCP V6 socket... OK"; the word at the end may come on a line of its own.
TEST = re.compile(r"^test +(\d+) ([^\s:]+):", re.MULTILINE)
VERDICT = re.compile(r"(?:^|\.\.\. ?)(OK|FAILED|NO RESULT)\b", re.MULTILINE)
REASON = re.compile(r"\.\.\. *[^ \n]")
WORDS = {"OK": "pass", "FAILED": "fail", "NO RESULT": "error"}


def prepare(prepared: Path) -> None:
    """Unpacks the source, and makes the parameters for Diffie-Hellman, which may take a minute."""
    source("socat", prepared)
    parameters = prepared / "testcert.dh"
    if not parameters.exists():
        made = prepared / "testcert.dh.new"
        command(["openssl", "dhparam", "-out", str(made), "2048"])
        made.rename(parameters)


def version(_prepared: Path) -> str:
    return installed("socat")[1]


def run(runner: Runner, short: bool) -> Outcomes:
    """Runs the tests in shards. One that hangs is ended, and its shard goes on behind it."""
    tests = wanted(runner, short)
    shards = [Shard(runner, number, tests[number::SHARDS]) for number in range(min(SHARDS, len(tests)))]
    running = shards
    while running := [shard for shard in running if shard.goes_on()]:
        time.sleep(0.2)
    return {test: outcome for shard in shards for test, outcome in shard.outcomes.items()}


def wanted(runner: Runner, short: bool) -> list[str]:
    """What selects the tests of this run: numbers or names, both of which the script takes."""
    if runner.only is not None:
        return sorted(test.split()[0] for test in runner.only)
    return list(SHORT) if short else [str(number) for number in range(1, TOO_MANY)]


@dataclass
class Shard:
    """One run of the script after the other, until all of some tests have an outcome."""

    runner: Runner
    number: int
    # What is still to be run, by number or name.
    tests: list[str]
    outcomes: Outcomes = field(default_factory=dict)
    runs: int = 0
    process: subprocess.Popen[bytes] | None = None

    def goes_on(self) -> bool:
        """Looks after the script, and says whether it has to be looked after again."""
        if self.process is None:
            self._start()
            return True
        ended = self.process.poll() is not None
        if not ended and not self._hangs():
            return True
        self.runner.stop(self.process, patience=1)
        self.process = None
        outcomes = parse(self._output.read_text(errors="replace"))
        if not ended and outcomes:
            outcomes[list(outcomes)[-1]] = "timeout"
        self.outcomes |= outcomes
        # The script takes its tests in an order of its own, so that what had no turn is what has no outcome. If the
        # script made nothing of them, it will not do so another time.
        self.tests = [] if ended or not outcomes else remaining(self.tests, outcomes)
        return bool(self.tests)

    @property
    def _place(self) -> Path:
        """Where the script of this run works."""
        return self.runner.work / f"socat{self.number}.{self.runs}"

    @property
    def _output(self) -> Path:
        """What it writes; kept with the output of other programs."""
        return self.runner.work / "output" / f"{self._place.name}.txt"

    def _hangs(self) -> bool:
        """Whether the script has said nothing for too long; it says the name of a test before it begins it."""
        return self._output.exists() and time.time() - self._output.stat().st_mtime > TEST_DEADLINE

    def _start(self) -> None:
        self.runs += 1
        shutil.copytree(source("socat", self.runner.prepared), self._place, symlinks=True)
        shutil.copy(self.runner.prepared / "testcert.dh", self._place)
        environment = self.runner.env | PROGRAMS | {"TMPDIR": str(self._place)}
        if log := environment.get("SOCKSHIM_LOG_FILE"):
            # Process ids are the same in every shard.
            environment["SOCKSHIM_LOG_FILE"] = log.replace("%p", f"{self.number}.{self.runs}.%p")
        variables = [f"{name}={value}" for name, value in environment.items()]
        # "-N0" takes back what Debian's own build leaves out.
        script = ["bash", "./test.sh", "-t", PATIENCE, "-N0", *self.tests]
        self.process = self.runner.start(
            [*UNSHARE, "env", "--unset=OUTPUT", *variables, *script],
            cwd=self._place,
            env_extra={"OUTPUT": str(self._output)},
            shim=False,
        )


def remaining(tests: Iterable[str], outcomes: Outcomes) -> list[str]:
    """The tests, by number or name, that were not reached."""
    done = {word for test in outcomes for word in test.split()}
    last = max(int(test.split()[0]) for test in outcomes)
    return [test for test in tests if test not in done and not (test.isdigit() and int(test) < last)]


def parse(output: str) -> Outcomes:
    """The outcome of each test, by its number and name, from what the script writes."""
    outcomes: Outcomes = {}
    begins = list(TEST.finditer(output))
    ends = [begin.start() for begin in begins[1:]] + [len(output)]
    for begin, end in zip(begins, ends):
        test = f"{begin[1]} {begin[2]}"
        if verdict := VERDICT.search(output, begin.end(), end):
            outcomes[test] = WORDS[verdict[1]]
        else:
            # The script says in words of its own why a test cannot be performed.
            outcomes[test] = "skip" if REASON.search(output, begin.end(), end) else "error"
    return outcomes


SUITE = Suite(
    name="socat",
    run=run,
    packages=("dpkg-dev", "iproute2", "iputils-ping", "net-tools", "openssl", "procps", "psmisc", "socat"),
    prepare=prepare,
    version=version,
    short=True,
    left_out=LEFT_OUT,
)
