"""What a suite is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .runner import Runner

# How each test ended, by its name. The outcome is one of "pass", "fail", "error", "skip", "xfail" and "timeout", or any
# other text that is the same on every run, such as a checksum.
Outcomes = dict[str, str]


def no_preparation(_prepared: Path) -> None:
    """For a suite that needs only its packages."""




@dataclass(frozen=True)
class Suite:
    """One suite of tests. Everything in it applies to every variant."""

    # The name by which it is selected and reported: "cpython", "programs/nginx".
    name: str
    # Runs the tests, and returns how each one ended. It runs in a process of its own, in namespaces of its own, in which
    # only `lo` exists. `short` asks for the part that belongs to the short form. With `runner.only` set, a repetition is
    # under way, for these tests alone: a suite that can select tests should do so, one that cannot runs them all.
    run: Callable[[Runner, bool], Outcomes]
    # Debian packages, installed before anything else.
    packages: tuple[str, ...] = ()
    # Makes what the tests need, in a directory that is kept between runs: unpacks sources, builds a virtual environment.
    # It runs outside of the namespaces, may use the network, and does nothing if everything already exists.
    prepare: Callable[[Path], None] = no_preparation
    # Says which version was tested; it is called after `prepare`, with the same directory. Without it, that is the version
    # of the first package.
    version: Callable[[Path], str] | None = None
    # Whether it has a part in the short form.
    short: bool = False
    # Tests whose outcome is not compared, by name, in which an asterisk stands for any text, each with the reason: a test
    # is left out only if it has been shown to change its outcome without the shim, and the reason says how often.
    left_out: dict[str, str] = field(default_factory=dict)
    # How many seconds a whole run may take. Only a hang reaches it.
    deadline: int = 3600
