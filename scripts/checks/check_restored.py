r"""Compare restored callers with what copies of stacks say, taken at the same moments.

    perf record -c 1 -e faults/call-graph=fp,name=fp/ \
        -e minor-faults/call-graph=dwarf,stack-size=8192,name=dwarf/ -o faults.data -- PROGRAM
    perf record -e cpu-clock:u -F 2999 --call-graph dwarf,16384 -o clock.data -- PROGRAM
    python3 scripts/checks/check_restored.py faults.data clock.data

In a recording with the events fp and dwarf a pair is a sample of each, one directly behind the other in their thread, at
one PC and at most 10 µs apart: the same page fault. In any other one the walk by frame pointers is done here, from the registers and the copy of each
sample, as the kernel does it. Of each pair whose leaf hides its caller: is the restored caller the function that the
copy has, and are the whole stacks the same?
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent.parent))

from goinspect.analysis.options import FlameOptions
from goinspect.analysis.stacks.merge import cut_garbage
from goinspect.analysis.stacks.recording import take_samples
from goinspect.analysis.stacks.symboltable import Flag
from goinspect.model import FrameKind
from goinspect.profiles import open_profile
from goinspect.profiles.base import KIND_USER, Locations, Profile

if TYPE_CHECKING:
    from collections.abc import Iterator

NEAR = 10_000  # ns
DEEPEST = 127
MARKERS = ("[truncated]", "[no caller found]", "[other stack]")


class Pair(NamedTuple):
    """Stacks of one moment, leaf first: (name, deduced) of each frame."""

    walked: list[tuple[str, bool]]
    copied: list[str]
    restored: bool
    hidden: bool
    cut: bool  # the copy ends before the stack does


class Stacks:
    """The stacks of one event, by row."""

    def __init__(self, profile: Profile, options: FlameOptions) -> None:
        taken = take_samples(profile, options)
        self.table, self.samples = taken.table, taken.samples
        self.stop = cut_garbage(taken.samples, taken.table.flags).stop
        self.flags = taken.samples.of_locations(taken.table.flags)
        self.cut = taken.origin.truncated
        self.patched = dict(zip(self.samples.patch_at.tolist(), self.samples.patch.tolist(), strict=True))

    def __getitem__(self, row: int) -> list[tuple[str, bool]]:
        """(name, deduced) of the user's frames."""
        table, out = self.table, []
        for at in range(int(self.samples.start[row]), int(self.stop[row])):
            location = self.patched.get(at, int(self.samples.frames[at]))
            frames = [table.frames[frame] for frame in table.expansions[table.expansion[location]]]
            out += [
                (frame.name, frame.restored) for frame in reversed(frames) if frame.kind != FrameKind.KERNEL
            ]
        return out

    def has(self, row: int, flag: int) -> bool:
        """Has one of its frames the flag, but for the outermost one?"""
        own = self.flags[int(self.samples.start[row]) : int(self.stop[row])]
        return bool((own & np.uint8(flag))[:-1].any())


