"""Times our engine and its peers on the same network, in turns, and prints a Markdown table.

run.sh makes everything that this needs and calls it.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import shlex
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path

import engines
import prepare
import table
import turns
from engines import Case

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[2]
TOLERANCE = 0.5  # of 255: what is further from PyTorch computes something else
WORK = Path(os.environ.get("RFDN_PEERS", ROOT / "build-peers"))
PROGRAM = WORK / "engine/tests/bench/peers/rfdn-peers-worker"
NAMES = {turns.OURS: "**gst-rfdn**", turns.INTEGERS: "**gst-rfdn**, 16-bit integers", **engines.NAMES}


Facts = dict[str, dict[str, list[str]]]  # of each peer that can take part: versions, variants


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def parse_size(text: str) -> tuple[int, int]:
    match = re.fullmatch(r"(\d+)x(\d+)", text)
    if not match:
        raise argparse.ArgumentTypeError(f"'{text}' is no WIDTHxHEIGHT")
    return int(match[1]), int(match[2])


def positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"'{text}' is no whole number above 0")
    return int(text)


def parse() -> argparse.Namespace:
    shared = Path(os.environ.get("RFDN_SHARED", ROOT.parent / "shared"))
    parser = argparse.ArgumentParser(prog="run.sh", description=__doc__.splitlines()[0],
                                     formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    parser.add_argument("--model", default=str(shared / "reference/rfdn_aim_x4/weights.safetensors"),
                        help="a safetensors file, or a built-in model such as live-clean")
    parser.add_argument("--size", type=parse_size, nargs="+", default=[(320, 180), (640, 360)], metavar="WxH")
    parser.add_argument("--threads", type=positive, nargs="+", default=[2, 1], metavar="N")
    parser.add_argument("--rounds", type=positive, default=7, help="turns of each engine")
    parser.add_argument("--frames", type=positive, default=2, help="timed in a turn, after one that is not")
    parser.add_argument("--peers", nargs="*", choices=list(engines.NAMES), default=list(engines.NAMES))
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every turn there as well")
    args = parser.parse_args()
    if args.json and not args.json.absolute().parent.is_dir():
        parser.error(f"--json {args.json}: there is no such folder")
    return args


def find_weights(model: str) -> Path:
    """The file of a model that is given as such, or by the name of a built-in one."""
    built_in = sorted((ROOT / "models").glob(f"{model}_x[234].safetensors")) if "/" not in model else []
    path = Path(model) if Path(model).is_file() or not built_in else built_in[0]
    if not path.is_file():
        sys.exit(f"{model}: no such file, and no built-in model; give --model, or $RFDN_SHARED for E-RFDN's weights")
    return path


def has_steps(weights: Path) -> bool:
    """Whether a safetensors file says how its network is computed in integers."""
    with weights.open("rb") as file:
        header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
    return "steps" in header.get("__metadata__", {})


def make_case(weights: Path, size: tuple[int, int], peers: list[str]) -> tuple[Case, Facts]:
    """The network exported at a size, and what is known of the peers that can take part."""
    folder = WORK / "cases" / f"{weights.parent.name}-{weights.stem}-{size[0]}x{size[1]}"
    say(f"Exporting {weights.name} at {size[0]}x{size[1]} ...")
    command = [sys.executable, str(HERE / "prepare.py"), str(folder), str(weights), *map(str, size), *peers]
    made = subprocess.run(command, check=False, capture_output=True, text=True)
    lines = made.stderr.strip().splitlines()
    if made.returncode:
        sys.exit(f"{weights}: {lines[-1] if lines else 'cannot be exported'}")
    for line in lines:
        if ": left out: " in line:
            say(line)
    return prepare.read(folder), json.loads(made.stdout)


def fastest(name: str, case: Case, threads: int, variants: list[str]) -> str | None:
    """The variant of an engine that takes least time here; None if none works."""
    best: tuple[float, str] | None = None
    if len(variants) == 1:
        return variants[0]
    for variant in variants:
        try:
            with turns.peer(name, case, threads, variant) as worker:
                worker.take_turn(3)
        except turns.WorkerError as error:
            say(f"{engines.NAMES[name]}, {variant}: {error}")
            continue
        say(f"{engines.NAMES[name]}, {variant}: {worker.turns[0]:.0f} ms")
        best = min(best or (float("inf"), ""), (worker.turns[0], variant))
    return best[1] if best else None


def measure(args: argparse.Namespace, case: Case, threads: int, variants: dict[str, str]) -> list[table.Row]:
    rows: list[table.Row] = []
    with ExitStack() as stack:
        workers = [stack.enter_context(turns.ours(PROGRAM, case, threads))]
        if has_steps(case.weights):
            workers.append(stack.enter_context(turns.ours(PROGRAM, case, threads, turns.INTEGERS)))
        for name, variant in variants.items():
            try:
                workers.append(stack.enter_context(turns.peer(name, case, threads, variant)))
            except turns.WorkerError as error:
                say(str(error))
        turns.alternate(workers, args.rounds, args.frames)
        for worker in workers:
            try:
                difference = worker.difference(case)
            except turns.WorkerError as error:
                if worker.engine == turns.OURS:
                    raise
                say(str(error))
                continue
            row = table.Row(worker.engine, case.width, case.height, threads, worker.turns, worker.memory,
                            difference, worker.ready)
            rows.append(row)
            say(f"{case.width}x{case.height} {threads} {worker.engine}: {row.median:.1f} ms, "
                f"{row.ratio(rows[0]):.2f}, {row.memory_kib // 1024} MiB, {row.difference:.4f}; {row.settings}")
    return rows


def describe(args: argparse.Namespace, facts: Facts, variants: dict[str, str]) -> dict[str, str]:
    """Machine, versions, settings and command."""
    cpu = re.search(r"model name\s*:\s*(.*)", Path("/proc/cpuinfo").read_text())
    git = subprocess.run(["git", "-C", str(ROOT), "describe", "--always", "--dirty", "--tags"],
                         check=False, capture_output=True, text=True)
    versions = [version for name in variants for version in facts[name]["versions"]]
    return {"cpu": f"{cpu[1] if cpu else platform.machine()}, {os.cpu_count()} processors",
            "date": time.strftime("%Y-%m-%d"),
            "versions": ", ".join([f"gst-rfdn {git.stdout.strip() or 'unknown'}", *versions]),
            "settings": ", ".join(f"{NAMES[n]} {v}" for n, v in variants.items() if len(facts[n]["variants"]) > 1),
            "rounds": f"{args.rounds} rounds of {args.frames} frames",
            "command": shlex.join(["tests/bench/peers/run.sh", *sys.argv[1:]])}


def main() -> None:
    args = parse()
    weights = find_weights(args.model)
    made = [make_case(weights, size, args.peers) for size in args.size]
    first, facts = made[0]
    chosen = {name: fastest(name, first, max(args.threads), facts[name]["variants"]) for name in facts}
    variants = {name: variant for name, variant in chosen.items() if variant}
    rows = [row for case, able in made for threads in args.threads
            for row in measure(args, case, threads, {n: v for n, v in variants.items() if n in able})]

    about = describe(args, facts, variants)
    ours = {(row.width, row.height, row.threads): row for row in rows if row.engine == turns.OURS}
    table.print_markdown(rows, NAMES, turns.OURS)
    print("\n" + "; ".join(text for key, text in about.items() if text and key != "command"))
    print(f"\n    {about['command']}")
    if args.json:
        results = [table.as_json(row, ours[row.width, row.height, row.threads]) for row in rows]
        args.json.write_text(json.dumps({**about, "model": args.model, "rows": results}, indent=1) + "\n")
    wrong = {NAMES[row.engine] for row in rows
             if row.engine != turns.INTEGERS and not row.difference <= TOLERANCE}
    if wrong:
        sys.exit(f"Not PyTorch's output: {', '.join(sorted(wrong))}")


if __name__ == "__main__":
    try:
        main()
    except turns.WorkerError as error:
        sys.exit(str(error))
