"""Each goal beside what was measured, and whether the noise permits to say that it is met."""

from bench.lib.pairs import Pairs, Summary

MET, NOT_MET, OPEN = "met", "**not met**", "the noise does not permit to say"


def goals(results):
    """A row (what, goal, measured, verdict) for everything that was measured."""
    makers = [
        *((counted, "instructions"), (asked, "instructions"), (direct, "time"), (logged, "time")),
        *((untracked, "time"), (started, "startup"), (resident, "startup"), (file, "startup")),
        *((cpu, "programs"), (throughput, "programs"), (growth, "scale")),
    ]
    for maker, part in makers:
        if part in results:
            yield from maker(results[part])


def at_most(summary, goal, noise=None):
    """Judged by the interval of the median, not by the median. A difference that bare against bare shows too is not
    one."""
    if summary.high <= goal:
        return MET
    return OPEN if summary.low <= goal or (noise and summary.low <= noise.high) else NOT_MET


def at_least(summary, goal):
    """The same for a value that should be large."""
    return MET if summary.low >= goal else NOT_MET if summary.high < goal else OPEN


def exact(value, goal):
    """For a value without noise."""
    return MET if value <= goal else NOT_MET


def interval(summary, digits=2, unit=""):
    """The median and its interval."""
    return f"{summary.median:.{digits}f}{unit} [{summary.low:.{digits}f} .. {summary.high:.{digits}f}]"


class Stored:
    """A stored summary."""

    def __init__(self, data):
        self.median, self.low, self.high = data["median"], data["low"], data["high"]


def span(values):
    """The smallest and the largest count."""
    low, high = round(min(values)), round(max(values))
    return str(low) if low == high else f"{low} .. {high}"


def outliers(counts, goal):
    """The range of the counts; if most are within the goal, the others by name."""
    within = {name: count for name, count in counts.items() if round(count) <= goal}
    others = [f"`{name}` {round(count)}" for name, count in counts.items() if name not in within]
    if not others or len(others) > len(within):
        return span(counts.values())
    return f"{span(within.values())} ({len(within)} of {len(counts)} calls); {', '.join(others)}"


def counted(rows):
    """Instructions."""
    rows = rows["rows"]
    data = [row for row in rows if row["class"] in ("data", "ready")]
    for descriptor, goal in [("untracked", 10), ("tracked", 20)]:
        values = [row["off"] for row in data if row["descriptor"] == descriptor]
        what = f"{descriptor} descriptor, extra instructions per data call, logging off"
        yield what, f"≤ {goal}", f"{span(values)} ({len(values)} calls)", exact(round(max(values)), goal)
    for kind, name, level, goal in [
        ("data", "data call, level `io`", "io", 80),
        ("ready", "readiness call, level `io`", "io", 80),
        ("control", "control call, level `call`", "call", 160),
    ]:
        counts = {
            row["name"]: row[level] for row in rows if row["class"] == kind and row["descriptor"] == "tracked"
        }
        verdict = exact(round(max(counts.values())), goal)
        yield f"logged {name}, instructions", f"≤ {goal}", outliers(counts, goal), verdict


def asked(rows):
    """System calls."""
    for kind, name in [("data", "data"), ("ready", "readiness"), ("control", "control")]:
        values = [
            row["syscalls"] for row in rows["rows"] if row["class"] == kind and row["descriptor"] == "tracked"
        ]
        yield (
            f"logged {name} call, own system calls of the caller",
            "0",
            span(values),
            exact(round(max(values)), 0),
        )


def direct(time):
    """The fastest system call."""
    found = time["direct"]["off pipe"]
    ratio, noise = Stored(found["hook"]), Stored(found["noise"])
    measured = f"{interval(ratio, 4)}; around the hook twice: {interval(noise, 4)}"
    yield (
        "fcntl(F_GETFL), untracked descriptor, over bare, logging off",
        "≤ 1.02",
        measured,
        at_most(ratio, 1.02),
    )


def logged(time):
    """One call at a time."""
    bare = Summary([row["p50"] for row in time["paced"]["bare"]])
    extra = Summary([row["p50"] - bare.median for row in time["paced"]["io"]])
    yield "logged call, writer idle, p50 over bare", "≤ 60 ns", interval(extra, 0, " ns"), at_most(extra, 60)


def untracked(time):
    """The cost with the writer in the process."""
    pairs = Pairs(time["pairs"])
    for operation, name, calls in [("fcntl_pipe", "fcntl", 1), ("pipe_rw", "read and write", 2)]:
        for level in levels(pairs, operation, "call", "io"):
            extra = Summary([ns / calls for ns in pairs.differences(operation, level)])
            noise = Summary([ns / calls for ns in pairs.differences(operation, "control")])
            measured = f"{interval(extra, 1, ' ns')}; bare against bare {interval(noise, 1)}"
            what = f"untracked descriptor while logging is on, `{level}`, {name}, per call"
            yield what, "≤ +5 ns", measured, at_most(extra, 5, noise)


