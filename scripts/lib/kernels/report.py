"""What kernels.sh has found: a summary, and the tables of docs/kernels.md.

    python3 report.py RESULTS [--output docs/kernels.md]

RESULTS has one file for each boot, `<release>-<setting>`, as guest.sh has printed it. The status is 1 if a part failed.
"""

from __future__ import annotations

import argparse
import re
import sys
from dataclasses import dataclass, field
from pathlib import Path

ORDER = ["bullseye", "bookworm", "trixie", "running"]
TITLES = {"bullseye": "Debian 11", "bookworm": "Debian 12", "trixie": "Debian 13", "running": "the machine that ran it"}
SETTINGS = {"plain": "no module loaded", "modules": "every module"}
BEGIN, END = "<!-- made by scripts/kernels.sh: {} -->", "<!-- end of what scripts/kernels.sh made -->"

# One line of sockshim-oracle: a setting, how much was asked, and what came of it.
COUNTS = re.compile(r"(?P<asked>\d+) (?:triples|cells|combinations of faults|predictions)\b.*?(?P<wrong>\d+) wrong, (?P<open>\d+) left to the host")
MORE = re.compile(r"(\d+) flags and extremes")


@dataclass
class Count:
    """What one command of the oracle found in all settings."""

    settings: int = 0
    asked: int = 0
    wrong: int = 0
    open: int = 0

    def __str__(self) -> str:
        return f"{self.wrong} of {self.asked:,} ({100 * self.open / self.asked:.1f} % open)" if self.asked else "not run"


@dataclass
class Boot:
    """One kernel in one setting."""

    release: str
    setting: str
    kernel: str = "?"
    ended: dict[str, int] = field(default_factory=dict)
    counts: dict[str, Count] = field(default_factory=dict)
    programs: dict[str, str] = field(default_factory=dict)
    modules: int = 0
    unavailable: list[str] = field(default_factory=list)
    mismatches: list[str] = field(default_factory=list)
    differences: dict[tuple[str, str, str, str], str] = field(default_factory=dict)


def read(path: Path) -> Boot:
    """Reads what one boot has printed."""
    release, setting = path.name.split("-", 1)
    boot = Boot(release, setting)
    part, command = None, None
    for number, line in enumerate(path.read_text(errors="replace").splitlines()):
        words = line.split()
        if number == 0 and len(words) == 1:
            # Of a kernel that is nobody else's, the version is enough.
            boot.kernel = words[0] if release != "running" else re.match(r"[\d.]+", words[0])[0]
        elif line.startswith("== begin "):
            part = words[2]
            boot.ended[part] = -1
        elif line.startswith("== end "):
            boot.ended[words[2]] = int(words[3])
            part = None
        elif part == "modules":
            boot.modules = len(words)
        elif part == "oracle":
            command = oracle(boot, command, line)
        elif part and part.startswith("programs") and (found := re.search(r"test result: .*?(\d+) passed; (\d+) failed", line)):
            boot.programs[part] = f"{found[1]} passed, {found[2]} failed"
        if "MISMATCH" in line or "NOT FOUND" in line or "panicked" in line:
            boot.mismatches.append(line.strip())
    return boot


def oracle(boot: Boot, command: str | None, line: str) -> str | None:
    """Reads one line of the oracle; returns the command that it belongs to."""
    if found := re.match(r"([a-z]+): ", line):
        return found[1]
    if "not available" in line:
        boot.unavailable.append(line.split("not available")[0].strip())
    elif command == "differences" and line.startswith("    | "):
        since, question, before, after, answer = (cell.strip() for cell in line.strip().strip("|").split(" | "))
        boot.differences[since.strip("| "), question, before, after] = answer
    elif found := COUNTS.search(line):
        count = boot.counts.setdefault(command or "?", Count())
        more = MORE.search(line)
        count.settings += 1
        count.asked += int(found["asked"]) + (int(more[1]) if more else 0)
        count.wrong += int(found["wrong"])
        count.open += int(found["open"])
    return command


