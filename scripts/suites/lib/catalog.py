"""Finds the suites by their names."""

from __future__ import annotations

import importlib
from collections.abc import Iterable

from .. import MODULES
from .suite import Suite


def load(names: Iterable[str] = ()) -> list[Suite]:
    """The suites with these names, in the order of the catalogue; all of them when no name is given. The name of a
    package stands for every suite in it: "programs" for "programs/nginx" and the others."""
    names = list(names)
    modules = [name.split("/")[0] for name in names]
    for module in modules:
        if module not in MODULES:
            raise LookupError(f"no such suite: {module}. There are: {' '.join(MODULES)}")
    found: list[Suite] = []
    for module in MODULES:
        if modules and module not in modules:
            continue
        found += _suites_of(module)
    if not names:
        return found
    for name in names:
        if not any(_selects(name, suite) for suite in found):
            raise LookupError(f"no such suite: {name}. There are: {' '.join(suite.name for suite in found)}")
    return [suite for suite in found if any(_selects(name, suite) for name in names)]


def _selects(name: str, suite: Suite) -> bool:
    return suite.name == name or suite.name.startswith(f"{name}/")


def _suites_of(module: str) -> Iterable[Suite]:
    namespace = importlib.import_module(f"suites.{module}")
    return namespace.SUITES if hasattr(namespace, "SUITES") else [namespace.SUITE]