def levels(pairs, metric, *names):
    """The names that were measured."""
    return [name for name in names if pairs.values(metric, name)]


def started(startup):
    """Start-up, by the fastest of many runs in each round."""
    pairs = Pairs(startup["pairs"])
    for level in levels(pairs, "exec best", "off", "rules", "call", "io"):
        goal = 100 if level == "off" else 150
        extra = Summary([ns / 1000 for ns in pairs.differences("exec best", level)])
        yield f"exec over bare, `{level}`", f"≤ {goal} µs", interval(extra, 0, " µs"), at_most(extra, goal)


def resident(startup):
    """Memory of a program that has made a few sockets."""
    pairs = Pairs(startup["pairs"])
    for level in levels(pairs, "rss", "off", "call", "io"):
        extra = Summary(pairs.differences("rss", level))
        yield f"RSS over bare, `{level}`", "≤ 250 kB", interval(extra, 0, " kB"), at_most(extra, 250)


def file(startup):
    """The library itself."""
    found = startup["files"]["sockshim"]
    size = found["size"]
    yield "size of libsockshim.so", "≤ 500 kB", f"{size / 1000:.0f} kB", exact(size, 500_000)
    others = [name for name in found["needed"] if name != "libc.so.6" and not name.startswith("ld-linux")]
    needed = ", ".join(found["needed"])
    yield "DT_NEEDED", "libc and its loader", needed, exact(len(others), 0)


def programs_of(pairs):
    """The programs that were measured."""
    names = [metric.removesuffix(" cpu") for metric in pairs.metrics() if metric.endswith(" cpu")]
    return list(dict.fromkeys(names))


def cpu(programs):
    """CPU time per request."""
    pairs = Pairs(programs["pairs"])
    for program in programs_of(pairs):
        metric, allowed = f"{program} cpu", {"off": 1.02, "call": 1.05, "io": 1.10}
        noise = Summary(pairs.ratios(metric, "control"))
        for level in levels(pairs, metric, *allowed):
            ratio = Summary(pairs.ratios(metric, level))
            measured = f"{interval(ratio)}; bare against bare {interval(noise)}"
            what = f"{program}: server CPU per request, `{level}`"
            yield what, f"≤ {allowed[level]:.2f}", measured, at_most(ratio, allowed[level], noise)


def throughput(programs):
    """Level io against strace: ratios of ratios that were measured in the same round."""
    pairs = Pairs(programs["pairs"])
    for peer, least in [("strace", None), ("strace-seccomp", 1.4), ("strace-desc", 1.4)]:
        for program in programs_of(pairs):
            ours, theirs = pairs.ratios(f"{program} rps", "io"), pairs.ratios(f"{program} rps", peer)
            if ours and theirs:
                goal = least or (2 if program == "http" else 5)
                quotient = Summary([a / b for a, b in zip(ours, theirs)])
                what = f"{program}: requests per second, level `io` over {peer}"
                yield what, f"≥ {goal} ×", interval(quotient), at_least(quotient, goal)


def growth(scale):
    """Instructions exactly; time as far as the noise permits."""
    for level in ("off", "io"):
        counts = scale["instructions"][level]
        first, *_, last = counts.values()
        grown = round(last) - round(first)
        measured = ", ".join(f"{int(many):,}: {round(count)}" for many, count in counts.items())
        yield f"growth with open sockets, `{level}`, instructions of send", "none", measured, exact(grown, 0)
    pairs = Pairs(scale["pairs"])
    for first, last, noun in [
        ("sockets 1", "sockets 100000", "open sockets"),
        ("threads own 1", "threads own 16", "threads"),
    ]:
        for level in levels(pairs, first, "off", "io"):
            less, more = Summary(pairs.differences(first, level)), Summary(pairs.differences(last, level))
            noise = Summary(pairs.differences(last, "control"))
            low, high = more.low - less.high, more.high - less.low
            measured = (
                f"extra {less.median:.0f} ns with one, {more.median:.0f} with the most: "
                f"growth [{low:.0f} .. {high:.0f}]; bare against bare {interval(noise, 0)}"
            )
            # That there is no cost cannot be proved: a smaller one than the interval would not be seen.
            verdict = MET if low <= max(0, noise.high) else NOT_MET
            yield f"growth with {noun}, `{level}`, time of fcntl", "none", measured, verdict
