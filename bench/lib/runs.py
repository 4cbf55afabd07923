"""One day's results: each part adds to them, and so does a later run.

The JSON of a run is written after each part, so an interrupted run keeps what it has. Each part has the load and
the commit of its measurement, because the parts of a report may come from different runs.
"""

import json
import os

DESCRIPTION = ("packages", "variants", "reasons")


def path(output, date):
    """Where the run of that date is stored."""
    return output / f"{date}.json"


def begin(output, date, quick, machine, **description):
    """The run that parts are added to: what is stored of that date, or a new one."""
    run = {"date": date, "quick": quick, "machine": machine, "parts": {}, "results": {}}
    run |= {name: {} for name in DESCRIPTION}
    stored = path(output, date)
    if stored.exists():
        found = load(stored)
        for name in ("quick", "machine"):
            if found[name] != run[name]:
                raise SystemExit(
                    f"{stored} was measured with another {name}: {found[name]} then, {run[name]} now. "
                    "Choose another --output or --date, or remove it."
                )
        run |= found
    for name in DESCRIPTION:
        run[name] = run[name] | description[name]
    # What was missing in an earlier run may be available now.
    run["reasons"] = {
        name: why for name, why in run["reasons"].items() if name not in description["variants"]
    }
    return run


def add(run, part, result, **about):
    """Adds the result of a part, or replaces an earlier one."""
    run["results"][part] = result
    run["parts"][part] = about


def store(run, output):
    """Writes the JSON. If it is interrupted, the old file stays."""
    output.mkdir(parents=True, exist_ok=True)
    file = path(output, run["date"])
    unfinished = file.with_name(f"{file.name}.{os.getpid()}")
    unfinished.write_text(json.dumps(run, separators=(",", ":")) + "\n")
    unfinished.rename(file)
    return file


def load(file):
    """A stored run."""
    run = json.loads(file.read_text())
    if "parts" not in run:
        # All parts of one run, as it was written before a run could be continued.
        about = {"commit": run.pop("commit"), "rounds": run.pop("rounds"), "load": run.pop("load")}
        run["parts"] = {part: about for part in run["results"]}
    return run
