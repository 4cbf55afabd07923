"""What import_circles.py finds in made-up crates: python3 scripts/lib/import_circles_test.py"""

import os
import tempfile
import unittest

from import_circles import circles, imports


def found(files):
    """The circles of a crate with these files."""
    with tempfile.TemporaryDirectory() as crate:
        for name, source in files.items():
            os.makedirs(os.path.dirname(os.path.join(crate, name)), exist_ok=True)
            with open(os.path.join(crate, name), "w", encoding="utf-8") as file:
                file.write(source)
        return circles(imports(crate))


def circle_of(source):
    """Whether `source`, in a.rs, makes a circle with b.rs, which imports it."""
    return found({"lib.rs": "mod a; mod b;", "a.rs": source, "b.rs": "use crate::a::A;"}) == [["a.rs", "b.rs"]]


class Circles(unittest.TestCase):
    def test_each_way_to_import_counts(self):
        for source in [
            "use crate::b;",
            "use crate::b::B as Other;",
            "use crate::{c, b::{B, C}};",
            "pub(crate) use super::b::B;",
            "fn f() { crate::b::g() }",
            "fn f() -> super::b::B { todo!() }",
            "macro_rules! m { () => { $crate::b::g() } }",
            "#[cfg(test)]\nmod tests { use super::*; }\nuse crate::b;",
            "#[cfg(test)]\nuse crate::c::{D, E};\nuse crate::b;",
            "fn f<'a>(x: &'a str) -> char { crate::b::g(); 'a' }",
        ]:
            self.assertTrue(circle_of(source), source)

    def test_what_is_no_import(self):
        for source in [
            "",
            "// use crate::b;",
            "/* crate::b::g() */",
            "/// See [`crate::b::g`].\nfn f() {}",
            'const TEXT: &str = "use crate::b;";',
            'const TEXT: &str = r#"a " crate::b::g()"#;',
            "#[cfg(test)]\nmod tests { use crate::b; fn f() { crate::b::g() } }",
            "#[cfg(test)]\nuse crate::b::{B, C};",
            "pub(in crate::b) fn f() {}",
            "use other::b;",
        ]:
            self.assertFalse(circle_of(source), source)

    def test_circles_of_several_files_and_folders(self):
        crate = {
            "lib.rs": "mod net; mod log;",
            "net/mod.rs": "pub mod sock; pub mod ops;",
            "net/sock.rs": "use super::ops::Ops;",
            "net/ops.rs": "use crate::log::write;",
            "log.rs": "use crate::net::sock::{self, Sock};",
            "alone.rs": "use crate::net::sock;",
        }
        self.assertEqual(found(crate), [["log.rs", "net/ops.rs", "net/sock.rs"]])
        crate["net/ops.rs"] = ""
        self.assertEqual(found(crate), [])

    def test_the_largest_comes_first(self):
        crate = {"lib.rs": ""}
        for name, other in [("a", "b"), ("b", "a"), ("x", "y"), ("y", "z"), ("z", "x")]:
            crate[f"{name}.rs"] = f"use crate::{other};"
        self.assertEqual([len(circle) for circle in found(crate)], [3, 2])


if __name__ == "__main__":
    unittest.main()
