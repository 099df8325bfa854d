"""The traceback of the runtime, Delve and gdb, asked about a build: see target.py."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from scripts.modes.target import NO, PARTLY, YES, Target, Verdict, first, load_segments

if TYPE_CHECKING:
    from collections.abc import Iterator


def traceback(target: Target) -> Iterator[Verdict]:
    """What the program prints when it panics."""
    _, output = target.run(target.binary, "panic")
    names = all(name in output for name in ("main.fail(", "main.main("))
    yield Verdict("traceback names", YES if names else NO, first(output, r"main\.fail\("))
    lines = re.findall(r"main\.go:\d+ \+0x", output)
    yield Verdict("traceback lines", YES if len(lines) >= 2 else NO, first(output, r"main\.go:\d+ \+0x"))
    inlined = all(f"main.check{n}(" in output for n in (1, 2, 3))
    yield Verdict("traceback inlines", YES if inlined else NO, first(output, r"main\.check3\("))


def dlv(target: Target) -> Iterator[Verdict]:
    """Delve: stop in a function by its name, look at the stack, an argument and a global variable."""
    script = target.scratch / "dlv.init"
    script.write_text("break main.work\ncontinue\nstack\nprint scale\nprint main.Answer\nexit\n")
    _, output = target.run("dlv", "exec", "--check-go-version=false", "--allow-non-terminal-interactive", "--init", script,
                           target.binary, "--", "200")  # fmt: skip
    stopped = re.search(r"> \[Breakpoint 1\] main\.work\(\)", output)
    failed = first(output, r"dlv\.init:1:|could not|not found|error")
    yield Verdict(
        "dlv break", YES if stopped else NO, first(output, r"Breakpoint 1\]") if stopped else failed
    )
    stack = re.findall(r"^\d+  0x[0-9a-f]+ in (\S+)\n\s+at (\S+)", output, re.MULTILINE)
    yield Verdict("dlv stack", *judge_stack([(name, place) for name, place in stack]))
    values = output.splitlines()
    answers = [line for line in values if line == "42" or re.search(r"dlv\.init:[45]:", line)]
    for consumer, number in (("dlv locals", 0), ("dlv globals", 1)):
        answer = answers[number].rpartition("dlv.init:")[2] if number < len(answers) else "nothing"
        yield Verdict(consumer, YES if answer == "42" else NO, answer)


def judge_stack(frames: list[tuple[str, str]]) -> tuple[str, str]:
    """A stack is right when it is main.work, main.run, main.main, each with its line."""
    wanted = ["main.work", "main.run", "main.main"]
    shown = " < ".join(f"{name} {Path(place).name}" for name, place in frames[:4]) or "no stack"
    # gdb spells names without debug information as another language does: main[work].
    names = [re.sub(r"^(\w+)\[(\w+)\]$", r"\1.\2", name) for name, _ in frames[:3]]
    if names == wanted and all(re.search(r"main\.go:\d+$", place) for _, place in frames[:3]):
        return YES, shown
    return (PARTLY if names and names[0] == wanted[0] else NO), shown


def gdb(target: Target) -> Iterator[Verdict]:
    """gdb: the same. The stack is asked for at the address of the function, so that it is judged on its own."""
    address = target.truth.address("main.work")
    common = ("gdb", "-nx", "-batch", "-ex", "set width 0")
    _, output = target.run(*common, "-ex", "break main.work", "-ex", "run 200", "-ex", "print scale", "-ex",
                           "print 'main.Answer'", target.binary)  # fmt: skip
    stopped = re.search(r"hit Breakpoint 1, (.*)", output)
    yield Verdict(
        "gdb break",
        YES if stopped else NO,
        f"hit Breakpoint 1, {stopped[1]}" if stopped else first(output, r"not defined|No symbol"),
    )
    # Where the loader puts a position-independent executable is known when it has started.
    start = ("-ex", "starti 200")
    _, text = target.run(*common, *start, "-ex", "info proc mappings", target.binary)
    base = next(
        (int(line.split()[0], 16) for line in text.splitlines() if line.endswith(str(target.binary))), 0
    )
    first_load = load_segments(target)[0]
    bias = base - (first_load[1] - first_load[0])
    if not 0 <= bias < 1 << 47:
        bias = 0
    _, stack = target.run(
        *common, *start, "-ex", f"break *{address + bias:#x}", "-ex", "continue", "-ex", "bt 6", target.binary
    )
    frames = re.findall(r"^#\d+ +(?:0x[0-9a-f]+ in )?(\S+) \(.*?\)(?: at (\S+))?$", stack, re.MULTILINE)
    yield Verdict("gdb stack", *judge_stack(frames))
    value = re.findall(r"^\$\d+ = (.*)", output, re.MULTILINE)
    errors = re.findall(r"^(No symbol.*|'main.Answer' has.*|No frame.*)", output, re.MULTILINE)
    local = bool(value) and value[0] == "42" and len(value) == 2
    yield Verdict(
        "gdb locals", YES if local else NO, "scale = 42" if local else next(iter(errors), "nothing")
    )
    answer = bool(value) and value[-1] == "42"
    yield Verdict(
        "gdb globals",
        YES if answer else NO,
        "main.Answer = 42" if answer else next(reversed(errors), "nothing"),
    )
