"""The variants in which a suite is run, and the environment of each."""

from __future__ import annotations

# Natively; under the shim with logging off; under the shim with every call logged.
NATIVE, OFF, IO = "native", "off", "io"
VARIANTS = (NATIVE, OFF, IO)

# Where a suite finds things in its private /tmp. The paths are the same in every variant, so that no test can tell the
# variants apart by them, and short enough for names of sockets.
WORK = "/tmp/work"
LOGS = "/tmp/logs"
LIBRARY = "/tmp/sockshim/libsockshim.so"


def plain_environment(work: str = WORK) -> dict[str, str]:
    """The environment that all variants share. It starts empty, so that a run is the same on every machine."""
    return {
        "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "HOME": f"{work}/home",
        "USER": "root",
        "LOGNAME": "root",
        "LANG": "C.UTF-8",
        "TERM": "dumb",
        # A shell of its own choice would otherwise come from the account's entry in /etc/passwd.
        "SHELL": "/bin/sh",
    }


def shim_environment(variant: str) -> dict[str, str]:
    """What is added for a program under test."""
    if variant == NATIVE:
        return {}
    environment = {"LD_PRELOAD": LIBRARY, "SOCKSHIM_LOG": variant}
    if variant != OFF:
        environment |= {"SOCKSHIM_LOG_FORMAT": "json", "SOCKSHIM_LOG_FILE": f"{LOGS}/%p.jsonl"}
    return environment
