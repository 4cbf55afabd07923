#!/usr/bin/env python3
"""import_circles.py CRATE_DIRECTORY: which files of a Rust crate import each other in a circle.

Prints each circle on a line, the largest first: how many files, then their names below the directory. A circle is a
set of files from each of which every other can be reached by imports (a strongly connected component), so that none of
them can be understood, tested or moved alone.

What counts as an import of another file is every path that begins with `crate`, `super` or `self`: in a `use`, in code,
in the body of a macro (there also `$crate`), in an attribute. A path leads to the file of the longest module that it
names. Not counted: comments, strings, modules for tests (`#[cfg(test)]`), and that a file declares its child modules
(`mod name;`), which is no import. Two limits: a macro of macro_rules! that is called by its bare name is not followed,
and in an inline module `super` is taken for that of the file.

Files of other crates in subdirectories (those with a Cargo.toml of their own), `tests/` and build.rs are left out.
"""

import os
import re
import sys

# Comments and literals, in the order in which they hide each other. A lifetime ('a) is no character literal.
TEXT = re.compile(
    r"""//[^\n]*
      | /\*.*?\*/
      | b?r(?P<hashes>\#*)".*?"(?P=hashes)
      | [bc]?"(?:\\.|[^"\\])*"
      | b?'(?:\\[^\n]{1,9}?|[^\\'\n])'
    """,
    re.VERBOSE | re.DOTALL,
)
TEST_ITEM = re.compile(r"#\[cfg\((?:test|all\(test\b[^\]]*)\)\]\s*")
VISIBILITY = re.compile(r"\bpub\s*\(\s*in\s+[^)]*\)")
USE = re.compile(r"\buse\s+([^;]+);")
PATH = re.compile(r"\$?\b(?:crate|super|self)(?:\s*::\s*\w+)+")


def without_text(source):
    """The source with a blank for each comment and an empty string for each literal."""
    return TEXT.sub(lambda found: " " if found[0].startswith("/") else '""', source)


def without_tests(source):
    """The source (that has no literals any more) without the items behind #[cfg(test)]."""
    while found := TEST_ITEM.search(source):
        source = source[: found.start()] + source[end_of_item(source, found.end()) :]
    return source


def end_of_item(source, start):
    """Behind the `;` or the closing brace that ends the item at `start`; a `use` with braces ends with its `;`."""
    is_use = re.match(r"(?:#\[[^\]]*\]\s*)*(?:pub(?:\([^)]*\))?\s+)?use\b", source[start:])
    depth = 0
    for at in range(start, len(source)):
        char = source[at]
        if char in "{([":
            depth += 1
        elif char in "})]":
            depth -= 1
            if depth == 0 and char == "}" and not is_use:
                return at + 1
        elif char == ";" and depth == 0:
            return at + 1
    return len(source)


def expand(tree):
    """The paths of a `use` tree: `a::{b, c::d}` gives `a::b` and `a::c::d`."""
    tree = tree.strip()
    if "{" not in tree:
        return [re.split(r"\s+as\s+", tree)[0]]
    begin, inner = tree.split("{", 1)
    items, item, depth = [], "", 0
    for char in inner.rsplit("}", 1)[0]:
        depth += (char == "{") - (char == "}")
        if char == "," and depth == 0:
            items.append(item)
            item = ""
        else:
            item += char
    return [begin + path for item in items + [item] if item.strip() for path in expand(item)]


def paths(source):
    """Every path in the source that may lead to another file of the crate, as lists of names."""
    source = VISIBILITY.sub("pub", without_tests(without_text(source)))
    found = [path for use in USE.findall(source) for path in expand(use)]
    found += PATH.findall(USE.sub(" ", source))
    return [[name.strip() for name in path.lstrip("$ ").split("::")] for path in found]


def modules(directory):
    """The crate's files by the names of their modules: ("net", "sock") -> "net/sock.rs"."""
    files = {}
    for place, folders, names in os.walk(directory):
        folders[:] = [
            folder
            for folder in folders
            if folder not in ("tests", "target") and not os.path.exists(os.path.join(place, folder, "Cargo.toml"))
        ]
        for name in names:
            if not name.endswith(".rs") or name in ("build.rs", "tests.rs"):
                continue
            path = os.path.relpath(os.path.join(place, name), directory)
            module = path.removesuffix(".rs").split(os.sep)
            if module[-1] in ("mod", "lib", "main"):
                module.pop()
            files[tuple(module)] = path
    return files


def absolute(path, module):
    """The path from the crate's root, for one that stands in `module`; None where it leads elsewhere."""
    first, rest = path[0], path[1:]
    if first == "crate":
        return rest
    if first == "self":
        return [*module, *rest]
    if first == "super":
        base = list(module)
        while path and path[0] == "super":
            base, path = base[:-1], path[1:]
        return base + path
    return None


def imports(directory):
    """For each file of the crate the set of files that it imports."""
    files = modules(directory)
    edges = {}
    for module, file in files.items():
        with open(os.path.join(directory, file), encoding="utf-8") as source:
            found = paths(source.read())
        edges[file] = set()
        for path in found:
            names = absolute(path, module)
            while names and tuple(names) not in files:
                names.pop()
            # The crate's root re-exports and declares; a name in it may belong to another file.
            if names and files[tuple(names)] != file:
                edges[file].add(files[tuple(names)])
    return edges


def circles(edges):
    """The strongly connected components of more than one node, the largest first (Tarjan's algorithm)."""
    index, lowest, stack, found = {}, {}, [], []

    def visit(node):
        index[node] = lowest[node] = len(index)
        stack.append(node)
        for other in sorted(edges[node]):
            if other not in index:
                visit(other)
                lowest[node] = min(lowest[node], lowest[other])
            elif other in stack:
                lowest[node] = min(lowest[node], index[other])
        if lowest[node] == index[node]:
            at = stack.index(node)
            if len(stack) - at > 1:
                found.append(sorted(stack[at:]))
            del stack[at:]

    for node in sorted(edges):
        if node not in index:
            visit(node)
    return sorted(found, key=len, reverse=True)


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__.splitlines()[0])
    sys.setrecursionlimit(10_000)
    for circle in circles(imports(sys.argv[1])):
        print(len(circle), *circle)


if __name__ == "__main__":
    main()
