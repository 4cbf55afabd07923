"""The variants in which a program is run: bare, under sockshim at each level, and under the peers.

Every peer comes from a Debian package. One that cannot run here is left out, and the report has the reason.
"""

import os
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

from bench.lib.paths import clean_environment, shim

NETWORK = (
    "socket,socketpair,bind,listen,accept,accept4,connect,getsockname,getpeername,sendto,recvfrom,"
    "setsockopt,getsockopt,shutdown,sendmsg,sendmmsg,recvmsg,recvmmsg"
)


@dataclass(frozen=True)
class Variant:
    """One variant."""

    name: str
    what: str
    prefix: tuple = ()
    environment: dict = field(default_factory=dict, hash=False)
    peer: bool = False
    client: bool = False  # The other end must run in the same variant.
    speed: float = 1  # Roughly, how many requests to ask for in the same time.

    def command(self, *command):
        """The command with its prefix."""
        return [*self.prefix, *map(str, command)]

    def env(self):
        """Its environment."""
        return clean_environment(**self.environment)


BARE = Variant("bare", "the program alone")


def ours(work):
    """sockshim, and bare once more: its difference from bare is the noise."""

    def level(name, what):
        log = {} if name == "off" else {"SOCKSHIM_LOG": name, "SOCKSHIM_LOG_FILE": f"{work}/sockshim.%p.log"}
        return Variant(name, what, environment={"LD_PRELOAD": str(shim())} | log)

    return [
        Variant("control", "bare once more, paired with bare like every other variant"),
        level("off", "sockshim, logging off"),
        level("decision", "sockshim, SOCKSHIM_LOG=decision"),
        level("call", "sockshim, SOCKSHIM_LOG=call"),
        level("io", "sockshim, SOCKSHIM_LOG=io"),
        rules(work),
    ]


# Ten rules about connect, none of which concerns what the drivers connect to.
TEN_RULES = "".join(
    f'[[rule]]\ncall = "connect"\nremote = "10.{n}.0.0/16:{5400 + n}"\nfail = "ECONNREFUSED"\n' for n in range(10)
)


def rules(work):
    """sockshim with ten rules and without a log, as what a program starts gets them: compiled."""
    file = Path(work) / "rules.toml"
    file.write_text(TEN_RULES)
    first = clean_environment(LD_PRELOAD=str(shim()), SOCKSHIM_CONFIG=str(file))
    given = subprocess.run(["env", "-0"], env=first, capture_output=True, check=False).stdout.split(b"\0")
    # The first process has read the file, and what it has started is told what is in it: env is the first one here.
    seen = dict(line.decode().split("=", 1) for line in given if b"=" in line)
    variables = {name: value for name, value in seen.items() if name.startswith("SOCKSHIM_")}
    return Variant("rules", "sockshim, ten rules, logging off", environment={"LD_PRELOAD": str(shim())} | variables)


def peers(work):
    """Tracers that see the same calls, and other preloaded libraries."""
    work = Path(work)
    wrapper = work / "socket_wrapper"
    wrapper.mkdir(exist_ok=True)
    # Loopback is exempt from both proxies: what is measured is the hooks.
    tor, chains = work / "torsocks.conf", work / "proxychains.conf"
    tor.write_text("AllowInbound 1\nAllowOutboundLocalhost 1\n")
    chains.write_text(
        "strict_chain\nquiet_mode\nlocalnet 127.0.0.0/255.0.0.0\n[ProxyList]\nsocks4 127.0.0.1 1\n"
    )

    def peer(name, what, prefix="", **options):
        return Variant(name, what, tuple(prefix.split()), peer=True, **options)

    tracers = {
        "strace": ("strace -f -o /dev/null -e trace=%network", 0.15),
        "strace-seccomp": ("strace -f --seccomp-bpf -o /dev/null -e trace=%network", 0.5),
        # read and write on sockets too, which level io sees and %network does not.
        "strace-desc": ("strace -f --seccomp-bpf -o /dev/null -e trace=%network,%desc", 0.15),
        "ltrace": ("ltrace -f -o /dev/null", 0.02),
        "perf-trace": (f"perf trace -o /dev/null -e {NETWORK}", 0.2),
    }
    return [
        *(peer(name, f"`{prefix}`", prefix, speed=speed) for name, (prefix, speed) in tracers.items()),
        peer(
            "socket_wrapper",
            "libsocket_wrapper.so: AF_INET over AF_UNIX",
            environment={"LD_PRELOAD": "libsocket_wrapper.so", "SOCKET_WRAPPER_DIR": str(wrapper)},
            client=True,
        ),
        peer("mptcpize", "MPTCP instead of TCP", "mptcpize run"),
        peer("torsocks", "loopback exempt", "torsocks", environment={"TORSOCKS_CONF_FILE": str(tor)}),
        peer("proxychains4", "loopback exempt", f"proxychains4 -q -f {chains}"),
    ]


def why_not(variant):
    """Why a variant cannot run here; None if it can."""
    if variant.prefix and not shutil.which(variant.prefix[0]):
        return f"{variant.prefix[0]} is not installed"
    try:
        command = variant.command("cat", "/proc/self/maps")
        done = subprocess.run(command, env=variant.env(), capture_output=True, text=True, timeout=60)
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    if done.returncode != 0:
        return (done.stderr.strip().splitlines() or ["it failed without a word"])[-1]
    library = variant.environment.get("LD_PRELOAD")
    if library and os.path.basename(library) not in done.stdout:
        return f"{os.path.basename(library)} is not installed"
    return None


def available(work, names=None):
    """The variants that can run, and the reasons of those that cannot. `names` limits them."""
    chosen = [v for v in ours(work) + peers(work) if not names or v.name in ("control", *names)]
    reasons = {v.name: why_not(v) for v in chosen}
    return [v for v in chosen if not reasons[v.name]], {n: why for n, why in reasons.items() if why}
