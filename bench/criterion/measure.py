"""The micro-benchmarks of the core, by criterion: {name: {"ns", "low", "high"}}."""

import json
import shutil
import subprocess

from bench.lib.paths import ROOT, target


def run(context):
    """Runs them and reads criterion's estimates: the median in nanoseconds, and its interval."""
    results = target() / "criterion"
    shutil.rmtree(results, ignore_errors=True)
    command = ["cargo", "bench", "--locked", "-p", "sockshim-bench", "--bench", "core", "--", "--noplot"]
    done = subprocess.run(command + ["--quick"] * context.quick, cwd=ROOT, capture_output=True, text=True)
    if done.returncode != 0:
        return {"reasons": {"criterion": (done.stderr.strip().splitlines() or ["it failed"])[-1]}}
    found = {}
    for file in sorted(results.glob("**/new/benchmark.json")):
        name = json.loads(file.read_text())["full_id"]
        estimate = json.loads((file.parent / "estimates.json").read_text())["median"]
        interval = estimate["confidence_interval"]
        found[name] = {
            "ns": estimate["point_estimate"],
            "low": interval["lower_bound"],
            "high": interval["upper_bound"],
        }
    return {"benchmarks": found, "reasons": {}}
