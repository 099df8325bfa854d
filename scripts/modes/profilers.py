"""perf and pprof, asked about a build: see target.py."""

from __future__ import annotations

import gzip
import re
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from scripts.modes.target import HOT, NO, PARTLY, YES, Target, Verdict, first, load_segments, share, vaddr_of

if TYPE_CHECKING:
    from collections.abc import Iterator


# perf


def record(target: Target, *options: str, milliseconds: int = 400) -> Path:
    """Record the program with perf."""
    path = target.scratch / ("perf.data" if "-g" in options else "other.data")
    # A UTS namespace of its own: the header of a recording holds the host name.
    script = 'echo fixture > /proc/sys/kernel/hostname && exec "$@"'
    target.run("unshare", "--uts", "sh", "-c", script, "sh", "perf", "record", "-q", *options, "-e", "cpu-clock", "-F", "499",
               "-o", path, "--", target.binary, str(milliseconds))  # fmt: skip
    return path


class PerfFrame(NamedTuple):
    """A line of `perf script`."""

    name: str
    origin: str  # (inlined), or the file
    truth: str | None  # the function of this program that is there


def read_script(target: Target, output: str) -> Iterator[list[PerfFrame]]:
    """The frames of each sample, innermost first; the text has the records of mappings, too."""
    loads = load_segments(target)
    row = re.compile(r"^\s+([0-9a-f]+) (.*) \((.+)\)$")
    ranges = mapped_ranges(target, output)
    for sample in output.split("\n\n"):
        frames = []
        for ip, name, origin in (m.groups() for m in map(row.match, sample.splitlines()) if m):
            vaddr = None
            if Path(origin).name == target.binary.name:
                vaddr = vaddr_of(loads, file_offset(int(ip, 16), ranges))
            truth = target.truth.name(vaddr) if vaddr is not None else None
            frames.append(PerfFrame(re.sub(r"\+0x[0-9a-f]+$", "", name), origin, truth))
        if frames:
            yield frames


def mapped_ranges(target: Target, output: str) -> list[tuple[int, int, int]]:
    """(start, end, offset in the file) of each mapping of this program's code."""
    pattern = re.compile(r"PERF_RECORD_MMAP2? .*: \[(0x\w+)\((0x\w+)\) @ (\w+) .*r-xp (\S+)$", re.MULTILINE)
    return [
        (int(start, 16), int(start, 16) + int(size, 16), int(offset, 0))
        for start, size, offset, path in pattern.findall(output)
        if Path(path).name == target.binary.name
    ]


def file_offset(printed: int, ranges: list[tuple[int, int, int]]) -> int:
    """Perf 5 and 6 print file offsets of code that is in a file; older and newer ones addresses of the process."""
    return next(
        (printed - start + offset for start, end, offset in ranges if start <= printed < end), printed
    )


def perf(target: Target, *, recording: Path | None = None, symfs: Path | None = None) -> Iterator[Verdict]:
    """`perf script`: are the frames of this binary named, and inlined calls shown."""
    more = ("--symfs", symfs) if symfs else ()
    show = ("perf", "script", "--show-mmap-events", "-i")
    _, output = target.run(*show, recording or record(target, "-g"), *more)
    samples = list(read_script(target, output))
    known = [frame for frames in samples for frame in frames if frame.truth and "." in frame.truth]
    named = sum(frame.name == frame.truth for frame in known)
    yield Verdict("perf names", *share(named, len(known), what="frames named"))
    yield Verdict("perf inlines", *judge_inlines(target, samples))
    if not recording:
        _, output = target.run(*show, record(target, "--call-graph", "dwarf", milliseconds=100))
        yield Verdict("perf inlines dwarf", *judge_inlines(target, list(read_script(target, output))))


def judge_inlines(target: Target, samples: list[list[PerfFrame]]) -> tuple[str, str]:
    """Whether samples of the hot loop show the innermost of the calls that are inlined into it."""
    hot = [frames for frames in samples if frames[0].truth in HOT]
    if not target.optimized:
        shown = sum(frames[0].name in HOT[:3] for frames in hot if frames[0].truth in HOT[:3])
        own = sum(frames[0].truth in HOT[:3] for frames in hot)
        return share(shown, own, what="samples of the hot loop show the callee: nothing is inlined")
    innermost = sum(
        frames[0].name == "main.inl3" or any(f == ("main.inl3", "inlined", None) for f in frames)
        for frames in hot
    )
    some = [frames for frames in hot if any(frame.origin == "inlined" for frame in frames)]
    verdict, evidence = share(innermost, len(hot), what="samples of the hot loop show main.inl3")
    if verdict == NO and len(some) > len(hot) * 0.05:
        chain = " < ".join(frame.name for frame in some[0][:4])
        verdict, evidence = PARTLY, f"{evidence}, {len(some)} another inlined call ({chain})"
    return verdict, evidence


