"""Stacks as paths of a tree that every stack's path is in: what formats with tables of stacks hold."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from goinspect.results.stacks import Stacks

__all__ = ["Prefixes", "prefixes"]


class Prefixes(NamedTuple):
    """Nodes, a parent before its children; those of one group stand together, and are counted from 0 in it.

    Group g has the nodes ``start[g]:start[g + 1]``. ``leaf`` is each stack's last node, -1 where the stack is empty.
    """

    start: NDArray[np.int64]
    parent: NDArray[np.int64]  # in the group, -1: none
    item: NDArray[np.int64]
    leaf: NDArray[np.int64]


def prefixes(stacks: Stacks, item: NDArray[np.int64], group: NDArray[np.int64], groups: int) -> Prefixes:
    """The tree of stacks.

    Args:
        stacks: root first.
        item: what each entry of ``stacks.frame`` is; those with the same one are one node.
        group: of each stack; those of different groups share no node.
        groups: how many there are.
    """
    sizes = np.diff(stacks.start)
    leaf = np.full(len(stacks), -1, dtype=np.int64)
    stride = int(item.max(initial=0)) + 1
    alive = np.flatnonzero(sizes)
    above = group[alive] - groups  # what has no parent is told apart by its group: -groups … -1
    parents, items, owners, count = [], [], [], 0
    depth = 0
    while len(alive):
        key = (above + groups) * stride + item[stacks.start[alive] + depth]
        keys, first, number = np.unique(key, return_index=True, return_inverse=True)
        parents.append(keys // stride - groups)
        items.append(keys % stride)
        owners.append(group[alive[first]])
        number = number + count
        count += len(keys)
        depth += 1
        ended = sizes[alive] == depth
        leaf[alive[ended]] = number[ended]
        alive, above = alive[~ended], number[~ended]
    return _by_group(parents, items, owners, leaf, groups)


def _by_group(
    parents: list[NDArray[np.int64]],
    items: list[NDArray[np.int64]],
    owners: list[NDArray[np.int64]],
    leaf: NDArray[np.int64],
    groups: int,
) -> Prefixes:
    nothing = np.empty(0, dtype=np.int64)
    parent, item, owner = (np.concatenate([nothing, *column]) for column in (parents, items, owners))
    order = np.argsort(owner, kind="stable")
    start = np.append(0, np.cumsum(np.bincount(owner, minlength=groups)))
    place = np.empty(len(order) + 1, dtype=np.int64)
    place[order] = np.arange(len(order)) - start[owner[order]]
    place[-1] = -1  # of none
    ordered = parent[order]
    return Prefixes(start, place[np.maximum(ordered, -1)], item[order], place[leaf])
