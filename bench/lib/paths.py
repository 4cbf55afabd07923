"""Where things are, and the programs in C that are compiled for a measurement."""

import os
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BENCH = ROOT / "bench"


def target():
    """Cargo's target directory, as cargo understands CARGO_TARGET_DIR."""
    return ROOT / os.environ.get("CARGO_TARGET_DIR", "target")


def shim():
    """The preload library: SOCKSHIM_SO, or the release build."""
    path = Path(os.environ.get("SOCKSHIM_SO") or target() / "release/libsockshim.so").resolve()
    if not path.is_file():
        raise SystemExit(f"{path} does not exist; run: cargo build --release")
    return path


def compiled(source, name, *flags):
    """Compiles a source of this repository, unless the result is newer than the source. Returns the path of the result.

    The compiler writes to a temporary name, so that concurrent measurements never run an unfinished program."""
    source = ROOT / source
    result = target() / "bench" / name
    if result.exists() and result.stat().st_mtime > source.stat().st_mtime:
        return result
    result.parent.mkdir(parents=True, exist_ok=True)
    unfinished = result.with_name(f"{result.name}.{os.getpid()}")
    command = ["cc", "-O2", "-Wall", "-Wextra", "-Werror", "-pthread", "-o", unfinished, source, *flags]
    if subprocess.run(command).returncode != 0:
        raise SystemExit(f"{source.relative_to(ROOT)} does not compile")
    unfinished.rename(result)
    return result


def clean_environment(**extra):
    """The environment without anything that preloads or configures the shim."""
    kept = {k: v for k, v in os.environ.items() if k != "LD_PRELOAD" and not k.startswith("SOCKSHIM_")}
    return kept | extra
