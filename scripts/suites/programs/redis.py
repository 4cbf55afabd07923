"""redis: its command line, its benchmark, a replica, and what survives a kill."""

from __future__ import annotations

import re
import signal
import subprocess
from pathlib import Path

from ..lib.runner import Argument, Runner
from ..lib.suite import Outcomes, Suite
from . import kit

SOCKET = Path("/tmp/redis.socket")
TCP, IPV6, UNIX = ["-h", "127.0.0.1", "-p", "6379"], ["-h", "::1", "-p", "6379"], ["-s", str(SOCKET)]
REPLICA = ["-h", "127.0.0.1", "-p", "6380"]


def run(runner: Runner, short: bool) -> Outcomes:
    tests = kit.Tests(runner)
    requests = "2000" if short else "50000"
    server = start(runner, "6379", "--unixsocket", str(SOCKET), "--appendonly", "yes", "--appendfsync", "always")
    for name, where in {"TCP": TCP, "IPv6": IPV6, "UNIX socket": UNIX}.items():
        with tests.test(f"{name}: redis-cli") as saw:
            talk(runner, saw, where, 3_000_000 if short else 20_000_000)
    for name, where in {"TCP": TCP, "UNIX socket": UNIX}.items():
        with tests.test(f"{name}: benchmark -P 16") as saw:
            saw(benchmark(runner, where, "-P", "16", "-n", requests, "-t", "ping,set,get,incr,lpush,rpop,mset"))
    with tests.test("benchmark with threads") as saw:
        saw(benchmark(runner, TCP, "--threads", "2", "-n", requests, "-t", "set,get"))

    with tests.test("20,000 keys in one stream") as saw:
        cli(runner, TCP, "flushall")
        stream = b"".join(b"SET key:%d %d\r\n" % (number, number * number) for number in range(20_000))
        said = kit.succeed(runner, ["redis-cli", *TCP, "--pipe"], input=stream).decode()
        saw(said.splitlines()[-1])
        saw(cli(runner, TCP, "debug", "digest"))
    with tests.test("publish and subscribe") as saw:
        saw(publish(runner, 500))
    with tests.test("replication") as saw:
        saw(replicate(runner))
    with tests.test("append-only file after a kill") as saw:
        before = cli(runner, TCP, "debug", "digest")
        saw(kit.ended(runner, server, signal.SIGKILL))
        server = start(runner, "6379", "--appendonly", "yes")
        kit.same(cli(runner, TCP, "debug", "digest"), before, "the data")
        saw(before)
    with tests.test("end") as saw:
        saw(cli(runner, TCP, "shutdown", "save"))
        saw(f"exit {server.wait(kit.DEADLINE)}")
    tests.log_shows(
        ("redis-server", "accept", "inet_stream_ops", 3),
        ("redis-server", "accept", "inet6_stream_ops"),
        ("redis-server", "accept", "unix_stream_ops"),
        # The replica.
        ("redis-server", "connect", "inet_stream_ops"),
        ("redis-server", "read", "inet_stream_ops", 3),
        ("redis-cli", "connect", "inet_stream_ops", 4),
        ("redis-cli", "connect", "inet6_stream_ops"),
        ("redis-cli", "connect", "unix_stream_ops"),
        ("redis-benchmark", "connect", "inet_stream_ops", 2),
        ("redis-benchmark", "connect", "unix_stream_ops"),
    )
    return tests.outcomes


def start(runner: Runner, port: str, *options: Argument) -> subprocess.Popen[bytes]:
    directory = runner.work / port
    directory.mkdir(exist_ok=True)
    argv = ["redis-server", "--port", port, "--bind", "127.0.0.1", "::1", "--save", "", "--dir", directory]
    server = runner.start([*argv, "--enable-debug-command", "local", "--repl-diskless-sync-delay", "0", *options])
    kit.listens(int(port))
    # It listens before it has read its data.
    kit.wait_until("redis is ready", lambda: _try(runner, "-p", port, "ping") == "PONG")
    return server


