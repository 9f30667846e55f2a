"""What was measured, as a Markdown table."""

from __future__ import annotations

import statistics
from dataclasses import asdict, dataclass


@dataclass
class Row:
    """One engine at one size with one number of threads; `turns` in milliseconds, one a round."""

    engine: str
    width: int
    height: int
    threads: int
    turns: list[float]
    memory_kib: int
    difference: float  # from PyTorch, the largest, 0..255
    settings: str

    @property
    def median(self) -> float:
        return statistics.median(self.turns)

    def ratio(self, to: Row) -> float:
        """How many times as long as `to` this takes: the median of the rounds' ratios."""
        return statistics.median(a / b for a, b in zip(self.turns, to.turns, strict=True))


def as_json(row: Row, ours: Row | None) -> dict[str, object]:
    more = {"ratio": row.ratio(ours)} if ours else {}
    return {**asdict(row), "median_ms": row.median, "min_ms": min(row.turns), "max_ms": max(row.turns), **more}


def print_markdown(rows: list[Row], names: dict[str, str], ours: str) -> None:
    """One table: a line an engine, and for each size and number of threads time, ratio and memory."""
    columns = list(dict.fromkeys((row.width, row.height, row.threads) for row in rows))
    found = {(row.engine, row.width, row.height, row.threads): row for row in rows}
    heads = [f"{w}x{h}, {t} thread{'s' * (t > 1)}" for w, h, t in columns]
    print("| |", " | ".join(heads), "| peak memory | largest difference |")
    print("|---|" + "---|" * (len(columns) + 2))
    for engine, name in names.items():
        own = [found.get((engine, *column)) for column in columns]
        if not any(own):
            continue
        cells = []
        for row, column in zip(own, columns, strict=True):
            base = found.get((ours, *column))
            cell = f"{row.median:.1f} ms" if row else "-"
            if row and base and row is not base:
                cell += f" ({row.ratio(base):.2f})"
            cells.append(cell)
        memory = max(row.memory_kib for row in own if row) / 1024
        difference = max(row.difference for row in own if row)
        print(f"| {name} |", " | ".join(cells), f"| {memory:.0f} MiB | {difference:.4f} |")
