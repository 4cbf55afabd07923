"""The report in Markdown, and what is to be plotted."""

from bench.instructions.measure import LEVELS
from bench.lib.goals import goals, programs_of
from bench.lib.pairs import Pairs, Summary

# Functions below this share of a call are one row of its profile.
LEAST = 0.02

LOGGING = ("decision", "call", "io")
OURS = ("control", "off", *LOGGING)


def table(heads, rows):
    """A table with numbers aligned to the right."""
    yield "| " + " | ".join(heads) + " |"
    yield "|---|" + "---:|" * (len(heads) - 1)
    for row in rows:
        yield "| " + " | ".join(row) + " |"
    yield ""


def short(summary, digits=2):
    """A median with its quartiles' distance as the spread."""
    spread = (summary.three_quarters - summary.quarter) / 2
    return f"{summary.median:.{digits}f} ±{spread:.{digits}f}"


def ratios(pairs, metrics, variants, scale=1.0, digits=0, unit="ns"):
    """One row for each metric: bare in units, then each variant over bare."""
    rows = []
    if not variants:
        return
    for title, metric in metrics.items():
        bare = Summary([value * scale for value in pairs.bare(metric)])
        cells = [Summary(found) if (found := pairs.ratios(metric, name)) else None for name in variants]
        rows.append([title, f"{bare.median:,.{digits}f}", *(short(cell) if cell else "-" for cell in cells)])
    yield from table(["", f"bare, {unit}", *variants], rows)


def lost(result):
    """Reports events that did not reach the log."""
    if counts := {name: count for name, count in result["dropped"].items() if count}:
        yield f"Events that the log had no room for: {counts}. These calls cost less than logged ones."
        yield ""


def seen(pairs):
    """The variants that have values, in the order in which they were measured."""
    return list(dict.fromkeys(name for variants in pairs.data.values() for name in variants))


def render(run):
    """The lines of the report. `run` is what is stored as JSON."""
    results = run["results"]
    yield f"# Measurements of {run['date']}"
    yield ""
    yield "How to read this: [../README.md](../README.md). Ratios are medians of paired ratios to bare, ± half the"
    yield "distance of the quartiles; `[low .. high]` is the interval of the median with 95 % confidence. `control` is"
    yield "bare again."
    if run["quick"]:
        yield ""
        yield "**A quick run: it shows that everything works. Its numbers mean little.**"
    yield ""
    yield "## Machine"
    yield ""
    yield from table(["", ""], [[name, value] for name, value in run["machine"].items()])
    rows = [
        [
            part,
            run["parts"][part]["commit"],
            str(run["parts"][part]["rounds"]),
            *(", ".join(map(str, load)) for load in run["parts"][part]["load"]),
        ]
        for part in SECTIONS
        if part in results
    ]
    yield from table(["part", "commit", "rounds", "load before (1, 5, 15 min)", "load after"], rows)
    yield "Packages: " + ", ".join(f"{name} {version}" for name, version in run["packages"].items())
    yield ""
    yield "Variants: " + "; ".join(f"`{name}`: {what}" for name, what in run["variants"].items())
    yield ""
    yield "## Goals"
    yield ""
    yield "| what | goal | measured | |"
    yield "|---|---|---|---|"
    for row in goals(results):
        yield "| " + " | ".join(row) + " |"
    yield ""
    for part, section in SECTIONS.items():
        if part in results:
            yield from section(results[part])
    yield from left_out(run)


def instructions(result):
    """Every call."""
    yield "## Instructions"
    yield ""
    yield "User instructions per call above bare, by level, and without a log under ten rules about connect(2) that concern"
    yield "other addresses; and system calls that the calling thread makes at level `io` beyond the program's own."
    yield ""
    rows = [
        [
            f"`{row['name']}`, {row['descriptor']}",
            *(str(round(row[column])) for column in [*LEVELS, "rules", "syscalls"] if column in row),
        ]
        for row in result["rows"]
    ]
    yield from table(["call", *LEVELS, *(["rules"] if "rules" in result["rows"][0] else []), "system calls"], rows)


def profile(result):
    """Where the cost is."""
    yield "## Where the cost is"
    yield ""
    yield "The shim's own instructions on a tracked socket, by function:"
    yield ""
    for call, counts in result["functions"].items():
        total = sum(counts.values())
        shown = {name: count for name, count in counts.items() if count >= LEAST * total}
        if rest := total - sum(shown.values()):
            shown[f"{len(counts) - len(shown)} others"] = rest
        yield from table(
            [call, f"{total:.0f}"], [[f"`{name}`", f"{count:.0f}"] for name, count in shown.items()]
        )
    yield "System calls of all threads of a program that does nothing, above bare:"
    yield ""
    rows = [
        [level, str(sum(counts.values())), ", ".join(f"{name} {count}" for name, count in counts.items())]
        for level, counts in result["start"].items()
    ]
    yield from table(["level", "all", "which"], rows)
    yield "Resident memory of a program that has made a few sockets, in kB above bare:"
    yield ""
    levels = list(result["memory"])
    kinds = dict.fromkeys(kind for found in result["memory"].values() for kind in found)
    rows = [[kind, *(f"{result['memory'][level].get(kind, 0):.0f}" for level in levels)] for kind in kinds]
    yield from table(["", *levels], rows)