def walked_by_frame_pointers(profile: Profile) -> Profile:
    """The samples with copies of their stacks, walked as arch/x86/events/core.c does: [FP + 8], then FP = [FP]."""
    stacks = profile.user_stacks
    assert stacks is not None
    chains: list[list[int]] = []
    columns = (stacks.pc, stacks.sp, stacks.fp, stacks.first, stacks.size)
    for pc, sp, fp, first, size in zip(*(column.tolist() for column in columns), strict=True):
        words = stacks.words.take(np.arange(first, first + size // 8)).tolist()
        chain, frame = [pc], fp
        while len(chain) < DEEPEST and frame % 8 == 0 and sp <= frame <= sp + size - 16:
            place = (frame - sp) // 8
            chain.append(words[place + 1])
            frame = words[place]
        chains.append(chain)
    sizes = np.zeros(len(profile), dtype=np.int64)
    sizes[stacks.row] = [len(chain) for chain in chains]
    exact = np.array([i == 0 for chain in chains for i in range(len(chain))], dtype=np.bool_)
    address = np.array([word for chain in chains for word in chain], dtype=np.uint64) - (~exact).astype(
        np.uint64
    )
    space = np.repeat(stacks.space, [len(chain) for chain in chains])
    keys, first, inverse = np.unique(
        np.stack((space.astype(np.uint64), address, exact.astype(np.uint64))),
        axis=1,
        return_index=True,
        return_inverse=True,
    )
    mapping, offset = stacks.spaces.resolve(keys[0].astype(np.int32), keys[1].copy())
    kind = np.full(len(first), KIND_USER, np.uint8)
    return replace(
        profile,
        stack_start=np.append(0, np.cumsum(sizes)),
        frames=inverse.reshape(-1).astype(np.int32),
        locations=Locations(mapping, offset, keys[1].copy(), kind, exact[first]),
        truncated=np.zeros(len(profile), dtype=np.bool_),
        user_stacks=None,
    )


def sides(profile: Profile, options: FlameOptions) -> tuple[Stacks, Stacks, list[tuple[int, int]]]:
    """Walked stacks, copied ones, and which rows of theirs are of one moment."""
    events = [event.name for event in profile.events]
    if "fp" not in events:
        walked = walked_by_frame_pointers(profile)
        return Stacks(walked, options), Stacks(profile, options), [(row, row) for row in range(len(profile))]
    count = {events.index("fp"): 0, events.index("dwarf"): 0}
    last: dict[int, tuple[int, int, int]] = {}  # the sample before, of each thread: event, row, time
    rows = []
    for event, tid, time in zip(
        profile.event.tolist(), profile.tid.tolist(), profile.time.tolist(), strict=True
    ):
        if event not in count:
            continue
        row = count[event]
        count[event] += 1
        before = last.get(tid)
        if before and events[before[0]] == "fp" and events[event] == "dwarf" and time - before[2] <= NEAR:
            rows.append((before[1], row))
        last[tid] = event, row, time
    return (
        Stacks(profile, replace(options, event="fp")),
        Stacks(profile, replace(options, event="dwarf")),
        rows,
    )


def pairs(profile: Profile, *, inlines: bool, options: FlameOptions) -> Iterator[Pair]:
    """Samples of both sides that belong together."""
    walked, copied, rows = sides(profile, replace(options, inlines=inlines))
    for row, other_row in rows:
        mine, other = walked[row], copied[other_row]
        if mine and other and mine[0][0] == other[0][0]:
            names = [name for name, _ in other]
            flags = (walked.has(row, flag) for flag in (Flag.RESTORED, Flag.HIDDEN))
            yield Pair(mine, names, *flags, copied.cut is not None and bool(copied.cut[other_row]))


def caller(pair: Pair) -> tuple[str, str, str]:
    """(leaf, restored caller, caller in the copy), of stacks without inlined calls."""
    at = next(i for i, (_, deduced) in enumerate(pair.walked) if deduced)
    return pair.walked[at - 1][0], pair.walked[at][0], pair.copied[at] if at < len(pair.copied) else "nothing"


def same(pair: Pair) -> bool:
    """Are the stacks the same, as far as the copy goes?"""
    mine, other = [name for name, _ in pair.walked], pair.copied
    known = next((i for i, name in enumerate(other) if name in MARKERS), None)
    if known is not None or pair.cut or len(mine) >= DEEPEST:
        both = min(len(mine), len(other) if known is None else known)
        mine, other = mine[:both], other[:both]
    return mine == other


def parted(pair: Pair) -> tuple[str, ...]:
    """Where two stacks differ first."""
    mine, other = [name for name, _ in pair.walked], pair.copied
    both = min(len(mine), len(other))
    at = next((i for i in range(both) if mine[i] != other[i]), both)
    return (*mine[max(at - 1, 0) : at + 2], "|", *other[max(at - 1, 0) : at + 2])


def check(path: str, options: FlameOptions, show: int) -> Counter[str]:
    """Counts of one recording; prints the commonest differences."""
    profile = open_profile(path)
    assert isinstance(profile, Profile)
    counts: Counter[str] = Counter()
    differ: Counter[tuple[str, ...]] = Counter()
    for pair in pairs(profile, inlines=False, options=options):
        counts["pairs"] += 1
        counts["hidden"] += pair.restored or pair.hidden
        counts["restored"] += pair.restored
        if pair.restored:
            leaf, mine, other = caller(pair)
            if other in MARKERS:
                other = mine  # nothing to compare with
            counts["right"] += mine == other
            if mine != other:
                differ["caller", leaf, mine, other] += 1
        elif pair.hidden:
            differ["unknown", *parted(pair)] += 1
    for pair in pairs(profile, inlines=True, options=options):
        if pair.restored:
            counts["whole"] += same(pair)
            if not same(pair):
                differ["stack", *parted(pair)] += 1
    for what, number in differ.most_common(show):
        print(f"{number:7,}  {'  '.join(what)}")
    return counts


def report(path: str, counts: Counter[str]) -> None:
    hidden, restored = counts["hidden"], counts["restored"]
    print(
        f"{path}: {counts['pairs']:,} pairs, {hidden:,} with a hidden caller; {restored:,} restored"
        f" ({restored / max(hidden, 1):.2%}), {counts['right']:,} right ({counts['right'] / max(restored, 1):.2%}),"
        f" {counts['whole']:,} whole stacks the same ({counts['whole'] / max(restored, 1):.2%})",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("recordings", nargs="+")
    parser.add_argument("-b", "--binary", action="append", default=[], help="as of goinspect flame")
    parser.add_argument("--comm", action="append", default=[], help="only these programs")
    parser.add_argument("--show", type=int, default=10, metavar="N", help="how many differences to show")
    options = parser.parse_args()
    total: Counter[str] = Counter()
    for path in options.recordings:
        asked = FlameOptions(by="none", binaries=options.binary, comms=options.comm)
        counts = check(path, asked, options.show)
        total += counts
        report(path, counts)
    report("all", total)


if __name__ == "__main__":
    main()