def summary(boots: list[Boot]) -> bool:
    """Prints what was found. `False` if a part failed."""
    good = True
    for boot in boots:
        print(f"\n{boot.kernel} ({TITLES[boot.release]}), {SETTINGS[boot.setting]}")
        for command, count in boot.counts.items():
            print(f"    {command:<12} {count}")
        for part, result in boot.programs.items():
            print(f"    {part:<12} {result}")
        for setting in sorted(set(boot.unavailable)):
            print(f"    not available: {setting}")
        for line in boot.mismatches[:12]:
            print(f"    {line}")
        failed = [part for part, status in boot.ended.items() if status != 0]
        if failed or not boot.ended:
            print(f"    FAILED: {', '.join(failed) or 'it did not come to an end'}")
            good = False
    return good


def settings_table(boots: list[Boot]) -> list[str]:
    """Kernel × setting × mismatches."""
    commands = ["socket", "socketpair", "matrix", "faults", "walks"]
    rows = ["| kernel | modules | " + " | ".join(commands) + " |", "|---" * (len(commands) + 2) + "|"]
    for boot in boots:
        cells = [str(boot.counts[command]) if command in boot.counts else "not run" for command in commands]
        modules = f"{boot.modules} loaded" if boot.modules else SETTINGS[boot.setting] if boot.release != "running" else "as it is"
        rows.append(f"| {boot.kernel} ({TITLES[boot.release]}) | {modules} | " + " | ".join(cells) + " |")
    return rows


def programs_table(boots: list[Boot]) -> list[str]:
    """What else was run there."""
    rows = ["| kernel | modules | C programs, root | C programs, another user | self-test and demo, both |", "|---" * 5 + "|"]
    for boot in boots:
        if boot.release == "running":
            continue
        tried = [boot.ended[part] for part in ("self-test", "demo") if part in boot.ended]
        command = "not run" if not tried else "pass" if not any(tried) else "FAIL"
        root, user = (boot.programs.get(part, "not run") for part in ("programs", "programs-user"))
        rows.append(f"| {boot.kernel} | {SETTINGS[boot.setting]} | {root} | {user} | {command} |")
    return rows


def differences_table(boots: list[Boot]) -> list[str]:
    """Each difference, with what each kernel answered; where a module is needed, the answer with modules."""
    kernels: dict[str, dict] = {}
    for boot in boots:
        answers = kernels.setdefault(boot.kernel, {})
        for question, answer in boot.differences.items():
            if answer != "not here" or question not in answers:
                answers[question] = answer
    questions = [question for boot in boots for question in boot.differences]
    questions = list(dict.fromkeys(questions))
    names = [re.match(r"\d+\.\d+", kernel)[0] for kernel in kernels]
    rows = ["| since | question | before | after | " + " | ".join(names) + " |", "|---" * (4 + len(names)) + "|"]
    for question in questions:
        since, text, before, after = question
        cells = [answers.get(question, "not here").replace("not here", "–") for answers in kernels.values()]
        rows.append(f"| {since} | {text.replace('|', chr(92) + '|')} | {before} | {after} | " + " | ".join(cells) + " |")
    return rows


def write(document: Path, boots: list[Boot]) -> None:
    """Replaces the tables in the document."""
    text = document.read_text()
    tables = {"settings": settings_table(boots), "programs": programs_table(boots), "differences": differences_table(boots)}
    for name, rows in tables.items():
        begin = text.index(BEGIN.format(name)) + len(BEGIN.format(name))
        end = text.index(END, begin)
        text = text[:begin] + "\n\n" + "\n".join(rows) + "\n\n" + text[end:]
    document.write_text(text)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("results", type=Path)
    parser.add_argument("--output", type=Path)
    arguments = parser.parse_args()
    boots = [read(path) for path in arguments.results.iterdir()]
    boots.sort(key=lambda boot: (ORDER.index(boot.release), boot.setting != "plain"))
    good = summary(boots)
    whole = [boot for boot in boots if boot.kernel != "?"]
    if arguments.output and len(whole) == len(boots):
        write(arguments.output, boots)
    elif arguments.output:
        print(f"\n{arguments.output} stays as it is: a kernel has said nothing")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
