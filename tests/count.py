#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Counts the single tests in a log of `meson test`.

Usage: count.py testlog.json

Prints every skip and every failure with its reason, then `N passed, M failed`. A test program that
ends badly without saying which of its tests failed counts as one failure.
"""

import json
import re
import sys

POINT = re.compile(r"^(ok|not ok)\b\s*(?:\d+)?\s*(?:-\s*)?(.*?)\s*(?:#\s*(SKIP|TODO)\b\s*(.*))?$", re.I)


def count(log: str) -> tuple[int, int, int]:
    """Returns passed, failed and skipped tests of the log at path `log`."""
    passed = failed = skipped = 0
    with open(log, encoding="utf-8", errors="replace") as lines:
        for line in lines:
            program = json.loads(line)
            bad = 0
            for text in program.get("stdout", "").splitlines():
                point = POINT.match(text)
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
            failed += bad
    return passed, failed, skipped


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: count.py testlog.json")
    try:
        ok, bad, left = count(sys.argv[1])
    except OSError as error:
        print(f"FAILED: no test ran: {error}")
        ok, bad, left = 0, 1, 0
    print(f"{ok} passed, {bad} failed" + (f", {left} skipped" if left else ""))
    sys.exit(bad > 0 or ok == 0)
