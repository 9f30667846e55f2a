"""One peer in a process of its own, as worker.c is for our engine; see there for what it answers."""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from pathlib import Path

import engines
import prepare


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("engine", choices=engines.NAMES)
    parser.add_argument("folder", type=Path, help="of a prepared case")
    parser.add_argument("threads", type=int)
    parser.add_argument("variant")
    args = parser.parse_args()

    # Libraries print to standard output as they like; what we say goes where it went before.
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    engine = engines.find(args.engine)(prepare.read(args.folder), args.threads, args.variant)
    engine.run()
    print("ready", args.variant, file=answers)
    for line in sys.stdin:
        command, _, value = line.strip().partition(" ")
        if command == "run":
            times = []
            for _ in range(int(value)):
                start = time.perf_counter()
                engine.run()
                times.append(1e3 * (time.perf_counter() - start))
            print(*times, file=answers)
        elif command == "save":
            engine.output().astype("<f4").tofile(value)
            print("saved", file=answers)
        else:
            sys.exit(f"unknown command {json.dumps(line)}")


if __name__ == "__main__":
    main()
