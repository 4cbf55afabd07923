"""The private world of one run: network with only `lo`, /tmp, /proc, processes, host name.

`unshare` of util-linux makes the namespaces; this code, as their first process, sets them up.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import socket
import stat
import struct
import subprocess
from collections.abc import Sequence
from pathlib import Path

from .variant import LIBRARY, LOGS, RULE_FILE, WORK, rules

TMP = Path("/tmp")
HOST_NAME = "suites"
READER = "libsockshim_rulefile.so"

# Starts a program in new namespaces, and kills it when it is killed itself.
UNSHARE = (
    "unshare", "--net", "--mount", "--pid", "--uts", "--ipc", "--fork", "--kill-child", "--mount-proc",
)


def furnish(run_directory: Path, library: Path, variant: str, keep: Sequence[Path]) -> None:
    """Sets up the namespaces of this process for tests. `keep` are directories that must stay where they are,
    even if they are below /tmp."""
    _private_tmp(run_directory, library, variant, keep)
    # Otherwise two runs could use the same names of shared memory.
    _mount("-t", "tmpfs", "-o", "mode=1777", "tmpfs", "/dev/shm")
    _null()
    _names()
    _loopback_up()


def _private_tmp(run_directory: Path, library: Path, variant: str, keep: Sequence[Path]) -> None:
    """An empty /tmp in memory, with only the shim, a directory for the logs, and the directories to keep."""
    stage = run_directory / "stage"
    stage.mkdir(exist_ok=True)
    _mount("-t", "tmpfs", "-o", "mode=1777", "tmpfs", stage)

    def inside(path: str | Path) -> Path:
        return stage / Path(path).relative_to(TMP)

    inside(LIBRARY).parent.mkdir()
    shutil.copy(library, inside(LIBRARY))
    # The reader of files of rules stands beside the library.
    shutil.copy(library.with_name(READER), inside(LIBRARY).with_name(READER))
    inside(RULE_FILE).write_text(rules(variant))
    inside(WORK).mkdir()
    inside(LOGS).mkdir()
    logs = run_directory / "logs"
    logs.mkdir(exist_ok=True)
    # Servers that have given up their privileges log, too.
    logs.chmod(0o1777)
    _mount("--bind", logs, inside(LOGS))
    # A directory comes before those inside it. Not --rbind, which would mount the stage into itself.
    for path in sorted(path for path in keep if path.is_relative_to(TMP)):
        inside(path).mkdir(parents=True, exist_ok=True)
        _mount("--bind", path, inside(path))
    _mount("--move", stage, TMP)


def _null() -> None:
    """A /dev/null of one's own: tests that run as root have been seen to take everybody's permission to write away from
    the machine's, and a server that is not root then fails."""
    own = TMP / "sockshim" / "null"
    try:
        os.mknod(own, stat.S_IFCHR, os.makedev(1, 3))
    except PermissionError:
        # A container may refuse it; then the machine's own is used.
        return
    own.chmod(0o666)
    _mount("--bind", own, "/dev/null")


def _names() -> None:
    """A host name that can be looked up, and no name server: every look-up has the same answer on every machine."""
    socket.sethostname(HOST_NAME)
    files = {
        "/etc/hosts": f"127.0.0.1 localhost\n127.0.1.1 {HOST_NAME}\n::1 localhost ip6-localhost ip6-loopback\n",
        "/etc/resolv.conf": "# There is no name server here.\n",
    }
    for place, text in files.items():
        own = TMP / "sockshim" / Path(place).name
        own.write_text(text)
        # resolv.conf is often a link, possibly a broken one; its target is covered.
        if (target := Path(place).resolve()).exists():
            _mount("--bind", own, target)


def _loopback_up() -> None:
    """Takes `lo` up: netdevice(7), SIOCGIFFLAGS and SIOCSIFFLAGS."""
    get, put, up = 0x8913, 0x8914, 0x1
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        request = fcntl.ioctl(any_socket, get, struct.pack("16sH22x", b"lo", 0))
        flags = struct.unpack("16sH22x", request)[1]
        fcntl.ioctl(any_socket, put, struct.pack("16sH22x", b"lo", flags | up))


def _mount(*arguments: str | os.PathLike) -> None:
    subprocess.run(["mount", *arguments], check=True)
