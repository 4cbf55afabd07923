"""Debian's can-utils, talking to one another: what one of them sends, another one has to get.

Not here: cangw is about routes in the kernel, set by netlink; slcan_attach, slcand and slcanpty are for serial lines; isotptun
wants /dev/net/tun; j1939sr may not send on the kernel's vcan either (EACCES); can-calc-bit-timing opens no socket.
"""

from __future__ import annotations

import re
import socket
from collections.abc import Callable

from .bus import Bus, Program, wait_until

Pair = Callable[[Bus], None]
PAIRS: dict[str, Pair] = {}

# Printed by candump -L, without the time.
FRAME = re.compile(r"^\(\d+\.\d+\) (\S+) (\S+)", re.MULTILINE)

# Sent when everything else has been sent.
LAST = "7FE#"


def pair(programs: str) -> Callable[[Pair], Pair]:
    """Registers a function, by the programs that it runs."""
    def register(function: Pair) -> Pair:
        PAIRS[programs] = function
        return function

    return register


def same(what: object, wanted: object) -> None:
    assert what == wanted, f"got {str(what)[:600]!r} instead of {str(wanted)[:600]!r}"


def dump(bus: Bus, *arguments: str) -> Program:
    """A candump that listens already."""
    return bus.start("candump", "-L", *(arguments or ("vcan0",))).waits()


def frames(dumped: str) -> list[str]:
    """What it has seen, as cansend takes it."""
    return [frame for _, frame in FRAME.findall(dumped)]


def until_last(bus: Bus, *dumps: Program) -> list[list[str]]:
    """What each candump has seen before the last frame, which is sent now."""
    bus.run("cansend", "vcan0", LAST)
    for one in dumps:
        one.says(LAST)
    return [frames(one.stop())[:-1] for one in dumps]


def payload(length: int) -> str:
    """As isotpsend takes and isotprecv prints it."""
    return "".join(f"{number * 7 & 0xFF:02X} " for number in range(length))


@pair("cansend, candump")
def _send(bus: Bus) -> None:
    sent = ["123#C0FFEE", "000#", "7FF#1122334455667788", "12345678#AA", "123#R", "456#R8", "123##3", "1FFFFFFF##1" + "5A" * 64]
    every, some, others = dump(bus), dump(bus, "vcan0,123:7FF"), dump(bus, "vcan0,123~7FF")
    elsewhere = dump(bus, "vcan1")
    both = dump(bus, "any")
    for frame in sent:
        bus.run("cansend", "vcan0", frame)
    bus.run("cansend", "vcan1", LAST)
    assert len(until_last(bus, elsewhere)[0]) == 0, "a frame came to another interface"

    # The length of a remote frame is not in candump's format of 2020, and younger kernels set a flag in every frame of CAN FD.
    def plain(all_of_them: list[str]) -> list[str]:
        return [re.sub("##.", "##", frame).replace("R8", "R") for frame in all_of_them]

    printed = plain(sent)
    same(plain(until_last(bus, every)[0])[: len(printed)], printed)
    one = [frame for frame in printed if frame.startswith("123#")]
    wait_until(lambda: len(frames(some.text())) == len(one), "the filter has let them pass", some)
    same(plain(frames(some.stop())), one)
    others.says(LAST)
    same(plain(frames(others.stop()))[: len(printed) - len(one)], [frame for frame in printed if frame not in one])
    wait_until(lambda: len(FRAME.findall(both.text())) == len(sent) + 3, "candump any has seen both", both)
    same({interface for interface, _ in FRAME.findall(both.stop())}, {"vcan0", "vcan1"})


@pair("cangen, candump")
def _generate(bus: Bus) -> None:
    for more in ((), ("-f",), ("-e",)):
        dumps = [dump(bus, "-r", "4000000", "vcan0") for _ in range(2)]
        bus.run("cangen", "vcan0", "-n", "5000", "-g", "0.1", "-I", "i", "-L", "i", "-D", "i", *more)
        seen = until_last(bus, *dumps)
        same(len(seen[0]), 5000)
        same(seen[1], seen[0])
        # Identifiers count up, in eleven bits or in more.
        same([int(frame.split("#")[0], 16) for frame in seen[0]],
             [number if more == ("-e",) else number & 0x7FF for number in range(5000)])


@pair("canplayer, log2asc, asc2log, candump")
def _play(bus: Bus) -> None:
    recorder = dump(bus)
    bus.run("cangen", "vcan0", "-n", "300", "-g", "0.1", "-I", "r", "-L", "r", "-D", "r")
    recorded = until_last(bus, recorder)[0]
    same(len(recorded), 300)
    log = bus.directory / "log"
    log.write_text("".join(f"({1 + number / 1000:017.6f}) vcan0 {frame}\n" for number, frame in enumerate(recorded)))
    player = dump(bus, "vcan1")
    bus.run("canplayer", "-t", "-I", log, "vcan1=vcan0")
    wait_until(lambda: len(frames(player.text())) == 300, "all are played", player)
    same(frames(player.stop()), recorded)
    asc = bus.directory / "asc"
    bus.run("log2asc", "-I", log, "-O", asc, "vcan0")
    bus.run("asc2log", "-I", asc, "-O", bus.directory / "again")
    same(frames((bus.directory / "again").read_text()), recorded)


