#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Makes damaged media files from whole ones, the same ones for the same seed.

Usage: fuzz.py SEED COUNT FOLDER FILE...

Writes COUNT files named NNN-HOW.EXT into FOLDER: of each FILE in turn, with bits flipped (few or many,
anywhere or in the header), cut off, pieces shuffled, repeated, taken out, or overwritten.
"""

import os
import random
import sys


def flip(rng, data):
    for _ in range(rng.choice([1, 3, 10, 100])):
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)


def flip_header(rng, data):
    for _ in range(rng.choice([1, 3, 10])):
        data[rng.randrange(min(len(data), 1500))] ^= 1 << rng.randrange(8)


def flip_end(rng, data):
    for _ in range(rng.choice([1, 3, 10])):
        data[-1 - rng.randrange(min(len(data), 1500))] ^= 1 << rng.randrange(8)


def cut(rng, data):
    del data[rng.randrange(1, len(data)) :]


def cut_beginning(rng, data):
    del data[: rng.randrange(1, len(data) // 2)]


def shuffle(rng, data):
    size = rng.choice([188, 512, 4000])
    pieces = [data[i : i + size] for i in range(0, len(data), size)]
    first, rest = pieces[:1], pieces[1:]
    rng.shuffle(rest)
    data[:] = b"".join(first + rest)


def repeat(rng, data):
    start = rng.randrange(len(data))
    piece = data[start : start + rng.choice([188, 1000, len(data)])]
    data[start:start] = piece


def take_out(rng, data):
    start = rng.randrange(len(data))
    del data[start : start + rng.randrange(1, 2000)]


def overwrite(rng, data):
    start = rng.randrange(len(data))
    length = min(rng.choice([4, 8, 300]), len(data) - start)
    data[start : start + length] = bytes([rng.choice([0, 0x7F, 0xFF])]) * length


def main():
    seed, count, folder, files = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], sys.argv[4:]
    hows = [flip, flip_header, flip_end, cut, cut_beginning, shuffle, repeat, take_out, overwrite]
    rng = random.Random(seed)
    for number in range(count):
        path = files[number % len(files)]
        # Every way meets every file, whatever their numbers.
        how = hows[(number // len(files) + number) % len(hows)]
        with open(path, "rb") as file:
            data = bytearray(file.read())
        how(rng, data)
        name = f"{number:03d}-{how.__name__}{os.path.splitext(path)[1]}"
        with open(os.path.join(folder, name), "wb") as file:
            file.write(data)


if __name__ == "__main__":
    main()
