"""Workers that take turns, each in a process of its own that stays alive."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Self

import numpy as np

from engines import Case

HERE = Path(__file__).resolve().parent
SETTLE = 0.1  # seconds for the threads of the one before to go to sleep; most runtimes spin for a while
OURS, INTEGERS = "rfdn", "rfdn-int16"
# By itself the C library gives large activations back after each layer and has the system clear new pages
# for the next; PyTorch takes 1.7 times as long with that at 640x360.
KEEP_MEMORY = {"MALLOC_MMAP_THRESHOLD_": str(2**32), "MALLOC_TRIM_THRESHOLD_": str(2**33)}


class WorkerError(Exception):
    """A worker ended; the text is the last thing that it said."""


@dataclass
class Worker:
    """A process that computes one case with one engine, asleep unless asked."""

    engine: str
    command: list[str]
    log: Path
    environment: dict[str, str] = field(default_factory=dict)
    turns: list[float] = field(default_factory=list)  # a turn's median, milliseconds
    memory: int = 0  # peak of the process, KiB

    def __enter__(self) -> Self:
        with self.log.open("w") as log:
            self.process = subprocess.Popen(self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                            stderr=log, text=True, bufsize=1,
                                            env={**os.environ, **self.environment})
        assert self.process.stdin and self.process.stdout
        self.questions: IO[str] = self.process.stdin
        self.answers: IO[str] = self.process.stdout
        try:
            self.ready = self.read().removeprefix("ready ")
        except WorkerError:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.questions.close()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.answers.close()

    def read(self) -> str:
        line = self.answers.readline()
        if not line:
            said = self.log.read_text(errors="replace").strip().splitlines() or ["nothing"]
            raise WorkerError(f"{self.engine}: the process ended ({self.process.wait()}): {said[-1]}")
        return line.strip()

    def ask(self, line: str) -> str:
        try:
            self.questions.write(line + "\n")
        except BrokenPipeError:
            pass  # read() says why
        return self.read()

    def take_turn(self, frames: int) -> None:
        """A frame to get its memory back into the caches, then `frames` that count."""
        time.sleep(SETTLE)
        times = [float(word) for word in self.ask(f"run {frames + 1}").split()]
        self.turns.append(statistics.median(times[1:]))
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        self.memory = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM"))

    def difference(self, case: Case) -> float:
        """The largest absolute difference from PyTorch's output, in 0..255."""
        path = case.folder / f"{self.engine}.f32"
        self.ask(f"save {path}")
        result, reference = np.fromfile(path, "<f4"), np.load(case.reference).ravel()
        path.unlink()
        if result.shape != reference.shape:
            raise WorkerError(f"{self.engine}: {result.size} samples came out, expected {reference.size}")
        difference = float(np.abs(result - reference).max())
        # The largest of numbers among which is a NaN is that NaN: no comparison would catch it.
        return difference * 255 / case.input_range if np.isfinite(difference) else float("inf")


def peer(engine: str, case: Case, threads: int, variant: str) -> Worker:
    return Worker(engine, [sys.executable, str(HERE / "worker.py"), engine, str(case.folder), str(threads), variant],
                  case.folder / f"{engine}.log", KEEP_MEMORY)


def ours(program: Path, case: Case, threads: int, engine: str = OURS) -> Worker:
    precision = "int16" if engine == INTEGERS else "float32"
    return Worker(engine, [str(program), str(case.weights), str(case.width), str(case.height), str(threads),
                           str(case.bytes), precision],
                  case.folder / f"{engine}.log")


def alternate(workers: list[Worker], rounds: int, frames: int) -> None:
    """A turn each a round; who begins moves on, so that nobody always follows the same one's leavings.

    A peer that ends is named and taken off the list; without ours there is nothing to compare with.
    """
    for k in range(rounds):
        begin = k % len(workers)
        for worker in workers[begin:] + workers[:begin]:
            try:
                worker.take_turn(frames)
            except WorkerError as error:
                if worker.engine == OURS:
                    raise
                print(error, file=sys.stderr)
                workers.remove(worker)
