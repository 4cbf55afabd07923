"""Runs the measurements and writes the report. `scripts/bench.sh` installs what they need and calls this."""

import argparse
import datetime
import importlib
import json
import subprocess
import sys
import tempfile
from pathlib import Path

from bench.instructions import measure as instructions
from bench.lib import machine, report, runs
from bench.lib.context import Context
from bench.lib.paths import BENCH, ROOT, target

PARTS = ["instructions", "profile", "criterion", "startup", "scale", "time", "programs"]
PACKAGES = (
    "valgrind strace ltrace linux-perf libsocket-wrapper mptcpize torsocks proxychains4 nginx-light "
    "redis-server memcached libmemcached-tools apache2-utils wrk"
).split()


def measure(part, context):
    """The result of one part."""
    if part == "instructions":
        return {"rows": instructions.measure()}
    result = importlib.import_module(f"bench.{part}.measure").run(context)
    if part == "scale":
        result["instructions"] = instructions.grown()
    return result


def commit():
    """The measured commit, as git names it. Results that were just written do not count as a change."""
    git = ["git", "-C", ROOT]
    name = subprocess.run(
        [*git, "rev-parse", "--short=12", "HEAD"], capture_output=True, text=True, check=False
    )
    others = [*git, "status", "--porcelain", "--untracked-files=no", "--", ":/", ":!/bench/results"]
    changed = subprocess.run(others, capture_output=True, text=True, check=False).stdout.strip()
    return (name.stdout.strip() or "unknown") + ("-dirty" if changed else "")


def draw(run, directory):
    """Draws the plots with the program that scripts/bench.sh has built."""
    directory.mkdir(parents=True, exist_ok=True)
    drawer = target() / "release/sockshim-bench-plots"
    subprocess.run([drawer, directory], input=json.dumps(list(report.plots(run))), text=True, check=True)


def write(run, output):
    """Writes DATE.json, and from it DATE.md and the plots in DATE/."""
    # Read back from JSON, so that rendering the report later gives the same result.
    run = runs.load(runs.store(run, output))
    base = output / run["date"]
    text = (
        "\n".join(report.render(run)).replace("](", f"]({run['date']}/").replace(f"{run['date']}/../", "../")
    )
    base.with_suffix(".md").write_text(text.rstrip() + "\n")
    draw(run, base)
    return base.with_suffix(".md")


def main():
    parser = argparse.ArgumentParser(prog="scripts/bench.sh", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="2 rounds, to see that everything works")
    parser.add_argument("--rounds", type=int, help="pairs of each variant (12; for publication at least 10)")
    parser.add_argument(
        "--only", metavar="PART", nargs="+", choices=PARTS, default=PARTS, help=", ".join(PARTS)
    )
    parser.add_argument("--variants", metavar="NAME", nargs="+", help="only these beside bare")
    parser.add_argument(
        "--output", type=Path, help="directory (bench/results; of a quick run target/bench/results)"
    )
    parser.add_argument("--date", help="the report that the results are added to (today's)")
    parser.add_argument(
        "--render", type=Path, metavar="FILE", help="write the report of an earlier run's JSON anew"
    )
    options = parser.parse_args()

    if options.render:
        print(write(runs.load(options.render), options.output or options.render.parent))
        return
    output = options.output or (target() / "bench/results" if options.quick else BENCH / "results")
    with tempfile.TemporaryDirectory(prefix="sockshim-bench.") as work:
        context = Context(
            work, options.rounds or (2 if options.quick else 12), options.quick, options.variants
        )
        run = runs.begin(
            output,
            options.date or datetime.date.today().isoformat(),
            options.quick,
            machine.describe(),
            packages=machine.versions(PACKAGES),
            variants={variant.name: variant.what for variant in context.variants},
            reasons=context.reasons,
        )
        measured_at = commit()
        for part in (part for part in PARTS if part in options.only):
            print(f"    {part}", file=sys.stderr, flush=True)
            before = machine.load()
            result = measure(part, context)
            load = [before, machine.load()]
            runs.add(run, part, result, commit=measured_at, rounds=context.rounds, load=load)
            # After each part, so that an interrupted run keeps what it has.
            report_file = write(run, output)
        print(report_file)


if __name__ == "__main__":
    main()
