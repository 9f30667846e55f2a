#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Compares what a transcoded file has besides its pictures with what `ffmpeg -map 0 -c copy` keeps.

Usage: kept.py IN COPY OURS NOTES

COPY is made by ffmpeg from IN, OURS by rfdn-transcode, which printed NOTES. Prints a line for each
thing that COPY has and OURS has not and that no line of NOTES announced; the exit status tells
whether there was one. What tells of the film's own bits is not compared.
"""

import json
import re
import subprocess
import sys

STALE = re.compile(
    r"(bps|duration|number_of_frames|number_of_bytes|_statistics_\w+|encoder)(-\w+)?$", re.I
)
# Which kinds of side data of the film tell of its bits, and what of a container is its own.
FILM_ONLY = {"CPB properties"}
CONTAINER_TAGS = {"encoder", "major_brand", "minor_version", "compatible_brands", "creation_time"}


def probe(path):
    command = ["ffprobe", "-v", "error", "-show_streams", "-show_chapters", "-show_format"]
    done = subprocess.run(command + ["-of", "json", path], capture_output=True, check=False)
    return json.loads(done.stdout or "{}")


def packets(path, index):
    """Sizes and hashes of the packets of a track, in order."""
    command = ["ffmpeg", "-v", "quiet", "-i", path, "-map", f"0:{index}", "-c", "copy"]
    done = subprocess.run(command + ["-f", "framemd5", "-"], capture_output=True, check=False)
    lines = done.stdout.decode(errors="replace").splitlines()
    return [tuple(line.split(",")[4:6]) for line in lines if not line.startswith("#")]


def starts(path):
    """When the first packet of each track is shown. What ffprobe calls start_time it estimates."""
    command = ["ffprobe", "-v", "quiet", "-show_entries", "packet=stream_index,pts_time"]
    command += ["-read_intervals", "%+#100", "-of", "csv=p=0", path]
    done = subprocess.run(command, capture_output=True, check=False)
    first = {}
    for line in done.stdout.decode(errors="replace").splitlines():
        fields = line.split(",")
        if len(fields) >= 2 and fields[0].isdigit() and fields[1] != "N/A":
            index, time = int(fields[0]), float(fields[1])
            first[index] = min(time, first.get(index, time))
    return first


def tags_of(thing, also=()):
    tags = {key.lower(): value for key, value in thing.get("tags", {}).items()}
    return {key: value for key, value in tags.items() if not STALE.match(key) and key not in also}


def kind_of(stream):
    if stream.get("disposition", {}).get("attached_pic"):
        return "cover"
    return stream.get("codec_type", "unknown")


class Comparison:
    def __init__(self, source, copy, ours, notes):
        self.paths = (copy, ours)
        self.starts = (starts(source), starts(ours))
        self.source, self.copy, self.ours = probe(source), probe(copy), probe(ours)
        self.notes = notes
        self.announced = {int(n) for n in re.findall(r"^track (\d+)\b", notes, re.M)}
        self.left_out = {int(n) for n in re.findall(r"^track (\d+) .*left out", notes, re.M)}
        self.lost = []

    def lose(self, what, wanted, got):
        self.lost.append(f"{what}: {wanted!r} became {got!r}")

    def pairs(self):
        """(stream of IN, stream of COPY or None, stream of OURS), by kind and place."""
        ours = {}
        for stream in self.ours.get("streams", []):
            ours.setdefault(kind_of(stream), []).append(stream)
        copies = {}
        for stream in self.copy.get("streams", []):
            copies.setdefault(stream.get("codec_type"), []).append(stream)
        for stream in self.source.get("streams", []):
            same_type = copies.get(stream.get("codec_type"))
            copied = same_type.pop(0) if same_type else None
            if stream["index"] in self.left_out or copied is None:
                continue
            kind = kind_of(stream)
            if not ours.get(kind):
                self.lose(f"track {stream['index']}", kind, None)
                continue
            yield stream, copied, ours[kind].pop(0)

    def compare_stream(self, source, copied, mine, film):
        name = f"track {source['index']}"
        announced = source["index"] in self.announced
        is_film = source is film
        cover = kind_of(source) == "cover"
        if not is_film and not announced:
            wanted = source["codec_name"] if cover else copied.get("codec_name")
            if mine.get("codec_name") != wanted:
                self.lose(f"{name}: codec", wanted, mine.get("codec_name"))
        # A copy by ffmpeg flags the first track of a kind where the file flags none.
        if not cover and mine["disposition"] not in (copied["disposition"], source["disposition"]):
            self.lose(f"{name}: disposition", copied["disposition"], mine["disposition"])
        mine_tags = tags_of(mine)
        for key, value in tags_of(copied).items():
            if mine_tags.get(key) != value and not cover:
                self.lose(f"{name}: tag {key}", value, mine_tags.get(key))
        self.compare_side_data(name, copied, mine, is_film)
        if not is_film and not announced and kind_of(source) in ("audio", "subtitle"):
            wanted = packets(self.paths[0], copied["index"])
            got = packets(self.paths[1], mine["index"])
            if got != wanted[: len(got)] or not got and wanted:
                self.lose(f"{name}: packets", len(wanted), len(got))

    def compare_side_data(self, name, copied, mine, is_film):
        have = {data["side_data_type"]: data for data in mine.get("side_data_list", [])}
        for data in copied.get("side_data_list", []):
            kind = data["side_data_type"]
            if is_film and kind in FILM_ONLY or kind.startswith("DOVI") and "Dolby" in self.notes:
                continue
            if have.get(kind) != data:
                self.lose(f"{name}: {kind}", data, have.get(kind))

    def compare_starts(self, pairs, film):
        """Whether tracks lie to the film as they did."""
        mine_film = next(m for s, _, m in pairs if s is film)
        for source, _, mine in pairs:
            if kind_of(source) != "audio" or source["index"] in self.announced:
                continue
            before, after = self.starts
            if source["index"] not in before or film["index"] not in before:
                continue
            wanted = before[source["index"]] - before[film["index"]]
            got = after.get(mine["index"], -1e9) - after.get(mine_film["index"], 0)
            if abs(wanted - got) > 0.0021:
                self.lose(f"track {source['index']}: start against the film", wanted, got)

    def compare_file(self):
        def chapters(file):
            return [(round(float(c["start_time"]), 2), round(float(c["end_time"]), 2), tags_of(c))
                    for c in file.get("chapters", [])]

        if chapters(self.copy) != chapters(self.ours) and "chapters are left out" not in self.notes:
            self.lose("chapters", chapters(self.copy), chapters(self.ours))
        file = self.ours.get("format", {})
        mine = tags_of(file)
        # AVI's muxer puts its own name there.
        own = CONTAINER_TAGS | ({"software"} if file.get("format_name") == "avi" else set())
        for key, value in tags_of(self.copy.get("format", {}), own).items():
            if mine.get(key) != value:
                self.lose(f"tag {key}", value, mine.get(key))

    def run(self):
        pairs = list(self.pairs())
        film = next((s for s, _, m in pairs if kind_of(s) == "video"
                     and m.get("width") != s.get("width")), None)
        if film is None:
            self.lose("film", "enlarged", None)
            return self.lost
        for source, copied, mine in pairs:
            self.compare_stream(source, copied, mine, film)
        self.compare_starts(pairs, film)
        self.compare_file()
        return self.lost


def main():
    source, copy, ours, notes = sys.argv[1:]
    with open(notes, encoding="utf-8", errors="replace") as file:
        lost = Comparison(source, copy, ours, file.read()).run()
    for line in lost:
        print(line)
    return 1 if lost else 0


if __name__ == "__main__":
    sys.exit(main())
