#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Counts the single tests in logs of `meson test`.

Usage: count.py LOG...

A log is the testlog.json of a run, or a .tap file, what one test program printed.

Prints every skip and every failure with its reason, then `N passed, M failed`. A test program that
ends badly without saying which of its tests failed counts as one failure, and the last it wrote is
printed; one that says that it skips all of them counts as one skip.
"""

import json
import pathlib
import re
import sys

POINT = re.compile(r"^(ok|not ok)\b\s*(?:\d+)?\s*(?:-\s*)?(.*?)\s*(?:#\s*(SKIP|TODO)\b\s*(.*))?$", re.I)
NOTHING = re.compile(r"^1\.\.0\s*#\s*SKIP\b\s*(.*)$", re.I)
LAST_WORDS = 20  # lines


def programs(log: str) -> list[dict]:
    """Returns name, result and stdout of each test program in the log at path `log`."""
    path = pathlib.Path(log)
    text = path.read_text(encoding="utf-8", errors="replace")
    if path.suffix == ".tap":
        return [{"name": path.stem, "result": "OK", "stdout": text}]
    return [json.loads(line) for line in text.split("\n") if line]


def count(log: str) -> tuple[int, int, int]:
    """Returns passed, failed and skipped tests of the log at path `log`."""
    passed = failed = skipped = 0
    for program in programs(log):
        bad = 0
        for text in program.get("stdout", "").splitlines():
            point, nothing = POINT.match(text), NOTHING.match(text)
            if nothing:
                skipped += 1
                print(f"skipped: {program['name']}: {nothing[1]}")
            if not point:
                continue
            result, name, directive, reason = point.groups()
            if directive and directive.upper() == "SKIP":
                skipped += 1
                print(f"skipped: {program['name']} {name}: {reason}")
            elif result.lower() == "ok":
                passed += 1
            else:
                bad += 1
                print(f"FAILED: {program['name']} {name}")
        if not bad and program["result"] not in ("OK", "SKIP", "EXPECTEDFAIL"):
            bad = 1
            print(f"FAILED: {program['name']} ended with {program['result']}")
            for stream in ("stdout", "stderr"):
                for text in program.get(stream, "").splitlines()[-LAST_WORDS:]:
                    print(f"  {stream}: {text}")
        failed += bad
    return passed, failed, skipped


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit("usage: count.py LOG...")
    ok = bad = left = 0
    for argument in sys.argv[1:]:
        try:
            counts = count(argument)
        except OSError as error:
            print(f"FAILED: no test ran: {error}")
            counts = (0, 1, 0)
        ok, bad, left = ok + counts[0], bad + counts[1], left + counts[2]
    print(f"{ok} passed, {bad} failed" + (f", {left} skipped" if left else ""))
    sys.exit(bad > 0 or ok == 0)
