#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""How well rfdn-transcode overlaps what it does: decoding, enlarging and encoding each alone, and the whole.

Usage: overlap.py [--build DIR] [--frames N] [--rounds N] [--model NAME] [--preset NAME] CLIP

All four run in turn; the table has the medians of the rounds. The whole cannot take less than its slowest part alone,
nor less than its processor time spread over all processors: `bound`. `busy` is how much of the processors a run had.
`unwanted` is how much of them it would have left idle on a machine of its own: its threads that run or wait for a
processor are counted a hundred times a second. Other load lengthens times and lessens `busy`; `unwanted` it hardly
changes.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time

PARTS = ("decoding", "enlarging", "encoding", "whole")


def count_wanting(pid):
    """How many threads of a process run, or could."""
    n = 0
    for thread in os.listdir(f"/proc/{pid}/task"):
        try:
            with open(f"/proc/{pid}/task/{thread}/stat", encoding="utf-8") as stat:
                n += stat.read().rpartition(") ")[2].startswith("R")
        except (FileNotFoundError, ProcessLookupError):
            pass  # it has just ended
    return n


def measure(command, processors):
    """Wall and processor seconds of a command, and which share of the processors it did not want."""
    unwanted = []
    with tempfile.TemporaryFile() as words:
        start = time.perf_counter()
        child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=words)
        pid = 0
        while pid == 0:
            time.sleep(0.01)
            unwanted.append(max(processors - count_wanting(child.pid), 0) / processors)
            pid, status, usage = os.wait4(child.pid, os.WNOHANG)
        wall = time.perf_counter() - start
        child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode != 0:
            words.seek(0)
            sys.exit(f"{' '.join(command)} failed:\n{words.read().decode(errors='replace')[-500:]}")
    return wall, usage.ru_utime + usage.ru_stime, statistics.mean(unwanted)


def commands_of(options, folder):
    """What does each part alone, and the whole."""
    ffmpeg = ["ffmpeg", "-v", "error", "-nostdin"]
    frames = str(options.frames)
    large = os.path.join(folder, "large.y4m")
    program = [os.path.join(options.build, "pipelines", "rfdn-transcode"), options.clip]
    keys = ["audio=none", f"frames={frames}", "part-length=0", f"model={options.model}"]
    with open(large, "wb") as out:
        subprocess.run([*program, "-", *keys], stdout=out, stderr=subprocess.DEVNULL, check=True)
    return {
        "decoding": [*ffmpeg, "-i", options.clip, "-map", "0:v:0", "-frames:v", frames, "-f", "null", "-"],
        "enlarging": [*program, "-", *keys],
        # The frames that the whole encodes, by its encoder with its settings.
        "encoding": [*ffmpeg, "-i", large, "-c:v", "libx264", "-preset", options.preset, "-crf", "18", "-f", "null", "-"],
        "whole": [*program, os.path.join(folder, "whole.mkv"), *keys, f"preset={options.preset}"],
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("clip")
    parser.add_argument("--build", default="build", help="the folder that is built in")
    parser.add_argument("--frames", type=int, default=96)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--model", default="live")
    parser.add_argument("--preset", default="medium")
    options = parser.parse_args()
    os.environ["GST_PLUGIN_PATH"] = os.path.join(os.path.abspath(options.build), "gst")
    processors = len(os.sched_getaffinity(0))
    load = os.getloadavg()[0]

    with tempfile.TemporaryDirectory() as folder:
        commands = commands_of(options, folder)
        runs = {part: [] for part in PARTS}
        for _ in range(options.rounds):
            for part in PARTS:
                runs[part].append(measure(commands[part], processors))

    print(f"{options.frames} frames of {os.path.basename(options.clip)}, model {options.model}, preset {options.preset}")
    print(f"{processors} processors, load {load:.1f} before; medians of {options.rounds}")
    print(f"{'':10} {'wall s':>8} {'processor s':>12} {'busy':>6} {'unwanted':>9}")
    medians = {part: [statistics.median(column) for column in zip(*runs[part])] for part in PARTS}
    for part, (wall, used, unwanted) in medians.items():
        print(f"{part:10} {wall:8.2f} {used:12.2f} {used / wall / processors:6.0%} {unwanted:9.1%}")
    slowest = max(medians[part][0] for part in PARTS[:3])
    bound = max(slowest, medians["whole"][1] / processors)
    whole = medians["whole"][0]
    print(f"bound {bound:.2f} s: the whole takes {whole / bound:.2f} of it, {whole / slowest:.2f} of its slowest part")


if __name__ == "__main__":
    main()
