"""Folders that take long to fill."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from data import InputError


def unfinished(folder: Path) -> Path:
    return folder.with_name(folder.name + ".part")


def check_new(folder: Path) -> None:
    """InputError where a folder to fill, or an unfinished one of its name, is there already."""
    for path in (folder, unfinished(folder)):
        if path.exists():
            raise InputError(f"{path}: exists already; give another folder or remove it")


@contextmanager
def filling(folder: Path) -> Iterator[Path]:
    """A new folder to fill; it gets its name when all is in it, so that an interrupted one cannot pass for a whole.

    Until then it lies beside as NAME.part, and stays there when it is not finished: it may hold hours of work.
    """
    check_new(folder)
    unfinished(folder).mkdir(parents=True)
    yield unfinished(folder)
    unfinished(folder).rename(folder)
