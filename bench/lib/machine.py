"""The machine of the measurements: enough to judge them by, and nothing that identifies it."""

import os
import platform
import re
import subprocess
from pathlib import Path


def first_line(*command):
    """The first line that a command prints."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    except OSError:
        return "not there"
    return ((done.stdout or done.stderr).splitlines() or [""])[0].strip()


def load():
    """The load averages of the last 1, 5 and 15 minutes."""
    return [round(value, 2) for value in os.getloadavg()]


def kernel():
    """The kernel's version without its suffix, because a build may be named after a machine."""
    return re.match(r"[\d.]+", platform.release())[0]


def describe():
    """Names and values, in the order in which they are printed."""
    cpu = re.search(r"^model name\s*: (.*)$", Path("/proc/cpuinfo").read_text(), re.M)
    memory = re.search(r"^MemTotal:\s*(\d+) kB", Path("/proc/meminfo").read_text(), re.M)
    governor = Path("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor")
    system = dict(re.findall(r'^(\w+)="?(.*?)"?$', Path("/etc/os-release").read_text(), re.M))
    return {
        "CPU": cpu[1] if cpu else platform.machine(),
        "CPUs": str(os.cpu_count()),
        "virtual machine": first_line("systemd-detect-virt", "--vm"),
        "frequency governor": governor.read_text().strip() if governor.exists() else "not visible",
        "memory": f"{int(memory[1]) // 1024} MiB" if memory else "unknown",
        "system": system.get("PRETTY_NAME", "unknown"),
        "kernel": kernel(),
        "libc": " ".join(platform.libc_ver()),
        "rustc": first_line("rustc", "--version"),
        "cc": first_line("cc", "--version"),
    }


def versions(packages):
    """Debian package → version, for those that are installed."""
    found = {}
    for package in packages:
        done = subprocess.run(
            ["dpkg-query", "-W", "-f=${Version}", package], capture_output=True, text=True, check=False
        )
        if done.returncode == 0 and done.stdout:
            found[package] = done.stdout
    return found