@pair("canfdtest, both parts")
def _full_duplex(bus: Bus) -> None:
    bus.start("canfdtest", "vcan0").waits()
    said = bus.run("canfdtest", "-g", "-v", "-l", "2000", "vcan0")
    assert "messages sent and received: 2000" in said, said


@pair("cansequence, both parts")
def _sequence(bus: Bus) -> None:
    receiver = bus.start("cansequence", "-r", "--quit=1", "vcan0").waits()
    bus.run("cansequence", "-p", "--loop=200", "vcan0")
    # It ends for a wrong number only: had one been missing, it would not be this one. After 200
    # messages 0xC8 is due; a reader that gets no time holds about 250.
    assert receiver.process.poll() is None, receiver.text()
    bus.run("cansend", "vcan0", "002#99")
    receiver.process.wait(60)
    assert "0x99" in receiver.text() or "153" in receiver.text(), receiver.text()
    assert "200" in receiver.text() or "0xc8" in receiver.text(), receiver.text()


@pair("cansniffer, cansend")
def _sniff(bus: Bus) -> None:
    sniffer = bus.start("stdbuf", "-o0", "cansniffer", "-t", "0", "vcan0").waits()
    bus.run("cansend", "vcan0", "3C5#DEADBEEF")
    sniffer.says("3C5").says("DE AD BE EF")
    sniffer.process.stdin.write(b"q\n")
    sniffer.process.stdin.flush()
    sniffer.ends()


@pair("canbusload, cangen")
def _load(bus: Bus) -> None:
    load = bus.start("canbusload", "vcan0@1000000").waits()
    bus.run("cangen", "vcan0", "-n", "700", "-g", "0")
    # The interval may end between two of the frames.
    def counted() -> bool:
        return sum(int(count) for count in re.findall(r"vcan0@1000000\s+(\d+)", load.text())) == 700

    wait_until(counted, "all are counted", load)


@pair("canlogserver, cangen")
def _serve(bus: Bus) -> None:
    server = bus.start("canlogserver", "-p", "28701", "vcan0")
    with connect(28701) as client:
        # The one for this client has a bus of its own.
        bus.start("true").ends()
        got = ""
        while "7FE#" not in got:
            bus.run("cansend", "vcan0", "7FE#")
            client.settimeout(0.2)
            try:
                got += client.recv(4096).decode()
            except TimeoutError:
                continue
        bus.run("cangen", "vcan0", "-n", "200", "-g", "0", "-I", "123", "-L", "8", "-D", "i")
        client.settimeout(30)
        while got.count(" 123#") < 200 or not got.endswith("\n"):
            got += client.recv(4096).decode()
    same([int.from_bytes(bytes.fromhex(data), "little") for data in re.findall(r" 123#(\w{16})", got)], list(range(200)))
    server.stop()


def connect(port: int) -> socket.socket:
    """A connection, as soon as there is a server."""
    found: list[socket.socket] = []

    def there() -> bool:
        try:
            found.append(socket.create_connection(("127.0.0.1", port)))
        except ConnectionRefusedError:
            return False
        return True

    wait_until(there, f"a server at port {port}")
    found[0].settimeout(30)
    return found[0]


@pair("bcmserver, candump, cansend")
def _broadcast(bus: Bus) -> None:
    dumped = dump(bus)
    bus.start("bcmserver")
    with connect(28600) as client:
        client.sendall(b"< vcan0 S 0 0 123 3 11 22 33 >")
        dumped.says("123#112233")
        # Every ten milliseconds, until it is deleted.
        client.sendall(b"< vcan0 A 0 10000 5D1 2 AB CD >")
        wait_until(lambda: dumped.text().count("5D1#ABCD") >= 20, "it is sent again and again", dumped)
        client.sendall(b"< vcan0 D 0 0 5D1 0 >")
        # What is received comes when it changes.
        client.sendall(b"< vcan0 R 0 0 321 2 FF FF >")
        got = ""
        client.settimeout(0.2)
        while "321 2 01 02" not in got:
            bus.run("cansend", "vcan0", "321#0102")
            try:
                got += client.recv(4096).decode()
            except TimeoutError:
                # The request may have come after the frame.
                continue
        bus.run("cansend", "vcan0", "321#0102")
        bus.run("cansend", "vcan0", "321#0103")
        client.settimeout(30)
        while "321 2 01 03" not in got:
            got += client.recv(4096).decode()
        same(re.findall(r"321 2 (\w\w \w\w)", got), ["01 02", "01 03"])
    before = frames(dumped.text()).count("5D1#ABCD")
    seen = until_last(bus, dumped)[0]
    assert seen.count("5D1#ABCD") <= before + 1, "it is sent although it was deleted"


