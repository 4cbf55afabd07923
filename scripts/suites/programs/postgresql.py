"""postgresql: a server that makes a process for each client, with pgbench, psql and a standby."""

from __future__ import annotations

import re
import signal
import subprocess
from pathlib import Path

from ..lib.runner import Argument, Runner
from ..lib.suite import Outcomes, Suite
from . import kit

TCP, IPV6, UNIX = ["-h", "127.0.0.1"], ["-h", "::1"], ["-h", "/tmp"]


def run(runner: Runner, short: bool) -> Outcomes:
    tests = kit.Tests(runner)
    runner.work.chmod(0o777)
    with tests.test("initdb") as saw:
        # It starts the server by itself, alone.
        initdb = as_postgres(runner, "initdb", "-D", runner.work / "data", "--auth=trust", "--no-sync", "--no-locale", "-E", "UTF8")
        kit.succeed(runner, initdb, shim=False)
        saw((runner.work / "data" / "PG_VERSION").read_text())
    server = start(runner, "data", "5432")
    for name, where in {"TCP": TCP, "IPv6": IPV6, "UNIX socket": UNIX}.items():
        with tests.test(f"{name}: psql") as saw:
            saw(psql(runner, where, "create table t as select n, md5(n::text) from generate_series(1, 1000) n; "
                     "select count(*), sum(n), max(md5) from t; drop table t; select 1/0"))  # fmt: skip
        with tests.test(f"{name}: copy in and out") as saw:
            saw(copy(runner, where))
        with tests.test(f"{name}: pgbench") as saw:
            saw(pgbench(runner, where, "100" if short else "2000"))
    with tests.test("notifications") as saw:
        saw(re.sub(r"PID \d+", "PID n", psql(runner, UNIX, "listen a; notify a, 'b'")))
    with tests.test("a query is cancelled") as saw:
        saw(psql(runner, TCP, "set statement_timeout = '50ms'; select pg_sleep(1000)"))
    with tests.test("workers in parallel") as saw:
        saw(psql(runner, TCP, "set parallel_setup_cost = 0; set parallel_tuple_cost = 0; set min_parallel_table_scan_size = 0; "
                 "select count(*) from pgbench_accounts where abs(aid) % 7 = 1"))  # fmt: skip
    with tests.test("a standby") as saw:
        saw(standby(runner))
    with tests.test("a backend is killed") as saw:
        saw(psql(runner, UNIX, "select pg_sleep(0); \\! true"))
        backend = psql(runner, UNIX, "copy (select pg_backend_pid()) to program 'read pid; kill -KILL $pid'")
        saw("server closed the connection" in backend)
        kit.wait_until("the server has recovered", lambda: psql(runner, UNIX, "select 1") == "1 exit 0")
    with tests.test("end") as saw:
        # SIGINT: a fast shutdown.
        saw(kit.ended(runner, server, signal.SIGINT))
    tests.log_shows(
        ("postgres", "accept", "inet_stream_ops"),
        ("postgres", "accept", "inet6_stream_ops"),
        ("postgres", "accept", "unix_stream_ops"),
        ("postgres", "read", "inet_stream_ops", 10),
        ("postgres", "write", "unix_stream_ops", 5),
        # Its collector of statistics, and the standby's connection.
        ("postgres", "connect", "inet_stream_ops"),
        ("pgbench", "connect", "inet_stream_ops"),
        ("pgbench", "connect", "unix_stream_ops"),
        ("psql", "connect", "inet_stream_ops", 3),
        ("psql", "connect", "inet6_stream_ops"),
        ("psql", "connect", "unix_stream_ops", 3),
    )
    return tests.outcomes


def as_postgres(runner: Runner, program: str, *arguments: Argument) -> list[Argument]:
    """The server's programs refuse to be run by root."""
    directory = max(Path("/usr/lib/postgresql").iterdir())
    return kit.as_user(runner, "postgres", [directory / "bin" / program, *arguments])


def start(runner: Runner, data: str, port: str) -> subprocess.Popen[bytes]:
    settings = ["listen_addresses=127.0.0.1,::1", "unix_socket_directories=/tmp", "fsync=off", "wal_level=replica"]
    options = [part for setting in settings for part in ("-c", setting)]
    server = runner.start(as_postgres(runner, "postgres", "-D", runner.work / data, "-p", port, *options), shim=False)
    argv = ["psql", "-U", "postgres", "-h", "/tmp", "-p", port, "-c", "select 1"]
    kit.wait_until("postgres answers", lambda: runner.run(argv, timeout=kit.DEADLINE, shim=False).returncode == 0)
    return server


def psql(runner: Runner, where: list[str], commands: str, port: str = "5432") -> str:
    argv = ["psql", "-U", "postgres", "-X", "-A", "-t", "-q", "-p", port, *where]
    # Each command is a transaction of its own.
    commands = "".join(f"{command};\n" for command in commands.split("; "))
    result = runner.run(argv, timeout=kit.DEADLINE, input=commands.encode(), merge=True)
    return f"{' '.join(result.stdout.decode().split())} exit {result.returncode}"


def copy(runner: Runner, where: list[str]) -> str:
    """Rows through the server and back."""
    rows = b"".join(b"%d\t%s\n" % (number, kit.noise(40, number).hex().encode()) for number in range(100_000))
    (runner.work / "rows").write_bytes(rows)
    (runner.work / "rows.back").unlink(missing_ok=True)
    said = psql(runner, where, f"create table c (n int, t text); \\copy c from {runner.work}/rows\n"
                f"; \\copy (select * from c order by n) to {runner.work}/rows.back\n; drop table c")  # fmt: skip
    kit.same(kit.checksum(runner.work / "rows.back"), kit.checksum(rows), f"the rows ({said})")
    return kit.checksum(rows)


def pgbench(runner: Runner, where: list[str], transactions: str) -> str:
    """A fixed number of transactions, after which the sums agree."""
    argv = ["pgbench", "-U", "postgres", *where, "postgres"]
    kit.succeed(runner, [*argv, "-i", "-q"])
    seen = []
    for mode in ["simple", "prepared"]:
        said = kit.succeed(runner, [*argv, "-n", "-c", "4", "-j", "2", "-t", transactions, "-M", mode]).decode()
        seen += re.findall(r"transactions actually processed.*|failed transactions: \d+", said)
    seen.append(psql(runner, where, "select count(*) from pgbench_history; select (select sum(abalance) from pgbench_accounts) "
                     "= sum(delta), (select sum(bbalance) from pgbench_branches) = sum(delta) from pgbench_history"))  # fmt: skip
    return ", ".join(seen)


def standby(runner: Runner) -> str:
    """A copy of the running server that follows it."""
    copy_of = runner.work / "standby"
    backup = as_postgres(runner, "pg_basebackup", "-h", "127.0.0.1", "-D", copy_of, "-R", "-c", "fast", "--no-sync")
    kit.succeed(runner, backup, shim=False)
    server = start(runner, "standby", "5433")
    psql(runner, TCP, "create table s as select generate_series(1, 1000) n")
    there = "select count(*) from pg_tables where tablename = 's'"
    kit.wait_until("the table is there", lambda: psql(runner, TCP, there, "5433") == "1 exit 0")
    query = "select count(*), sum(n) from s; insert into s values (1)"
    kit.wait_until("its rows are there", lambda: "1000|500500" in psql(runner, TCP, query, "5433"))
    return f"{psql(runner, TCP, query, '5433')}, {kit.ended(runner, server, signal.SIGINT)}"


SUITE = Suite(
    name="programs/postgresql",
    packages=("postgresql", "util-linux"),
    run=run,
    deadline=1800,
)
