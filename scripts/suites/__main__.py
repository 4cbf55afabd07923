"""Runs third-party test suites natively and under the shim, and compares them test by test; `scripts/suites.sh` says
more. Called by itself, it expects the packages to be installed and the shim to be built:

    PYTHONPATH=scripts python3 -m suites --only NAME --variants native
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path

from .lib.catalog import load
from .lib.session import Session
from .lib.unit import REPOSITORY, Place
from .lib.variant import VARIANTS


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/suites.sh", description=__doc__.split("\n\n")[0])
    parser.add_argument("--short", action="store_true", help="only the part that is a part of test.sh")
    parser.add_argument("--only", nargs="+", default=[], metavar="SUITE", help="these suites, by name")
    parser.add_argument("--variants", nargs="+", default=list(VARIANTS), choices=VARIANTS, help="these variants")
    parser.add_argument("--repeat", type=int, default=5, metavar="N", help="how often a test that differs is repeated")
    parser.add_argument("--jobs", type=int, default=1, metavar="N", help="how many runs go on at once")
    parser.add_argument("--output", type=Path, metavar="FILE", help="the document whose table is written anew")
    parser.add_argument("--keep", type=Path, metavar="DIRECTORY", help="leave logs and output here")
    parser.add_argument("--list", action="store_true", help="print the suites and stop")
    parser.add_argument("--packages", action="store_true", help="print the Debian packages they need and stop")
    return parser.parse_args()


def main() -> int:
    options = arguments()
    try:
        suites = [suite for suite in load(options.only) if suite.short or not options.short]
    except LookupError as error:
        print(error, file=sys.stderr)
        return 2
    if options.list:
        for suite in suites:
            print(f"{suite.name}{' (short form too)' if suite.short else ''}")
        return 0
    if options.packages:
        print("\n".join(sorted({package for suite in suites for package in suite.packages})))
        return 0
    if os.geteuid() != 0:
        print("needs root, to make namespaces with a network of their own", file=sys.stderr)
        return 2

    target = (REPOSITORY / os.environ.get("CARGO_TARGET_DIR", "target")).resolve()
    library = Path(os.environ.get("SOCKSHIM_SO") or target / "release/libsockshim.so").resolve()
    (target / "suites").mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="run-", dir=target / "suites") as own:
        runs = Path(own)
        if options.keep:
            options.keep.mkdir(parents=True, exist_ok=True)
            runs = options.keep.resolve()
        session = Session(options, suites, Place(target, library, runs))
        return session.run()


if __name__ == "__main__":
    sys.exit(main())
