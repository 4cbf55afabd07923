"""Validates the logs of a run, line by line, and counts the shim's records about itself in them."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Events:
    """What the logs of a run contain, as the example `validate_log` of the integration tests has counted it."""

    files: int = 0
    lines: int = 0
    # Lines that are not JSON, or that the schema rejects.
    invalid: int = 0
    # Last lines that were cut off, because their process was killed.
    cut: int = 0
    # Events that were dropped.
    lost: int = 0
    # Calls in which the shim panicked.
    panics: int = 0
    # Wrong predictions, and the first of each kind.
    divergences: int = 0
    divergence_kinds: list[dict] = field(default_factory=list)
    # The shim's messages about itself, and how often each.
    messages: dict[str, int] = field(default_factory=dict)
    # The first lines that are invalid or report a panic.
    shown: list[str] = field(default_factory=list)

    def problems(self) -> list[str]:
        """What makes the run fail."""
        found = [f"{self.invalid} lines are invalid", f"{self.panics} panics"] if self.invalid or self.panics else []
        found += [f"{kind['count']} wrong predictions like {kind['first']}" for kind in self.divergence_kinds]
        found += [f"in the log: {line}" for line in self.shown]
        if self.lines == 0:
            found.append("nothing was logged: was the library loaded?")
        return found

    def notes(self) -> list[str]:
        """What a reader of the report should know."""
        return [f"the shim says, {count} times: {message}" for message, count in self.messages.items()]


def validator(target: Path) -> Path:
    """Where cargo puts the program that reads the logs."""
    return target / "debug/examples/validate_log"


def validate(target: Path, logs: Path) -> Events:
    """Reads all logs of a directory."""
    done = subprocess.run([validator(target), logs], stdout=subprocess.PIPE, check=True)
    return Events(**json.loads(done.stdout))