def criterion(result):
    """The core."""
    if "benchmarks" not in result:
        return
    yield "## The core by itself"
    yield ""
    rows = [
        [n, f"{v['ns']:.1f}", f"{v['low']:.1f} .. {v['high']:.1f}"] for n, v in result["benchmarks"].items()
    ]
    yield from table(["", "ns", "interval"], rows)


def time(result):
    """Real calls."""
    pairs = Pairs(result["pairs"])
    names = seen(pairs)
    metrics = {metric: metric for metric in pairs.metrics()}
    yield "## Real calls"
    yield ""
    yield from ratios(pairs, metrics, [name for name in names if name in OURS])
    yield from ratios(pairs, metrics, [name for name in names if name not in OURS])
    yield from lost(result)
    yield "![Real calls](time.svg)"
    yield ""
    yield "fcntl(F_GETFL) through the hook and around it, in turn, in one process:"
    yield ""
    rows = [
        [
            name,
            *(
                f"{found[key]['median']:.4f} [{found[key]['low']:.4f} .. {found[key]['high']:.4f}]"
                for key in ("hook", "noise")
            ),
            f"{found['ns']['median']:.2f}",
        ]
        for name, found in result["direct"].items()
    ]
    yield from table(["level, descriptor", "hook over libc", "libc over libc", "difference, ns"], rows)
    yield "`send` on a tracked socket with the null libc, 30 µs apart, and in bursts; ns, measuring included:"
    yield ""
    keys = ["p50", "p90", "p99", "burst"]
    rows = [
        [name, *(short(Summary([run[key] for run in runs]), 1) for key in keys)]
        for name, runs in result["paced"].items()
    ]
    yield from table(["", *keys], rows)


def programs(result):
    """Whole programs."""
    pairs = Pairs(result["pairs"])
    names = seen(pairs)
    yield "## Whole programs"
    yield ""
    yield "; ".join(f"{name}: {what}" for name, what in result["programs"].items())
    for heading, metric, scale, unit in [
        ("Requests per second", "rps", 1, "1/s"),
        ("CPU time of the server per request", "cpu", 0.001, "µs"),
        ("The same with a tracer's own", "with tracer", 0.001, "µs"),
    ]:
        metrics = {name: f"{name} {metric}" for name in programs_of(pairs)}
        yield ""
        yield f"### {heading}"
        yield ""
        ours, theirs = [n for n in names if n in OURS], [n for n in names if n not in OURS]
        if metric != "with tracer":
            yield from ratios(pairs, metrics, ours, scale, 1 if unit == "µs" else 0, unit)
        yield from ratios(pairs, metrics, theirs, scale, 1 if unit == "µs" else 0, unit)
    if logging := [name for name in names if name in LOGGING]:
        yield "### What the program pays, and what the log's writer pays, µs"
        yield ""
        rows = []
        for program in programs_of(pairs):
            rows.append([program, *(shares(pairs, program, name) for name in logging)])
        yield from table(["", *logging], rows)
    yield "![Requests per second](throughput.svg)"
    yield ""
    yield "![CPU time per request](cpu.svg)"
    yield ""


def shares(pairs, program, name):
    """The server's own CPU time for a request, and the writer's, as `own + writer`."""
    whole, writer = pairs.values(f"{program} cpu", name), pairs.values(f"{program} writer", name)
    if not whole or not writer:
        return "-"
    own = [(all_of_it - part) / 1000 for all_of_it, part in zip(whole, writer)]
    return f"{short(Summary(own), 1)} + {short(Summary([part / 1000 for part in writer]), 1)}"


