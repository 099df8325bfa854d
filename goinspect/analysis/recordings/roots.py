"""Root frames: what the stacks of a recording are kept apart by."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from goinspect._paths import container_of
from goinspect.analysis.recordings.selection import label_of
from goinspect.errors import QueryError
from goinspect.results.stacks import Label

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from goinspect.profiles.base import Profile

__all__ = ["LABEL", "group_by", "labels_of", "processes"]

LABEL: Final = "label:"  # what a key stands behind


def group_by(profile: Profile, rows: NDArray[np.int64], by: str) -> tuple[NDArray[np.int32], list[str]]:
    """A number for each sample's root frame, and the frames' names; none for "none".

    Raises:
        QueryError: the recording does not tell what is asked for.
    """
    if by == "none":
        return np.zeros(len(rows), dtype=np.int32), []
    if by.startswith(LABEL):
        key = by.removeprefix(LABEL)
        label = label_of(profile, key, f"--by {by}")
        return _named(label.row[rows].astype(np.int64), [*label.values, f"no {key}"])
    if profile.values is not None and not _tells(profile, by):
        if by == "process":  # what is not told is not asked for either: it is the default
            return np.zeros(len(rows), dtype=np.int32), []
        keys = ", ".join(profile.labels.keys) if profile.labels else ""
        raise QueryError(
            f"--by {by}: no label of the samples tells it; --by label:KEY takes any of theirs: {keys or 'none'}"
        )
    if by == "cgroup":
        return _named(*_told(profile, rows, by))
    if by == "container":
        return _named(*_containers(profile, rows))
    if not len(rows):
        return np.zeros(0, dtype=np.int32), []
    comm = profile.comm[rows].astype(np.int64)
    if by == "comm":
        return _named(comm, [*profile.comms, "?"])
    who = (profile.tid if by == "thread" else processes(profile))[rows].astype(np.int64)
    # A process is one root, named after its first thread's comm: threads that rename themselves stay in it.
    if by == "process":
        pids, first, inverse = _distinct(who)
        main = _main_comms(profile, pids, comm[first])
        labels = [_comm(profile, c) for c in main.tolist()]
    else:
        _, first, inverse = _distinct(comm << 32 | who)
        labels = [f"{_comm(profile, int(comm[i]))} {int(who[i])}" for i in first.tolist()]
    return _named(inverse, labels)


def labels_of(profile: Profile, rows: NDArray[np.int64], wanted: Sequence[str]) -> dict[str, Label]:
    """What else samples are told apart by: "pid", "tid", or what `group_by` knows; left out where it is not recorded."""
    numbers = {"pid": profile.pid, "tid": profile.tid}
    found = {}
    for name in wanted:
        if name in numbers:
            values, _, row = _distinct(numbers[name][rows].astype(np.int64))
            known = values >= 0
            place = np.where(known, np.cumsum(known) - 1, -1).astype(np.int32)
            label = Label(tuple(str(value) for value in values[known].tolist()), place[row])
        else:
            try:
                group, names = group_by(profile, rows, name)
            except QueryError:  # not recorded
                continue
            label = Label(tuple(names), group)
        if label.values and label.values != ("?",):
            found[name] = label
    return found


def _tells(profile: Profile, by: str) -> bool:
    """Do the labels of a pprof profile tell what stacks are to be kept apart by?"""
    if by in ("cgroup", "container"):
        return profile.cgroup is not None
    columns = {"process": (profile.pid, profile.tid), "thread": (profile.tid,), "comm": (profile.comm,)}
    return any(bool((column >= 0).any()) for column in columns[by])


def _distinct(
    keys: NDArray[np.int64],
) -> tuple[NDArray[np.int64], NDArray[np.intp], NDArray[np.int64]]:
    """np.unique with index and inverse, but sorting only where the key changes from one sample to the next."""
    heads = np.flatnonzero(np.append(True, keys[1:] != keys[:-1])[: len(keys)])
    present, first, inverse = np.unique(keys[heads], return_index=True, return_inverse=True)
    return present, heads[first], np.repeat(inverse, np.diff(np.append(heads, len(keys))))


def _named(number: NDArray[np.int64], labels: list[str]) -> tuple[NDArray[np.int32], list[str]]:
    """Groups in the order of their names; those called the same are one. Number -1 has the last label."""
    used, _, inverse = _distinct(number)
    texts = [labels[i] for i in used.tolist()]
    names = sorted(set(texts))
    place = {name: i for i, name in enumerate(names)}
    order = np.array([place[text] for text in texts], dtype=np.int32)
    return order[inverse], names


def _told(profile: Profile, rows: NDArray[np.int64], by: str) -> tuple[NDArray[np.int64], list[str]]:
    if profile.cgroup is None:
        raise QueryError(f"--by {by}: the recording tells no cgroups: record with --all-cgroups")
    return profile.cgroup[rows].astype(np.int64), [*profile.cgroups, "?"]


def _containers(profile: Profile, rows: NDArray[np.int64]) -> tuple[NDArray[np.int64], list[str]]:
    """By the container that a cgroup names; where it names none, by mount namespace."""
    if profile.cgroup is None and profile.namespace is None:
        raise QueryError(
            "--by container: the recording tells neither cgroups nor namespaces: record with --all-cgroups --namespaces"
        )
    missing = np.full(len(rows), -1, dtype=np.int64)
    cgroup = missing if profile.cgroup is None else profile.cgroup[rows].astype(np.int64)
    namespace = missing if profile.namespace is None else profile.namespace[rows].astype(np.int64)
    cgroups = [*map(container_of, profile.cgroups), ""]
    namespaces = [*profile.namespaces, ""]
    pairs, inverse = np.unique(cgroup << 32 | namespace & 0xFFFF_FFFF, return_inverse=True)
    labels = []
    for pair in pairs.tolist():
        row = pair & 0xFFFF_FFFF
        space = namespaces[row if row < len(profile.namespaces) else -1]
        labels.append(cgroups[pair >> 32] or space or "no container")
    return inverse.astype(np.int64), labels


def processes(profile: Profile) -> NDArray[np.int32]:
    """The process of each sample; its thread where only that was told."""
    return np.where(profile.pid < 0, profile.tid, profile.pid)


def _main_comms(profile: Profile, pids: NDArray[np.int64], fallback: NDArray[np.int64]) -> NDArray[np.int64]:
    """The last comm of each process's main thread; without samples of it, the first comm seen."""
    owner = processes(profile)
    main = np.flatnonzero(owner == profile.tid)
    out = fallback.copy()
    position = np.searchsorted(pids, owner[main])
    inside = position < len(pids)
    main, position = main[inside], position[inside]
    exact = pids[position] == owner[main]
    out[position[exact]] = profile.comm[main[exact]]
    return out


def _comm(profile: Profile, number: int) -> str:
    return profile.comms[number] if 0 <= number < len(profile.comms) else "?"
