#!/usr/bin/env python3
"""Feed mutated Go executables to goinspect: nothing but GoinspectError may come out, soon, in little memory.

    scripts/fuzz/fuzz.py [-n INPUTS] [--seed N] [--jobs N] [--only REGEX] [--save DIR]
    scripts/fuzz/fuzz.py --seeds FILE... [...]      real files instead (also in tests/fixtures/**/*.xz)
    scripts/fuzz/fuzz.py --replay FILE...

Seeds are small modules of every release whose layout differs, for both byte orders and pointer sizes, in every
container that goinspect opens, written by tests/builders; those named "rich" also have symbol tables, DWARF, types,
build information and notes. Mutations are truncations, flipped bits, numbers at the edges of their range, moved and
repeated blocks; half of them in what goinspect reads rather than anywhere: headers, and each section as often as any
other one. Each input is opened as a file and asked everything: functions by the pure and by the numpy engine, lines,
inlined calls, sizes, symbols, build information, what `symbols`, `info` and `compare` show and how they print it.

An input fails when anything but GoinspectError escapes (or a RuntimeWarning of numpy), when it takes longer than 10 s,
when memory grows by more than 4 times its size + 100 MB, or when there are more than 40 warnings. Failing inputs are written to DIR (default: fuzz-found) and named by what happened; the
exit code is 1. Every input follows from --seed and its number, so a run can be repeated.
"""

from __future__ import annotations

import contextlib
import itertools
import lzma
import os
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
# numpy reads this when it is loaded: the imports below stand behind it.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

from goinspect.errors import GoinspectError
from scripts.fuzz.fuzz_seeds import RICH, Seed, parts_of, rich_seeds, seeds
from scripts.fuzz.harness import Measured, Target, few, main, measured, mutate

if TYPE_CHECKING:
    import random
    from collections.abc import Iterator

    from goinspect.binary import Binary

COMMANDS_EVERY = 8  # inputs: what the commands do on top takes longer than all the rest


# --- the questions ---


def ask(path: str, number: int, *, raw: bool, commands: bool, original: str = "") -> str:
    """Ask everything there is to ask of input `number`; returns what kind of answer there was."""
    from goinspect.binary import Binary

    try:
        binary = Binary(path, raw=raw)
    except GoinspectError:
        return "refused"
    if original:
        answer = ask_whole_files(path, number, raw=raw, original=original)
        if not commands:
            return answer
    with contextlib.suppress(GoinspectError):
        list(itertools.islice(binary.image.symbols(), 200))
    with contextlib.suppress(GoinspectError):
        binary.image.build_id()
    try:
        binary.go  # noqa: B018  # opens the table
    except GoinspectError:
        return "no table"
    answer = ask_table(binary)
    if commands:
        ask_commands(binary)
    return answer


def ask_commands(binary: Binary) -> None:
    """What the commands answer from."""
    from goinspect.analysis.calls.report import call_report
    from goinspect.analysis.disasm.listing import disassemble
    from goinspect.analysis.pcln import frames as lines
    from goinspect.analysis.pcln import functions, linetable, sizes
    from goinspect.analysis.probe.report import probe_report
    from goinspect.render import callgraph, tracers
    from goinspect.render.json import disasm as disasmjson
    from goinspect.render.text import disasm as disasmtext

    def disassembled() -> None:
        first = binary.go.table.entry(0)
        for queries in (["main.f1"], ["b.go:300"], [f"{first:#x}-{first + 64:#x}", f"{first + 5:x}"]):
            with contextlib.suppress(GoinspectError):
                found = disassemble(binary, queries, folders=["/nonexistent"])
                disasmtext.render_text(found, code=True)
                disasmjson.render_json(found)

    def called() -> None:
        first = binary.go.table.entry(0)
        for query in ("main.f1", f"{first:#x}"):
            for form in ("text", "json", "dot", "folded"):
                with contextlib.suppress(GoinspectError):
                    callgraph.render(call_report(binary, query, depth=2), form)
            for form in ("text", "json", "bpftrace", "perf"):
                with contextlib.suppress(GoinspectError):
                    tracers.render(probe_report(binary, [query]), form)

    for question in (
        disassembled,
        called,
        lambda: functions.list_functions(binary),
        lambda: functions.list_inlined_only(binary),
        lambda: sizes.list_sizes(binary),
        lambda: linetable.line_table(binary, ["main.f1"]),
        lambda: lines.resolve(binary, ["b.go:300", "0x401005", "main.f1+2"]),
    ):
        with contextlib.suppress(GoinspectError):
            question()


