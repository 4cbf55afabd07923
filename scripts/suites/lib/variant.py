"""The variants in which a suite is run, and the environment of each."""

from __future__ import annotations

# Natively; under the shim with logging off; under the shim with every call logged.
NATIVE, OFF, IO = "native", "off", "io"
VARIANTS = (NATIVE, OFF, IO)

# Under 50 rules about all calls, of which none ever holds; and a byte at a time, which not every program bears.
RULES, PIECES = "rules", "pieces"
RULED = (RULES, PIECES)

# Where a suite finds things in its private /tmp. The paths are the same in every variant, so that no test can tell the
# variants apart by them, and short enough for names of sockets.
WORK = "/tmp/work"
LOGS = "/tmp/logs"
LIBRARY = "/tmp/sockshim/libsockshim.so"
RULE_FILE = "/tmp/sockshim/rules.toml"


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
    if variant in RULED:
        return {"LD_PRELOAD": LIBRARY, "SOCKSHIM_CONFIG": RULE_FILE}
    environment = {"LD_PRELOAD": LIBRARY, "SOCKSHIM_LOG": variant}
    if variant != OFF:
        environment |= {"SOCKSHIM_LOG_FORMAT": "json", "SOCKSHIM_LOG_FILE": f"{LOGS}/%p.jsonl"}
    return environment


def rules(variant: str) -> str:
    """The file of rules of a variant; empty where there are none."""
    if variant == PIECES:
        return '[[rule]]\ncall = ["send", "recv"]\nlimit = 1\n'
    if variant != RULES:
        return ""
    # Addresses for documentation, users that nobody is, names that nobody may have: each is looked at in every call.
    with_remote = (
        f'call = ["connect", "send", "recv", "accept"]\nremote = "203.0.113.{n}:{n + 1}"\nfail = "EPERM"\n'
        for n in range(20)
    )
    with_local = (
        f'call = ["bind", "listen", "shutdown"]\nlocal = "198.51.100.{n}"\ndelay = "1h"\n' for n in range(10)
    )
    with_user = (
        f'call = ["socket", "socketpair", "setsockopt", "getsockopt"]\nuid = {4_000_000_000 + n}\nfail = "ENOMEM"\n'
        for n in range(10)
    )
    with_host = (f'call = "resolve"\nremote = "*.n{n}.invalid.example"\nfail = "EAI_FAIL"\n' for n in range(10))
    every = (*with_remote, *with_local, *with_user, *with_host)
    return "".join(f"[[rule]]\n{rule}" for rule in every)