# go tool pprof


def varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return value, at


def without_fields(data: bytes, drop: set[int], inside: dict[int, set[int]]) -> bytes:
    """A protobuf message without some fields; `inside` the same for messages in it."""
    out, at = bytearray(), 0
    while at < len(data):
        start = at
        key, at = varint(data, at)
        number, kind = key >> 3, key & 7
        if kind == 0:
            _, at = varint(data, at)
            body = None
        else:
            size, at = varint(data, at)
            body, at = data[at : at + size], at + size
        if number in drop:
            continue
        if body is None or number not in inside:
            out += data[start:at]
            continue
        body = without_fields(body, inside[number], {})
        out += bytes([key])
        size = len(body)
        while size >= 0x80:
            out.append(size & 0x7F | 0x80)
            size >>= 7
        out.append(size)
        out += body
    return bytes(out)


def addresses_only(profile: bytes) -> bytes:
    """A pprof profile without functions: locations have no lines, and mappings do not say they had them."""
    return without_fields(profile, {5}, {4: {4}, 3: {7, 8, 9, 10}})


def pprof(target: Target) -> Iterator[Verdict]:
    """`go tool pprof` on the profile that the program wrote of itself, and on one of addresses."""
    assert target.profiled
    assert target.go
    for old in target.scratch.glob("*.pprof"):
        old.unlink()
    target.run(target.profiled, "800", target.scratch / "cpu.pprof")
    target.environment["PPROF_TMPDIR"] = str(target.scratch)
    tool = (target.go, "tool", "pprof")
    _, top = target.run(*tool, "-top", target.profiled, "cpu.pprof")
    yield Verdict("pprof names", *named_rows(top))
    yield Verdict("pprof inlines", YES if "main.inl3" in top else NO, first(top, "main.inl3"))
    _, listing = target.run(*tool, "-list", "^main.inl3$", target.profiled, "cpu.pprof")
    lines = re.findall(r"^\s+\S+\s+\S+\s+\d+:\s*x [\^*]?", listing, re.MULTILINE)
    yield Verdict(
        "pprof list", YES if lines else NO, first(listing, r"x \^= x >> 12|not found|no such|no matches")
    )
    # Of inl3 itself where it is a function, of the function that it is inlined into otherwise. Not anchored: the
    # expression is matched with the position behind the name too.
    _, code = target.run(
        *tool, "-disasm", r"main\.hot" if target.optimized else r"main\.inl3", target.profiled, "cpu.pprof"
    )
    instructions = re.findall(r"^\s+\S+\s+\S+\s+[0-9a-f]+: \w+", code, re.MULTILINE)
    yield Verdict("pprof disasm", YES if instructions else NO,
                  f"{len(instructions)} instructions" if instructions else first(code, "no matches|no |not "))  # fmt: skip
    raw = (target.scratch / "cpu.pprof").read_bytes()
    (target.scratch / "addresses.pprof").write_bytes(gzip.compress(addresses_only(gzip.decompress(raw))))
    _, top = target.run(*tool, "-symbolize=local", "-top", target.profiled, "addresses.pprof")
    verdict, evidence = named_rows(top)
    if verdict == YES and target.optimized and "main.inl3" not in top:
        evidence = f"without inlined calls: {evidence}"
        verdict = PARTLY
    wrong = "" if verdict != NO or "main." not in evidence else "wrong, there is no main.hot: "
    yield Verdict("pprof addresses", verdict, f"{wrong}{evidence}")


def named_rows(top: str) -> tuple[str, str]:
    """Whether `-top` shows the hot loop under one of its names."""
    row = next(
        (
            line
            for line in top.splitlines()
            if any(line.rstrip().endswith((name, f"{name} (inline)")) for name in HOT)
        ),
        "",
    )
    return (YES, " ".join(row.split())) if row else (NO, first(top, r"^\s+[\d.]+m?s .*%|0x|no "))
