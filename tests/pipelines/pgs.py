#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Makes subtitles that are pictures, which FFmpeg's command line cannot make of anything.

pgs.py OUT.sup WIDTH HEIGHT: Blu-ray's kind for a video of that size, three plain boxes of different size and
colour: from 0.2 to 0.6 s, from 1 to 1.4 s, and from 1.6 s on.
"""
import struct
import sys


def segment(seconds, kind, data):
    return b"PG" + struct.pack(">IIBH", round(seconds * 90000), 0, kind, len(data)) + data


def run(colour, n):
    return bytes([0, 0x80 | n, colour]) if n < 64 else bytes([0, 0xC0 | n >> 8, n & 255, colour])


def show(seconds, number, video, box, colour):
    x, y, width, height = box
    state = struct.pack(">HHBHBBBB", *video, 0x10, number, 0x80, 0, 0, 1) + struct.pack(">HBBHH", 0, 0, 0, x, y)
    pixels = (run(1, width) + b"\0\0") * height
    return (
        segment(seconds, 0x16, state)
        + segment(seconds, 0x17, struct.pack(">BBHHHH", 1, 0, x, y, width, height))
        + segment(seconds, 0x14, bytes([0, 0, 1, *colour, 255]))
        + segment(seconds, 0x15, struct.pack(">HBB", 0, 0, 0xC0) + (len(pixels) + 4).to_bytes(3, "big")
                  + struct.pack(">HH", width, height) + pixels)
        + segment(seconds, 0x80, b"")
    )


def clear(seconds, number, video, box):
    return (
        segment(seconds, 0x16, struct.pack(">HHBHBBBB", *video, 0x10, number, 0, 0, 0, 0))
        + segment(seconds, 0x17, struct.pack(">BBHHHH", 1, 0, *box))
        + segment(seconds, 0x80, b"")
    )


def main():
    video = int(sys.argv[2]), int(sys.argv[3])
    boxes = [(20, 10, 80, 20), (100, 60, 100, 30), (40, 100, 60, 16)]
    colours = [(235, 128, 128), (81, 240, 90), (145, 34, 54)]  # Y, Cr, Cb
    data = b""
    for i, (start, end) in enumerate([(0.2, 0.6), (1, 1.4), (1.6, None)]):
        data += show(start, 2 * i, video, boxes[i], colours[i])
        if end:
            data += clear(end, 2 * i + 1, video, boxes[i])
    with open(sys.argv[1], "wb") as file:
        file.write(data)


main()