def startup(result):
    """Start-up, memory, files."""
    pairs = Pairs(result["pairs"])
    yield "## Start-up and memory"
    yield ""
    yield "Of a program that does nothing, and of one that makes a few sockets; in brackets above bare. Peers are started"
    yield "as their command does it: some are scripts, and tracers have a process of their own, whose memory is not"
    yield "counted."
    yield ""
    heads = ["", "exec, best, µs", "exec, median, µs", "page faults of it", "RSS, kB", "PSS, kB", "threads"]
    rows = []
    for name in ["bare", *seen(pairs)]:
        cells = []
        for metric, scale in [
            ("exec best", 0.001),
            ("exec median", 0.001),
            ("page faults", 1),
            ("rss", 1),
            ("pss", 1),
            ("threads", 1),
        ]:
            if not pairs.bare(metric):
                # An older run, in which this was not counted.
                cells.append("-")
            elif name == "bare":
                cells.append(f"{Summary(pairs.bare(metric)).median * scale:,.0f}")
            else:
                value, more = Summary(pairs.values(metric, name)), Summary(pairs.differences(metric, name))
                cells.append(f"{value.median * scale:,.0f} ({more.median * scale:+,.0f})")
        rows.append([name, *cells])
    yield from table(heads, rows)
    rows = [
        [name, f"{found['size'] / 1000:.0f}", ", ".join(found["needed"])]
        for name, found in result["files"].items()
    ]
    yield from table(["library", "size, kB", "DT_NEEDED"], rows)
    yield "![Start-up](exec.svg)"
    yield ""


def scale(result):
    """Growth."""
    pairs = Pairs(result["pairs"])
    yield "## Scale"
    yield ""
    yield "fcntl(F_GETFL) on a socket, CPU time; in nanoseconds above bare under the same conditions."
    yield ""
    rows = []
    for metric in pairs.metrics():
        title = metric
        if (opened := result["opened"].get(metric)) and f"sockets {opened}" != metric:
            title = f"sockets {opened} (RLIMIT_NOFILE does not permit more)"
        bare = Summary(pairs.bare(metric))
        cells = [short(Summary(pairs.differences(metric, name)), 1) for name in seen(pairs)]
        rows.append([title, f"{bare.median:.0f}", *cells])
    yield from table(["", "bare, ns", *seen(pairs)], rows)
    yield from lost(result)
    counts = next(iter(result["instructions"].values()))
    yield "Instructions of `send` on the newest of so many sockets, above bare (as many as RLIMIT_NOFILE permits):"
    yield ""
    rows = [
        [level, *(str(round(count)) for count in found.values())]
        for level, found in result["instructions"].items()
    ]
    yield from table(["level", *(f"{int(many):,}" for many in counts)], rows)
    yield "![Scale](scale.svg)"
    yield ""


SECTIONS = {
    "instructions": instructions,
    "profile": profile,
    "criterion": criterion,
    "time": time,
    "programs": programs,
    "startup": startup,
    "scale": scale,
}


def left_out(run):
    """What could not be measured."""
    reasons = dict(run["reasons"])
    for part, result in run["results"].items():
        reasons |= {f"{part}: {what}": why for what, why in result.get("reasons", {}).items()}
    if reasons:
        yield "## Not measured"
        yield ""
        for what, why in reasons.items():
            yield f"- {what}: {why}"
        yield ""


def plots(run):
    """The data for the plotting program: rows of points with intervals."""
    results = run["results"]
    if "time" in results:
        pairs = Pairs(results["time"]["pairs"])
        metrics = ["fcntl_pipe", "pipe_rw", "pair_1", "tcp_1", "socket_inet", "accept"]
        yield plot("time.svg", "Real calls: time over bare", pairs, {m: m for m in metrics})
    if "programs" in results:
        pairs = Pairs(results["programs"]["pairs"])
        for name, title in [
            ("rps", "Requests per second over bare"),
            ("cpu", "Server CPU per request over bare"),
        ]:
            metrics = {program: f"{program} {name}" for program in programs_of(pairs)}
            yield plot("throughput.svg" if name == "rps" else "cpu.svg", title, pairs, metrics)
    if "startup" in results:
        pairs = Pairs(results["startup"]["pairs"])
        metrics = {"fastest run": "exec best", "median run": "exec median"}
        yield plot("exec.svg", "Start to end of a trivial program: time over bare", pairs, metrics)
    if "scale" in results:
        pairs = Pairs(results["scale"]["pairs"])
        levels = seen(pairs)
        rows = [
            (metric, level, Summary(pairs.differences(metric, level)))
            for metric in pairs.metrics()
            for level in levels
        ]
        yield drawn("scale.svg", "fcntl on a socket: ns above bare", False, rows)


def plot(file, title, pairs, metrics):
    """Ratios: variants as rows, metrics as series."""
    rows = []
    for variant in seen(pairs):
        for series, metric in metrics.items():
            if values := pairs.ratios(metric, variant):
                rows.append((variant, series, Summary(values)))
    return drawn(file, title, True, rows)


def drawn(file, title, logarithmic, rows):
    """As JSON."""
    return {
        "file": file,
        "title": title,
        "logarithmic": logarithmic,
        "points": [
            {"row": row, "series": series, "median": s.median, "low": s.low, "high": s.high}
            for row, series, s in rows
        ],
    }
