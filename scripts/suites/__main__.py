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
from .lib.events import validator
from .lib.report import write
from .lib.session import Session
from .lib.unit import REPOSITORY, Place
from .lib.variant import IO, RULED, VARIANTS


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/suites.sh", description=__doc__.split("\n\n")[0])
    parser.add_argument("--short", action="store_true", help="only the part that is a part of test.sh")
    parser.add_argument("--only", nargs="+", default=[], metavar="SUITE", help="these suites, by name")
    parser.add_argument("--variants", nargs="+", default=list(VARIANTS), choices=(*VARIANTS, *RULED), help="these variants")
    parser.add_argument("--repeat", type=int, default=5, metavar="N", help="how often a test that differs is repeated")
    parser.add_argument("--jobs", type=int, default=1, metavar="N", help="how many runs go on at once")
    parser.add_argument("--output", type=Path, metavar="FILE", help="the document whose table is written anew")
    parser.add_argument("--keep", type=Path, metavar="DIRECTORY", help="leave logs and output here")
    parser.add_argument("--list", action="store_true", help="print the suites and stop")
    parser.add_argument("--packages", action="store_true", help="print the Debian packages they need and stop")
    return parser.parse_args()


def obstacle(options: argparse.Namespace, target: Path, library: Path) -> str | None:
    """Why nothing can be run, if so."""
    if os.geteuid() != 0:
        return "needs root, to make namespaces with a network of their own"
    if not library.exists():
        return f"there is no {library}: cargo build --release"
    if IO in options.variants and not validator(target).exists():
        return f"there is no {validator(target)}: cargo build -p sockshim-itest --example validate_log"
    if options.output and (options.short or set(options.variants) != set(VARIANTS)):
        return "the document has the results of whole runs in all variants, so --output does not go with less"
    return None


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
    target = (REPOSITORY / os.environ.get("CARGO_TARGET_DIR", "target")).resolve()
    library = Path(os.environ.get("SOCKSHIM_SO") or target / "release/libsockshim.so").resolve()
    if problem := obstacle(options, target, library):
        print(problem, file=sys.stderr)
        return 2

    (target / "suites").mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="run-", dir=target / "suites") as own:
        runs = Path(own)
        if options.keep:
            options.keep.mkdir(parents=True, exist_ok=True)
            runs = options.keep.resolve()
        outcomes = Session(options, suites, Place(target, library, runs)).run()
    if options.output:
        write(options.output, load(), outcomes)
    failed = [outcome.suite.name for outcome in outcomes if outcome.failed()]
    print(f"\n{len(outcomes)} suites, {len(failed)} with a difference or an error: {' '.join(failed) or 'none'}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
