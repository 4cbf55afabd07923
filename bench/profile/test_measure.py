"""What the profile makes of other programs' output."""

import os
import tempfile
import unittest
from unittest import mock

from bench.profile import measure

SMAPS = """\
7f0000000000-7f0000010000 r-xp 00001000 fe:00 1    /tmp/libsockshim.so
Rss:                  64 kB
Anonymous:             0 kB
7f0000010000-7f0000020000 r--p 00011000 fe:00 1    /tmp/libsockshim.so
Rss:                  12 kB
Anonymous:             8 kB
7f0000020000-7f0000030000 rw-p 00000000 00:00 0
Rss:                   4 kB
Anonymous:             4 kB
7ffc00000000-7ffc00010000 rw-p 00000000 00:00 0    [stack]
Rss:                   8 kB
Anonymous:             8 kB
"""


class ProfileTest(unittest.TestCase):
    def test_memory_is_counted_by_kind(self):
        with tempfile.NamedTemporaryFile(suffix="libsockshim.so") as file:
            library = os.path.basename(file.name)
            with mock.patch.dict(os.environ, SOCKSHIM_SO=file.name):
                found = measure.by_kind(SMAPS.replace("libsockshim.so", library))
        self.assertEqual(found["library: code"], 64)
        self.assertEqual(found["library: constants and what is relocated"], 12)
        self.assertEqual(found["of the library's: written to, so the process's own"], 8)
        self.assertEqual(found["anonymous memory"], 4)
        self.assertEqual(found["stack"], 8)

    def test_functions_have_their_own_names(self):
        self.assertEqual(
            measure.function("sockshim::call::leave::h0123456789abcdef [/a/libsockshim.so]"),
            "sockshim::call::leave",
        )
        self.assertEqual(measure.function("memcpy [/lib/libc.so.6]"), "memcpy (in libc.so.6)")


if __name__ == "__main__":
    unittest.main()
