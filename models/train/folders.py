"""Folders that take long to fill."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from data import InputError


def unfinished(folder: Path) -> Path:
    return folder.with_name(folder.name + ".part")


def check_new(folder: Path) -> None:
    """InputError if the folder to fill, or its unfinished NAME.part, already exists."""
    for path in (folder, unfinished(folder)):
        if path.exists():
            raise InputError(f"{path}: exists already; give another folder or remove it")


@contextmanager
def filling(folder: Path) -> Iterator[Path]:
    """A new folder to fill; it gets its name once complete, so that an interrupted one cannot be taken for complete.

    Until then it is NAME.part, which stays if the work is interrupted: it may hold hours of it.
    """
    check_new(folder)
    unfinished(folder).mkdir(parents=True)
    yield unfinished(folder)
    unfinished(folder).rename(folder)