@pair("isotpsend, isotprecv")
def _transport(bus: Bus) -> None:
    for length, options in (
        (5, ()), (7, ()), (8, ()), (500, ()), (4095, ()), (300, ("-x", "8A:8B")), (100, ("-p", "CC:CC")),
        (1000, ("-L", "72:64:0")), (62, ("-L", "72:64:0")),
    ):
        other = ("-x", "8B:8A") if "-x" in options else options
        # Blocks of eight frames, with at least a tenth of a millisecond between them.
        receiver = bus.start("isotprecv", "-s", "321", "-d", "123", "-b", "8", "-m", "F1", *other, "vcan0").waits()
        bus.run("isotpsend", "-s", "123", "-d", "321", "-b", *options, "vcan0", given=payload(length))
        same(receiver.ends().split(), payload(length).split())


@pair("isotpsend, isotprecv, isotpdump, isotpsniffer, isotpperf")
def _watch_transport(bus: Bus) -> None:
    ways = ("-s", "123", "-d", "321")
    watchers = [bus.start(name, *ways, "vcan0").waits() for name in ("isotpdump", "isotpperf")]
    sniffer = bus.start("isotpsniffer", *ways, "-f", "1", "vcan0").waits()
    receiver = bus.start("isotprecv", "-s", "321", "-d", "123", "vcan0").waits()
    bus.run("isotpsend", *ways, "-b", "vcan0", given=payload(100))
    same(receiver.ends().split(), payload(100).split())
    dumped = watchers[0].says("[CF] sn: E").text()
    same([len(re.findall(kind, dumped)) for kind in (r"\[FF\] ln: 100", r"\[FC\] FC: 0 = CTS", r"\[CF\] sn:")], [1, 1, 14])
    # In ten lines, or in one.
    wait_until(lambda: payload(100).strip() in re.sub(r"\s+", " ", sniffer.text()), "the payload is seen", sniffer)
    watchers[1].says(": 100 byte in ")


@pair("isotpserver, isotprecv, isotpsend")
def _serve_transport(bus: Bus) -> None:
    bus.start("isotpserver", "-l", "28702", "-s", "321", "-d", "123", "vcan0")
    with connect(28702) as client:
        receiver = bus.start("isotprecv", "-s", "123", "-d", "321", "vcan0").waits()
        client.sendall(f"<{payload(50).replace(' ', '')}>".encode())
        same(receiver.ends().split(), payload(50).split())
        bus.run("isotpsend", "-s", "123", "-d", "321", "vcan0", given=payload(60))
        got = ""
        while "\n" not in got:
            got += client.recv(4096).decode()
        same(got, f"<{payload(60).replace(' ', '')}>\n")


@pair("j1939cat, both ways")
def _cat(bus: Bus) -> None:
    for length in (8, 9, 1785, 100_000):
        file = bus.directory / "file"
        file.write_bytes(bytes(number * 13 & 0xFF for number in range(length)))
        received = bus.directory / "received"
        receiver = bus.start("sh", "-c", f"exec j1939cat vcan0:0x90 -r >{received}").waits()
        # How it ends is no matter: on a kernel it finds the notification in the error queue too long, here it gets none.
        sender = bus.start("j1939cat", "-i", file, "vcan0:0x80", ":0x90,0x12300")
        wait_until(lambda: received.stat().st_size >= length, "all has come", receiver)
        receiver.stop()
        sender.stop()
        same(received.read_bytes() == file.read_bytes(), True)


@pair("testj1939, both ways; j1939spy")
def _test_j1939(bus: Bus) -> None:
    spy = bus.start("stdbuf", "-o0", "j1939spy", "-P", "vcan0:").waits()
    echo = bus.start("testj1939", "-e", "vcan0:0x90").waits()
    said = bus.run("testj1939", "-s20", "-r", "-w1", "vcan0:0x80", "vcan0:0x90,0x12300")
    assert re.search(r"90.*12300", said), said
    # Under sockshim the spy has seen the frames of these messages, where a kernel shows the messages. One frame is the same.
    bus.run("testj1939", "-s8", "-r", "-w1", "vcan0:0x80", "vcan0:0x90,0x12300")
    echo.stop()
    spy.says("12300")


@pair("j1939acd, candump")
def _claim(bus: Bus) -> None:
    dumped = dump(bus)
    claimer = bus.start("j1939acd", "-r", "100,80-120", "1122334455667788", "vcan0").waits()
    # The lowest address of the range; and of the name, the lowest byte comes first.
    dumped.says("18EEFF50#8877665544332211")
    claimer.stop()