def cli(runner: Runner, where: list[str], *command: str) -> str:
    return kit.succeed(runner, ["redis-cli", *where, *command]).decode().strip()


def _try(runner: Runner, *command: str) -> str:
    result = runner.run(["redis-cli", *command], timeout=kit.DEADLINE, merge=True)
    return result.stdout.decode().strip()


def talk(runner: Runner, saw: kit.Saw, where: list[str], size: int) -> None:
    """Commands with every kind of answer, and a value that takes many reads and writes."""
    commands = (
        "flushall\nset greeting hello\nget greeting\nincr greeting\nget nothing\nrpush list a b c\nlrange list 0 -1\n"
        "hset hash field value\nhgetall hash\nmulti\nincr counter\nincr counter\nexec\nxadd log 1-1 a b\n"
        "eval 'return redis.call(\"incr\",KEYS[1])' 1 counter\nno-such-command\n"
    )
    saw(kit.succeed(runner, ["redis-cli", *where], input=commands.encode()).decode())
    value = kit.noise(size)
    saw(kit.succeed(runner, ["redis-cli", *where, "-x", "set", "large"], input=value).decode())
    got = kit.succeed(runner, ["redis-cli", *where, "get", "large"])
    kit.same(kit.checksum(got.removesuffix(b"\n")), kit.checksum(value), "the value")
    saw(cli(runner, where, "del", "large"))


def benchmark(runner: Runner, where: list[str], *options: str) -> list[str]:
    """Only that each test finished is recorded: the numbers differ from run to run."""
    said = kit.succeed(runner, ["redis-benchmark", *where, "-q", *options]).decode()
    return re.findall(r"([A-Z_]+)[^:\r\n]*: [0-9.]+ requests per second", said)


def publish(runner: Runner, messages: int) -> str:
    """A subscriber gets every message, in order."""
    subscriber = kit.start(runner, ["redis-cli", *UNIX, "subscribe", "news"])
    kit.wait_until("there is a subscriber", lambda: cli(runner, TCP, "pubsub", "numsub", "news").endswith("1"))
    commands = "".join(f"publish news message-{number}\n" for number in range(messages))
    said = kit.succeed(runner, ["redis-cli", *TCP], input=commands.encode()).decode().split()
    kit.wait_until("the last message is there", lambda: kit.written(subscriber).decode().rstrip().endswith(f"message-{messages - 1}"))
    got = re.findall(r"message-(\d+)", kit.written(subscriber).decode())
    kit.same(got, [str(number) for number in range(messages)], "the messages")
    return f"receivers: {set(said)}, subscriber: {kit.ended(runner, subscriber)}"


def replicate(runner: Runner) -> str:
    """A replica gets what was there before and what comes afterwards, and goes on alone."""
    replica = start(runner, "6380", "--replicaof", "127.0.0.1 6379")
    kit.wait_until("the replica is linked", lambda: "master_link_status:up" in cli(runner, REPLICA, "info", "replication"))
    large = kit.noise(5_000_000, seed=2)
    kit.succeed(runner, ["redis-cli", *TCP, "-x", "set", "large"], input=large)
    seen = [cli(runner, TCP, "wait", "1", "60000"), _try(runner, *REPLICA, "set", "a", "b")]
    digest = cli(runner, TCP, "debug", "digest")
    kit.wait_until("both have the same", lambda: cli(runner, REPLICA, "debug", "digest") == digest)
    got = kit.succeed(runner, ["redis-cli", *REPLICA, "get", "large"])
    kit.same(kit.checksum(got.removesuffix(b"\n")), kit.checksum(large), "the value")
    seen += [digest, cli(runner, REPLICA, "replicaof", "no", "one"), cli(runner, REPLICA, "set", "a", "b")]
    return ", ".join([*seen, kit.ended(runner, replica)])


SUITE = Suite(
    name="programs/redis",
    packages=("redis-server", "redis-tools"),
    run=run,
    short=True,
    deadline=1800,
)
