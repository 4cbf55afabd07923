"""Tests of what reads the output of the suites from Debian's source packages, and of what finds those packages."""

from __future__ import annotations

import unittest

from . import redis_tcl, socat
from .lib import debsrc

SOCAT_OUTPUT = """\
Using temp directory /tmp/someone/4
testing if address options are sorted... ok
test   1 UNISTDIO: unidirectional throughput from stdin to stdout... OK
test  24 RAWIP4SELF: simple echo via self receiving raw IPv4 protocol... IP4 not available
test 151 TCP4LISTENFORK: TCP4 listen handles 2 concurrent connections... FAILED
3d2
< test151 OK
test 227 EXECPTYKILL: exec:...,pty explicitely kills sub process... OK
test 310 OPENSSLRENEG2: connections do not block... said by the server
FAILED
test 338 ENV_CLIENT: sets env... NO RESULT (client failed):
test 377 OPENSSL_METHOD_DTLS1.2: test OpenSSL method DTLS1.2... """

REDIS_OUTPUT = """\
[ready]: 17
=== () Starting server 127.0.0.1:21111 ok
[ok]: PING (0 ms)
Waiting for background save to finish... [ok]: PING (12 ms)
[ok]: diskless (fast (really)) replicas (3 ms)
[err]: Unbalanced number in tests/unit/protocol.tcl
Expected 'a' to be equal to 'b' (context: ...)
[skip]: not wanted
[ignore]: not now: large memory flag not provided
[1/1 done]: unit/protocol (1 seconds)

!!! WARNING The following tests failed:

*** [err]: Unbalanced number in tests/unit/protocol.tcl
"""


class Socat(unittest.TestCase):
    def test_outcomes(self) -> None:
        self.assertEqual(
            socat.parse(SOCAT_OUTPUT),
            {
                "1 UNISTDIO": "pass",
                "24 RAWIP4SELF": "skip",
                "151 TCP4LISTENFORK": "fail",
                "227 EXECPTYKILL": "pass",
                "310 OPENSSLRENEG2": "fail",
                "338 ENV_CLIENT": "error",
                "377 OPENSSL_METHOD_DTLS1.2": "error",
            },
        )

    def test_after_a_hang_the_rest_is_run(self) -> None:
        done = {"3 A": "pass", "9 B": "timeout"}
        # What is below the last number is no test of this version.
        self.assertEqual(socat.remaining(["3", "6", "9", "12", "15"], done), ["12", "15"])
        self.assertEqual(socat.remaining(["A", "B", "C"], done), ["C"])


class Redis(unittest.TestCase):
    def test_outcomes(self) -> None:
        self.assertEqual(
            redis_tcl.parse("unit/protocol", REDIS_OUTPUT),
            {
                "unit/protocol: PING": "pass",
                "unit/protocol: PING #2": "pass",
                "unit/protocol: diskless (fast (really)) replicas": "pass",
                "unit/protocol: Unbalanced number": "fail",
                "unit/protocol: not wanted": "skip",
                "unit/protocol: not now": "skip",
            },
        )

    def test_a_driver_that_breaks_off(self) -> None:
        outcomes = redis_tcl.parse("unit/quit", "[ok]: QUIT (0 ms)\n[exception]: Executing test client: I/O error\n")
        self.assertEqual(outcomes, {"unit/quit: QUIT": "pass", "unit/quit: the whole unit": "error"})


class Sources(unittest.TestCase):
    def setUp(self) -> None:
        self.codename, debsrc.CODENAME = debsrc.CODENAME, "bookworm"

    def tearDown(self) -> None:
        debsrc.CODENAME = self.codename

    def test_lines(self) -> None:
        for line, expected in {
            "deb http://mirror.example/debian bookworm main": "deb-src http://mirror.example/debian bookworm main\n",
            "deb [ signed-by=/a b=c ] http://mirror.example/debian bookworm-security main contrib": "deb-src "
            "[ signed-by=/a b=c ] http://mirror.example/debian bookworm-security main contrib\n",
            "deb http://other.example/tools nodistro main": "",
            "deb-src http://mirror.example/debian bookworm main": "",
            "# deb http://mirror.example/debian bookworm main": "",
            "": "",
        }.items():
            self.assertEqual(debsrc.one_line(line), expected, line)

    def test_stanzas(self) -> None:
        stanza = "Types: deb\n# A comment.\nURIs: http://mirror.example/debian\nSuites: bookworm bookworm-updates\n"
        wanted = "Types: deb-src\nURIs: http://mirror.example/debian\nSuites: bookworm bookworm-updates\n"
        self.assertEqual(debsrc.stanza(stanza), wanted)
        self.assertEqual(debsrc.stanza(stanza.replace("Types: deb", "Types: deb deb-src")), wanted)
        self.assertEqual(debsrc.stanza(stanza + "Enabled: no\n"), "")
        self.assertEqual(debsrc.stanza(stanza.replace("bookworm", "nodistro")), "")
        self.assertEqual(debsrc.stanza(""), "")


if __name__ == "__main__":
    unittest.main()
