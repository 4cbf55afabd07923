"""Prints the licences of the crates that are linked into the given packages, with their texts: they ask for that.

    notices.py PACKAGE…
"""

import json
import pathlib
import subprocess
import sys


def cargo(*arguments):
    return subprocess.run(["cargo", *arguments], check=True, stdout=subprocess.PIPE, text=True).stdout


def linked(packages):
    """The names and versions of the crates, without what only builds or tests need."""
    chosen = [argument for package in packages for argument in ("--package", package)]
    # Macros run in the compiler, and nothing of them is linked.
    lines = cargo("tree", "--locked", "--edges=normal,no-proc-macro", "--prefix=none", "--format={p}", *chosen).splitlines()
    return {tuple(line.split()[:2]) for line in lines if line}


def main():
    wanted = linked(sys.argv[1:])
    metadata = json.loads(cargo("metadata", "--locked", "--format-version=1"))
    print("sockshim contains the following Rust crates. Each stands under the licence that is named.")
    texts = {}
    for crate in sorted(metadata["packages"], key=lambda crate: (crate["name"], crate["version"])):
        # What has no source is our own.
        if crate["source"] is None or (crate["name"], "v" + crate["version"]) not in wanted:
            continue
        name = f"{crate['name']} {crate['version']}"
        print(f"{name}: {crate['license']}")
        folder = pathlib.Path(crate["manifest_path"]).parent
        files = [file for file in folder.iterdir() if file.name.upper().startswith(("LICENSE", "LICENCE", "COPYING", "NOTICE"))]
        for file in sorted(file for file in files if file.is_file()):
            text = file.read_text(errors="replace").strip()
            texts.setdefault(text, []).append(f"{name}, {file.name}")
    for text, names in texts.items():
        print(f"\n{'-' * 78}\n{chr(10).join(names)}\n{'-' * 78}\n\n{text}")


main()
