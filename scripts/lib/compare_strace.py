#!/usr/bin/env python3
"""Compares what strace saw a program do with its sockets with what the shim logged, call by call, thread by thread.

    compare_strace.py LEVEL STRACE LOG…

LEVEL is "call" (control calls only), "io", or "network" (what strace's %network has). STRACE is the output of `strace -f
-e trace=%network,…`, LOG are the JSON logs of the same run, or the trace of one in which strace was traced too. Prints a
table, and every call that only one of the two has; the status is 1 when there is one. The program must be one process, except
with "network"; it may have many threads.
"""

import difflib
import json
import re
import sys
from collections import Counter, defaultdict, namedtuple

CONTROL = {
    "socket", "socketpair", "bind", "listen", "accept", "accept4", "connect", "getsockname", "getpeername",
    "setsockopt", "getsockopt", "shutdown", "close",
}
# Of these it takes a look at the descriptor to know that they are about a socket.
ANY_FILE = {"close", "read", "readv", "write", "writev"}
DATA = {"sendto", "sendmsg", "sendmmsg", "recvfrom", "recvmsg", "recvmmsg", "read", "readv", "write", "writev"}
NAMES = {"call": CONTROL, "io": CONTROL | DATA, "network": (CONTROL | DATA) - ANY_FILE}

# Functions of libc whose system call has another name, and the fortified names.
SYSTEM_CALL = {
    "send": "sendto", "recv": "recvfrom", "__recv_chk": "recvfrom", "__recvfrom_chk": "recvfrom", "__read_chk": "read",
}

# The socket options that the shim itself reads. strace cannot tell whether the program or the shim reads them, so they
# are left out on both sides.
OWN_QUESTIONS = {"SO_COOKIE", "SO_DOMAIN", "SO_TYPE", "SO_PROTOCOL", "SO_ACCEPTCONN"}

# Where libc itself asks for users and groups, of which no hook knows: strace sees two calls, socket and connect.
NSCD = 'sun_path="/var/run/nscd/socket"'

Call = namedtuple("Call", "name fd ret errno text")


def read_strace(path, names):
    """The finished calls on sockets of each thread, in the order in which they ended; and those that libc itself has made."""
    calls, unfinished, interrupted = defaultdict(list), {}, defaultdict(list)
    sockets, strangers, by_libc = set(), set(), []
    for line in open(path, encoding="utf-8", errors="replace"):
        thread, text = re.match(r"(\d+) +(.*)", line).groups()
        if text.endswith("<unfinished ...>"):
            unfinished[thread] = text.removesuffix("<unfinished ...>")
            continue
        resumed = re.match(r"<\.\.\. \w+ resumed>(.*)", text)
        if resumed:
            text = unfinished.pop(thread, "") + resumed[1]
        parts = re.match(r"(\w+)\((.*)\)\s+= (-?\d+|\?)(?: (\w+))?", text)
        if not parts:
            continue  # A signal, or the end of a thread.
        name, arguments, ret, word = parts.groups()

        # The log's writer: it has a descriptor table of its own, with none of the program's sockets.
        if name in ("close_range", "unshare") and re.search(r"CLOSE_RANGE_UNSHARE|CLONE_FILES", arguments):
            strangers.add(thread)
        if thread in strangers:
            continue

        # A call that a signal interrupts has its result when the handler returns. Otherwise it is restarted.
        if ret == "?":
            if word and word.startswith("ERESTART"):
                interrupted[thread].append((name, arguments, text))
            continue
        if name == "rt_sigreturn":
            if not interrupted[thread]:
                continue
            name, arguments, text = interrupted[thread].pop()
            if word != "EINTR":
                continue

        ret, errno = int(ret), word if ret.startswith("-") else None
        first = re.match(r"-?\d+", arguments)
        fd = int(first[0]) if first else None
        if name == "socketpair" and ret == 0:
            sockets.update(map(int, re.search(r"\[(\d+), (\d+)\]", arguments).groups()))
        if name in ("socket", "accept", "accept4") and ret >= 0:
            sockets.add(ret)
        if name == "socket":
            fd = ret
        if name not in names or (name in ANY_FILE and fd not in sockets):
            continue
        if name == "close":
            sockets.discard(fd)
        option = re.match(r"-?\d+, SOL_SOCKET, (\w+)", arguments)
        if name == "getsockopt" and option and option[1] in OWN_QUESTIONS:
            continue
        if name == "connect" and NSCD in arguments and calls[thread] and calls[thread][-1].ret == fd:
            by_libc.append(calls[thread].pop())
            by_libc.append(Call(name, fd, ret, errno, text.strip()))
            continue
        calls[thread].append(Call(name, fd, ret, errno, text.strip()))
    return calls, by_libc


def read_log(paths, names):
    """The same from the log. A trace has them in the order in which they began."""
    calls = defaultdict(list)
    for path in paths:
        events = map(json.loads, open(path, encoding="utf-8"))
        for event in sorted(events, key=lambda event: event["ts"] + (event["ns"] or 0) / 1e9):
            if event["comm"] == "strace":
                continue
            name = SYSTEM_CALL.get(event["call"], event["call"])
            if event["call"] == "dropped":
                sys.exit(f"the log lost events, so that nothing can be compared: {json.dumps(event)}")
            if name in names and event["args"].get("optname") not in OWN_QUESTIONS:
                call = Call(name, event["fd"], event["ret"], event["errno"], json.dumps(event))
                calls[str(event["tid"])].append(call)
    return calls


def unmatched(traced, logged):
    """The calls that only strace has, and those that only the log has."""
    def key(call):
        return (call.name, call.fd, call.ret, call.errno)

    matcher = difflib.SequenceMatcher(None, list(map(key, traced)), list(map(key, logged)), autojunk=False)
    missing, extra = [], []
    for tag, i1, i2, j1, j2 in matcher.get_opcodes():
        if tag != "equal":
            missing += traced[i1:i2]
            extra += logged[j1:j2]
    return missing, extra


def main():
    level, strace, *logs = sys.argv[1:]
    names = NAMES[level]
    (traced, by_libc), logged = read_strace(strace, names), read_log(logs, names)

    missing, extra = [], []
    for thread in sorted(traced.keys() | logged.keys()):
        only_traced, only_logged = unmatched(traced[thread], logged[thread])
        missing += only_traced
        extra += only_logged

    def count(calls):
        return Counter(call.name for call in calls)

    columns = [
        count(call for calls in traced.values() for call in calls),
        count(call for calls in logged.values() for call in calls),
        count(missing),
        count(extra),
    ]
    print(f"{'call':<14}{'strace':>8}{'log':>8}{'missing':>9}{'extra':>8}")
    for name in [*sorted(set().union(*columns)), "total"]:
        row = [sum(column.values()) if name == "total" else column[name] for column in columns]
        print(f"{name:<14}{row[0]:>8}{row[1]:>8}{row[2]:>9}{row[3]:>8}")
    if by_libc:
        print(f"left out: {len(by_libc)} calls with which libc itself asks nscd")
    for call in missing:
        print(f"missing in the log: {call.text}")
    for call in extra:
        print(f"not seen by strace: {call.text}")
    if not columns[0]:
        sys.exit("strace saw no call on a socket: there was nothing to compare")
    sys.exit(1 if missing or extra else 0)


if __name__ == "__main__":
    main()
