"""Debian's source packages, of the version that is installed.

A suite runs the tests of an upstream project against the binary that Debian built from it. The tests are in the source
package only, and many machines have no deb-src lines. So the machine's own deb lines are read as deb-src, in a
configuration of apt that is ours alone: the machine's lists and sources stay as they are.
"""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
from pathlib import Path

SOURCES = Path("/etc/apt")
# The distribution's release, such as "bookworm".
CODENAME = platform.freedesktop_os_release().get("VERSION_CODENAME", "")


def source(package: str, directory: Path) -> Path:
    """The unpacked source, with Debian's patches, of the installed version of binary `package`.

    It is fetched once, into `directory`; another version gets a tree of its own.
    """
    name, version = installed(package)
    tree = directory / f"{name}-{version.replace(':', '_')}"
    if tree.is_dir():
        return tree
    fetched = directory / "fetched"
    shutil.rmtree(fetched, ignore_errors=True)
    fetched.mkdir(parents=True)
    description = download(name, version, fetched)
    unpacked = fetched / "tree"
    command(["dpkg-source", "--extract", description.name, unpacked.name], fetched)
    # Renamed at the end, so that a tree that is there is complete.
    unpacked.rename(tree)
    shutil.rmtree(fetched)
    return tree


def installed(package: str) -> tuple[str, str]:
    """Name and version of the source package that the installed `package` was built from."""
    answer = command(["dpkg-query", "--show", "--showformat=${source:Package} ${source:Version}", package])
    name, version = answer.split()
    return name, version


def download(name: str, version: str, directory: Path) -> Path:
    """Fetches the files of a source package; the others are unpacked with the description (.dsc)."""
    sources = directory / "sources"
    sources.mkdir()
    for file, text in sources_of_machine().items():
        (sources / file).write_text(text)
    lists = directory / "lists"
    (lists / "partial").mkdir(parents=True)
    options = [
        "-o", "Dir::Etc::sourcelist=/dev/null",
        "-o", f"Dir::Etc::sourceparts={sources}",
        "-o", f"Dir::State::lists={lists}",
        "-o", f"Dir::Cache={directory / 'cache'}",
        # apt drops its privileges for fetching, and that user may not be able to write here.
        "-o", "APT::Sandbox::User=root",
    ]
    # `update` fails for a source without source packages; what counts is whether the file is fetched.
    update = subprocess.run(["apt-get", "update", *options], capture_output=True, text=True, cwd=directory)
    try:
        command(["apt-get", "source", "--download-only", *options, f"{name}={version}"], directory)
    except RuntimeError as error:
        raise RuntimeError(f"{error}\napt-get update had said: {update.stderr}") from None
    (description,) = directory.glob("*.dsc")
    return description


def sources_of_machine() -> dict[str, str]:
    """The machine's sources of binary packages as sources of source packages, by the name of their file."""
    found: dict[str, str] = {}
    files = [SOURCES / "sources.list", *sorted((SOURCES / "sources.list.d").glob("*"))]
    for file in files:
        if not file.is_file():
            continue
        if file.suffix == ".list":
            found[file.name] = "".join(one_line(line) for line in file.read_text().splitlines())
        elif file.suffix == ".sources":
            found[file.name] = "\n".join(stanza(text) for text in file.read_text().split("\n\n"))
    return {file: text for file, text in found.items() if text.strip()}


def one_line(line: str) -> str:
    """`deb [options] URI suite component…` as a deb-src line; nothing for any other line."""
    words = line.split()
    if not words or words[0] != "deb":
        return ""
    # Options stand in brackets, and may have blanks in them.
    rest = line.split("]", 1)[-1].split() if "[" in line else words[1:]
    suite = rest[1] if len(rest) > 1 else ""
    return line.replace("deb", "deb-src", 1) + "\n" if of_distribution(suite) else ""


def stanza(text: str) -> str:
    """A stanza of a deb822 file for source packages; nothing if it is for another distribution, or disabled."""
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    fields = {key.lower(): value.split() for key, _, value in (line.partition(":") for line in lines)}
    if "deb" not in fields.get("types", ()) or fields.get("enabled") == ["no"]:
        return ""
    if not any(of_distribution(suite) for suite in fields.get("suites", ())):
        return ""
    kept = [line for line in lines if not line.lower().startswith("types:")]
    return "\n".join(["Types: deb-src", *kept]) + "\n"


def of_distribution(suite: str) -> bool:
    """Whether a suite is one of the distribution's own, not of some other publisher for it."""
    return suite.split("-")[0] in (CODENAME, "stable", "oldstable") if CODENAME else True


def command(argv: list[str], directory: Path | None = None) -> str:
    """The output of a program, which must succeed."""
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8"}
    done = subprocess.run(argv, capture_output=True, text=True, cwd=directory, env=environment)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(argv)} ended with {done.returncode}: {done.stderr or done.stdout}")
    return done.stdout
