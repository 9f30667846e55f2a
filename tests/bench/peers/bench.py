"""Times our engine and its peers on the same network, in turns, and prints a Markdown table.

run.sh makes everything that this needs and calls it.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import os
import platform
import re
import shlex
import subprocess
import sys
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
NAMES = {turns.OURS: "**gst-rfdn**", **engines.NAMES}


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
    parser.add_argument("--frames", type=positive, default=3, help="timed in a turn, after one that is not")
    parser.add_argument("--peers", nargs="*", choices=list(engines.NAMES), default=list(engines.NAMES))
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every turn there as well")
    parser.add_argument("--program", type=Path, required=True, help=argparse.SUPPRESS)
    parser.add_argument("--work", type=Path, required=True, help=argparse.SUPPRESS)
    return parser.parse_args()


def find_weights(model: str) -> Path:
    """The file of a model that is given as such, or by the name of a built-in one."""
    built_in = sorted((ROOT / "models").glob(f"{model}_x[234].safetensors")) if "/" not in model else []
    path = Path(model) if Path(model).is_file() or not built_in else built_in[0]
    if not path.is_file():
        sys.exit(f"{model}: no such file, and no built-in model; give --model, or $RFDN_SHARED for E-RFDN's weights")
    return path


def installed(peers: list[str]) -> list[str]:
    """Those whose packages are there; the others are named."""
    found = []
    for name in peers:
        try:
            engines.find(name)
            found.append(name)
        except Exception as error:  # noqa: BLE001 - a package may also be broken on this machine
            say(f"{engines.NAMES[name]}: left out: {str(error).splitlines()[0]}")
    return found


def make_case(args: argparse.Namespace, weights: Path, size: tuple[int, int], peers: list[str]) -> Case:
    folder = args.work / f"{weights.parent.name}-{weights.stem}-{size[0]}x{size[1]}"
    say(f"Exporting {weights.name} at {size[0]}x{size[1]} ...")
    command = [sys.executable, str(HERE / "prepare.py"), str(folder), str(weights), *map(str, size), *peers]
    made = subprocess.run(command, check=False, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    lines = made.stderr.strip().splitlines()
    if made.returncode:
        sys.exit(f"{weights}: {lines[-1] if lines else 'cannot be exported'}")
    for line in lines:
        if "cannot be exported" in line:
            say(line)
    return prepare.read(folder)


def fastest(name: str, case: Case, threads: int) -> str | None:
    """The variant of an engine that takes least time here; None if none works."""
    best: tuple[float, str] | None = None
    for variant in engines.find(name).variants:
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
    rows = []
    with ExitStack() as stack:
        workers = [stack.enter_context(turns.ours(args.program, args.model, case, threads))]
        workers += [stack.enter_context(turns.peer(*peer)) for peer in
                    ((name, case, threads, variant) for name, variant in variants.items())]
        turns.alternate(workers, args.rounds, args.frames)
        for worker in workers:
            row = table.Row(worker.engine, case.width, case.height, threads, worker.turns, worker.memory,
                            worker.difference(case), worker.ready)
            rows.append(row)
            say(f"{case.width}x{case.height} {threads} {worker.engine}: {row.median:.1f} ms, "
                f"{row.ratio(rows[0]):.2f}, {row.memory_kib // 1024} MiB, {row.difference:.4f}; {row.settings}")
    return rows


def describe(variants: dict[str, str]) -> dict[str, str]:
    """Machine, command and versions."""
    cpu = re.search(r"model name\s*:\s*(.*)", Path("/proc/cpuinfo").read_text())
    git = subprocess.run(["git", "-C", str(ROOT), "describe", "--always", "--dirty", "--tags"],
                         check=False, capture_output=True, text=True)
    packages = {package for name in variants for package in engines.find(name).packages}
    versions = [f"{package} {importlib.metadata.version(package)}" for package in sorted(packages, key=str.lower)]
    return {"cpu": cpu[1] if cpu else platform.machine(), "processors": str(os.cpu_count()),
            "command": shlex.join(["tests/bench/peers/run.sh", *os.environ.get("RFDN_PEERS_ARGUMENTS", "").split()]),
            "versions": ", ".join([f"gst-rfdn {git.stdout.strip() or 'unknown'}", *versions]),
            "variants": ", ".join(f"{engines.NAMES[n]}: {v}" for n, v in variants.items() if v != "default")}


def main() -> None:
    args = parse()
    weights = find_weights(args.model)
    peers = installed(args.peers)
    cases = [make_case(args, weights, size, peers) for size in args.size]
    chosen = {name: fastest(name, cases[0], max(args.threads)) for name in peers}
    variants = {name: variant for name, variant in chosen.items() if variant}
    rows = [row for case in cases for threads in args.threads for row in measure(args, case, threads, variants)]

    about = describe(variants)
    ours = {(r.width, r.height, r.threads): r for r in rows if r.engine == turns.OURS}
    if args.json:
        results = [table.as_json(r, ours.get((r.width, r.height, r.threads))) for r in rows]
        args.json.write_text(json.dumps({**about, "model": args.model, "rows": results}, indent=1) + "\n")
    table.print_markdown(rows, NAMES, turns.OURS)
    print(f"\n{about['cpu']}, {about['processors']} processors. {about['versions']}. {about['variants']}.\n"
          f"`{about['command']}`")
    wrong = {NAMES[r.engine] for r in rows if not r.difference <= TOLERANCE}
    if wrong:
        sys.exit(f"Not PyTorch's output: {', '.join(sorted(wrong))}")


if __name__ == "__main__":
    try:
        main()
    except turns.WorkerError as error:
        sys.exit(str(error))
