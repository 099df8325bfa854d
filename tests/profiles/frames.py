"""Turns a Profile back into plain rows, for comparison with what was recorded."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

import pytest

if TYPE_CHECKING:
    from goinspect.profiles.base import Profile

ORDERS = pytest.mark.parametrize("order", ["little", "big"])
KERNEL_IP = 0xFFFFFFFF81000100


class Row(NamedTuple):
    time: int
    pid: int
    tid: int
    comm: str
    weight: int
    stack: tuple[tuple[str, int], ...]  # ("K" or "U" or "H" or "G", address as recorded), leaf first


def stacks(profile: Profile) -> list[list[int]]:
    """The locations of every sample."""
    frames, starts = profile.frames.tolist(), profile.stack_start.tolist()
    return [frames[begin:end] for begin, end in pairwise(starts)]


def recorded_addresses(profile: Profile) -> list[tuple[str, int]]:
    """Mode and address of every location, with the 1 added again that return addresses had subtracted."""
    places = profile.locations
    return [
        ("UKHG"[kind], addr + (not exact))
        for kind, addr, exact in zip(
            places.kind.tolist(), places.runtime_addr.tolist(), places.exact.tolist(), strict=True
        )
    ]


def rows(profile: Profile) -> list[Row]:
    recorded = recorded_addresses(profile)
    return [
        Row(time, pid, tid, profile.comms[comm], weight, tuple(recorded[place] for place in stack))
        for time, pid, tid, comm, weight, stack in zip(
            profile.time.tolist(), profile.pid.tolist(), profile.tid.tolist(), profile.comm.tolist(),
            profile.weight.tolist(), stacks(profile), strict=True,
        )
    ]  # fmt: skip


def frames_of(profile: Profile, sample: int = 0) -> list[tuple[int, int, bool]]:
    """(kind, lookup address, exact) of every frame."""
    places = profile.locations
    return [
        (int(places.kind[at]), int(places.runtime_addr[at]), bool(places.exact[at]))
        for at in stacks(profile)[sample]
    ]
