"""Prints the median and the 99th percentile, in microseconds, of the time from before a send to the line that candump has written.
A program of its own, because it has to be on the bus itself."""

from __future__ import annotations

import os
import select
import socket
import statistics
import struct
import subprocess
import time

ROUNDS = 5000


def main() -> None:
    with socket.socket(socket.AF_CAN, socket.SOCK_RAW, socket.CAN_RAW) as sender:
        sender.bind(("vcan0",))
        frame = struct.pack("<IB3x8s", 0x123, 8, bytes(8))
        with subprocess.Popen(["candump", "-L", "vcan0"], stdout=subprocess.PIPE) as dump:
            lines = dump.stdout.fileno()
            # Until it listens.
            while not select.select([lines], [], [], 0.05)[0]:
                sender.send(frame)
            while select.select([lines], [], [], 0.2)[0]:
                os.read(lines, 65536)
            times = []
            for _ in range(ROUNDS):
                begin = time.perf_counter_ns()
                sender.send(frame)
                os.read(lines, 65536)
                times.append((time.perf_counter_ns() - begin) / 1000)
            dump.terminate()
    print(statistics.median(times), statistics.quantiles(times, n=100)[98])


if __name__ == "__main__":
    main()