def ask_whole_files(path: str, number: int, *, raw: bool, original: str) -> str:
    """What `symbols`, `info` and `compare` show; each with a Binary of its own, as a process has.

    Not all of it of every input, for they take turns; all of it when `number` is negative. A file that can be opened
    should get some answer from each: "no answer" is none that fails, but worth a look (FUZZ_TELL=1 prints why).
    """
    from goinspect.analysis.builds import compare, overview
    from goinspect.analysis.symbols import listing as symbols
    from goinspect.analysis.symbols import sizes as symbolsizes
    from goinspect.binary import Binary
    from goinspect.render import symbolfolded
    from goinspect.render.json import compare as comparejson
    from goinspect.render.json import info as infojson
    from goinspect.render.json import symbols as symboljson
    from goinspect.render.text import compare as comparetext
    from goinspect.render.text import info as infotext
    from goinspect.render.text import symbols as symboltext
    from goinspect.results.info import InfoReport

    def listed() -> tuple[str, ...]:
        found = symbols.list_symbols(Binary(path, raw=raw))
        for by in ("package", "module", "section", "kind"):
            groups = symbolsizes.sum_sizes(found, by)
            symboltext.render_groups(groups)
        symboljson.render_groups(groups)
        symbolfolded.render_folded(symbolsizes.size_stacks(found))
        for render in (symboltext.render_table, symboltext.render_csv, symboljson.render):
            render(found)
        return found.warnings

    def as_nm() -> tuple[str, ...]:
        found = symbols.list_symbols(Binary(path, raw=raw), symbols.SymbolQuery(as_nm=True, sort="size"))
        symboltext.render_nm(found)
        return found.warnings

    def described() -> tuple[str, ...]:
        report = InfoReport((overview.describe(Binary(path, raw=raw)),))
        infotext.render_text(report, deps=True, verbose=True)
        infojson.render_go_version(report.files)
        infojson.render_json(report, several=False)
        return report.files[0].warnings

    def compared() -> tuple[str, ...]:
        found = compare.compare([Binary(original, raw=raw), Binary(path, raw=raw)])
        comparetext.render_text(found, symbols=True)
        comparetext.render_markdown(found, symbols=True)
        comparejson.render(found)
        return found.warnings

    # Seeds take turns by their number already.
    questions = [
        listed,
        described,
        *([as_nm] if number // 7 % 2 else []),
        *([compared] if number // 5 % 4 == 0 else []),
    ]
    answer = "answered"
    for question in questions if number >= 0 else (listed, described, as_nm, compared):
        try:
            told = question()
        except GoinspectError as error:
            answer = "no answer"
            if os.environ.get("FUZZ_TELL"):
                print(question.__name__, error.message, file=sys.stderr)
        else:
            few(told)
    return answer


def ask_table(binary: Binary) -> str:
    import numpy as np

    from goinspect.gosym import inline
    from goinspect.gosym.bulk import listing, places

    table = binary.go.table
    answer = "answered"
    low, high = table.entry(0), table.entry(table.nfunc)
    pcs = [low - 1, low, low + 5, (low + high) // 2, high - 1, high, 0, (1 << 64) - 1]
    try:
        for index in {0, 1 % table.nfunc, table.nfunc // 2, table.nfunc - 1}:
            func = table.func(index)
            if func is not None:
                table.name(func)
                table.frame_size(func)
                inline.inlined_names(table, func)
                inline.expand(table, func, func.entry + 2)
        for pc in pcs:
            binary.frames(pc)
    except GoinspectError:
        answer = "damaged"
    try:
        bulk = binary.bulk
        array = np.array([pc % (1 << 64) for pc in pcs], dtype=np.uint64)
        bulk.frames(array)
        places.pcs_of_line(bulk, 300)
        listing.list_functions(bulk)
    except GoinspectError:
        answer = "damaged"
    return answer


# --- running ---


def ask_file(
    path: Path, data: bytes, number: int = -1, *, raw: bool, commands: bool = True, original: str = ""
) -> Measured:
    """Ask about input `number`; everything when it is negative."""
    path.unlink(missing_ok=True)
    path.write_bytes(data)
    question = partial(ask, str(path), number, raw=raw, commands=commands, original=original)
    return measured(question, len(data))


def attempt(
    origin: Seed, number: int, _nth: int, chance: random.Random, path: Path
) -> tuple[bytes, Measured]:
    data = mutate(origin.data, chance, origin.parts)
    commands = number % COMMANDS_EVERY == 0
    original = ""
    if commands or origin.name.startswith(RICH):  # to compare with
        original = f"{path}-original"
        Path(original).write_bytes(origin.data)
    return data, ask_file(path, data, number, raw=origin.raw, commands=commands, original=original)


def given(path: Path) -> Seed:
    """A real file, unpacked where it is a fixture."""
    data = path.read_bytes()
    return Seed(f"{RICH} {path.name}", lzma.decompress(data) if path.suffix == ".xz" else data)


def ready(seed: Seed, path: Path) -> Seed:
    """With its parts known. It must be understood, or nothing is tested."""
    kind = ask_file(path, seed.data, raw=seed.raw).kind
    if kind != "answered":
        print(f"seed {seed.name}: {kind}", file=sys.stderr)
    return seed._replace(parts=parts_of(seed.data, path, raw=seed.raw))


def replay(file: Path, path: Path) -> Iterator[tuple[str, Measured]]:
    for raw in (False, True):
        yield " (raw)" if raw else "", ask_file(path, file.read_bytes(), raw=raw, original=str(file))


TARGET = Target(
    kinds=("answered", "no answer", "damaged", "no table", "refused"),
    seeds=lambda: itertools.chain(seeds(), rich_seeds()),
    given=given, ready=ready, attempt=attempt, replay=replay,
)  # fmt: skip

if __name__ == "__main__":
    sys.exit(main(__doc__, TARGET))
