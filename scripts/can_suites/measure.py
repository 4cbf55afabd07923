"""What a bus carries, how fast, and how many are on it. Printed; the limits are those of issue 15."""

from __future__ import annotations

import os
import random
import re
import signal
import time
from collections.abc import Callable

from .bus import Bus, wait_until
from .pairs import LAST, dump, frames, same

FRAMES = 1_000_000
FRAMES_PER_SECOND = 50_000
MICROSECONDS = 100
MEMBERS, KILLED = 30, 10


def throughput(bus: Bus) -> str:
    """One sender at full speed, two candumps. What has not arrived, the drop counter tells."""
    dumps = [dump(bus, "-d", "-r", "67108864", "vcan0") for _ in range(2)]
    begin = time.monotonic()
    bus.run("cangen", "vcan0", "-n", str(FRAMES), "-g", "0", "-I", "123", "-L", "8", "-D", "i")
    seconds = time.monotonic() - begin
    said = []
    for one in dumps:
        def last() -> bool:
            # It may be dropped, too, and only a frame that arrives says what was dropped before it.
            bus.run("cansend", "vcan0", LAST)
            return LAST in one.text()

        wait_until(last, "the last frame has arrived", one)
        text = one.stop()
        seen = [frame for frame in frames(text) if frame.startswith("123#")]
        numbers = [int.from_bytes(bytes.fromhex(frame.partition("#")[2]), "little") for frame in seen]
        assert numbers == sorted(set(numbers)), "a frame came twice, or out of order"
        totals = re.findall(r"total drops (\d+)", text)
        dropped = int(totals[-1]) if totals else 0
        # What was dropped of those that were sent afterwards counts, too.
        lost = FRAMES - len(seen)
        assert lost <= dropped <= lost + 100 or lost == dropped == 0, f"{lost} have not arrived, but {dropped} were counted"
        said.append(f"{len(seen)} arrived and {dropped} were counted as dropped")
    rate = FRAMES / seconds
    assert rate >= FRAMES_PER_SECOND, f"{rate:.0f} frames per second"
    return f"{FRAMES} frames, {rate:.0f} a second; {'; '.join(said)}"


def latency(bus: Bus) -> str:
    """From before send to candump's line in a pipe."""
    median, late = (float(number) for number in bus.run("/usr/bin/python3", "-m", "can_suites.latency").split())
    assert median < MICROSECONDS, f"{median} µs"
    return f"median {median:.1f} µs, 99 of 100 below {late:.1f} µs"


def killed(bus: Bus) -> str:
    """Members that are killed at any moment. The others get every frame, and nothing is left."""
    stay = [dump(bus, "vcan0,123:7FF") for _ in range(MEMBERS - KILLED - 1)]
    go = [bus.start("candump", "vcan0").waits() for _ in range(4)]
    go += [bus.start("cangen", "vcan0", "-I", "700", "-g", "1") for _ in range(3)]
    go += [bus.start("isotprecv", "-s", f"{700 + number}", "-d", f"{710 + number}", "-l", "vcan0").waits() for number in range(3)]
    before = sorted(os.listdir(bus.directory / "bus"))
    count = 20_000
    sender = bus.start("cangen", "vcan0", "-n", str(count), "-g", "0.1", "-I", "123", "-L", "8", "-D", "i")
    random.shuffle(go)
    for one in go:
        time.sleep(random.uniform(0, 0.2))
        one.stop(signal.SIGKILL)
    assert sender.process.poll() is None, "the sender had finished before"
    sender.ends()
    for one in stay:
        wait_until(lambda: len(frames(one.text())) == count, "all have come", one)
    first = frames(stay[0].stop())
    same([int.from_bytes(bytes.fromhex(frame[4:]), "little") for frame in first], list(range(count)))
    assert all(frames(one.stop()) == first for one in stay), "the others have seen something else"
    same(sorted(os.listdir(bus.directory / "bus")), before)
    wait_until(lambda: not engines(), "the processes behind the sockets have ended")
    return f"{MEMBERS} members, {KILLED} killed: {len(stay)} got all {count} frames; {', '.join(before)} is in the directory, as before"


def engines() -> list[str]:
    """The processes behind sockets in this namespace."""
    found = []
    for entry in os.listdir("/proc"):
        try:
            if entry.isdigit() and "sockshim-can" in os.readlink(f"/proc/{entry}/exe"):
                found.append(entry)
        except OSError:
            continue
    return found


MEASUREMENTS: dict[str, Callable[[Bus], str]] = {"throughput": throughput, "latency": latency, "killed members": killed}
