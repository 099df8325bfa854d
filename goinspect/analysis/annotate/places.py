"""Where a function stands in the samples: addresses of its code, and calls one of which was running."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from goinspect.model import FrameKind

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from goinspect.analysis.annotate.chosen import Chosen, Part, Wanted
    from goinspect.results.stacks import StackFrame

__all__ = ["Described", "Occurrences", "Place", "find_places", "occurrences", "split_key"]

_TRAP = "asm_"  # how Linux names where the kernel is entered by what is no system call, on x86


class Place(NamedTuple):
    """Where a frame of the function is.

    ``addresses``: that of an instruction, or those of calls one of which it is. ``file``: number of their file; -1: no
    code of it is at hand. ``physical``: the function that has the code. ``below``: it is the user address below a kernel
    frame, where a system call leaves it behind the instruction.
    """

    file: int
    addresses: tuple[int, ...]
    physical: str
    below: bool = False


class Occurrences(NamedTuple):
    """The frames of the function in the samples, sample by sample.

    Attributes:
        sample: of each occurrence.
        kind: of each, a row in `places`.
        leaf: of each, whether the stack ends there.
        places: of each kind, where that is: one place, or two where a restored caller is the same function.
        own: of each kind, whether a stack that ends there ends in the function, not in a call inlined into it or
            one that it made.
        inlined: of each kind, whether a stack that ends there ends in a call inlined into the function.
    """

    sample: NDArray[np.int64]
    kind: NDArray[np.int64]
    leaf: NDArray[np.bool_]
    places: list[tuple[Place, ...]]
    own: NDArray[np.bool_]
    inlined: NDArray[np.bool_]


class Described(NamedTuple):
    """Of a kind of frames: see `Occurrences`."""

    places: tuple[Place, ...]
    own: bool
    inlined: bool


def find_places(chosen: Chosen, wanted: Wanted) -> Occurrences:
    """All frames of the function in the samples that count."""
    return occurrences(chosen, chosen.has(wanted), lambda key: _describe(chosen, wanted.name, key))


def occurrences(chosen: Chosen, has: NDArray[np.bool_], describe: Callable[[int], Described]) -> Occurrences:
    """All frames at the locations that `has` names in the samples that count; `describe` gets the key of each kind."""
    table = chosen.table
    kernel = np.array([_is_kernel(table.frames[rows[0]]) for rows in table.expansions], dtype=np.bool_)
    entered = kernel[table.expansion]
    samples, kinds, leaves = [], [], []
    known: dict[int, int] = {}
    for part in chosen.parts():
        at, sample = part.frames(has)
        counts = chosen.wanted[part.first + sample]
        at, sample = at[counts], sample[counts]
        keys, which = np.unique(_keys(part, at, sample, entered), return_inverse=True)
        numbers = [known.setdefault(key, len(known)) for key in keys.tolist()]
        samples.append(part.first + sample)
        kinds.append(np.array(numbers, dtype=np.int64)[which] if numbers else which.astype(np.int64))
        leaves.append(chosen.leaf[part.first + sample] == at + chosen.taken.samples.start[part.first])
    described = [describe(key) for key in known]
    return Occurrences(
        np.concatenate(samples),
        np.concatenate(kinds),
        np.concatenate(leaves),
        [one.places for one in described],
        np.array([one.own for one in described], dtype=np.bool_),
        np.array([one.inlined for one in described], dtype=np.bool_),
    )


def _is_kernel(frame: StackFrame) -> bool:
    return frame.kind == FrameKind.KERNEL and not frame.name.startswith(_TRAP)


def _keys(
    part: Part, at: NDArray[np.int64], sample: NDArray[np.int64], entered: NDArray[np.bool_]
) -> NDArray[np.int64]:
    """A number for what is shown of a frame, where it is, and whether the kernel was called there."""
    shown, walked = part.samples.locations(at).astype(np.int64), part.walked.locations(at).astype(np.int64)
    inner = at > part.samples.start[sample]
    below = np.zeros(len(at), dtype=np.bool_)
    below[inner] = entered[part.samples.locations(at[inner] - 1)]
    return (shown << 32) | (walked << 1) | below


def split_key(key: int) -> tuple[int, int, bool]:
    """The location that is shown, the one that was walked to, and whether the kernel was called there."""
    return key >> 32, key >> 1 & 0x7FFF_FFFF, bool(key & 1)


def _describe(chosen: Chosen, name: str, key: int) -> Described:
    table = chosen.table
    shown, walked, below = split_key(key)
    frames = [table.frames[row] for row in table.expansions[table.expansion[shown]]]
    above = [frame for frame in frames if frame.restored]
    here = [frame for frame in frames if not frame.restored]
    places = []
    found = any(frame.name == name for frame in here)
    if found:
        places.append(Place(int(table.file[walked]), (int(table.vaddr[walked]),), here[0].name, below))
    if any(frame.name == name for frame in above):
        calls = tuple(after - 1 for after in table.sites.get(shown, ()))
        places.append(Place(int(table.file[shown]) if calls else -1, calls, above[0].name))
    own = frames[-1].name == name
    return Described(tuple(places), own, found and not own)
