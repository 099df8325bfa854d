"""Types that nothing in type data leads to: code alone refers to them, as to those of closures and type assertions.

They lie between the others. What is there is looked at where the bytes in the middle of a descriptor can be such, and
taken for one only when all it says holds, down to the types it is made of.
"""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from goinspect.gosym.types.descriptors import Descriptor, TypeReader

__all__ = ["strays", "strays_between"]

# tflag, align, align in a field, kind; of overlapping matches each is wanted.
_MARK = re.compile(
    rb"(?=[\x00-\x3f]([\x01\x02\x04\x08\x10])\1[\x01-\x1a\x21-\x3a\x41-\x5a\x61-\x7a\x81-\x9a\xa1-\xba])"
)


def strays(reader: TypeReader, found: Mapping[int, Descriptor]) -> Iterator[Descriptor]:
    """Descriptors between those that are known, which `found` has by address."""
    gaps = (
        (before.vaddr + before.extent, after.vaddr)
        for before, after in pairwise([found[vaddr] for vaddr in sorted(found)])
    )
    return strays_between(reader, gaps, found.__contains__)


def strays_between(
    reader: TypeReader, gaps: Iterable[tuple[int, int]], is_known: Callable[[int], bool]
) -> Iterator[Descriptor]:
    """Descriptors in gaps from one address to another, given what tells whether one is known at an address."""
    for first, end in gaps:
        start = first
        for vaddr in reader.marked(_MARK, start, end):
            if vaddr < start:  # inside the last one
                continue
            one = reader.read(vaddr)
            if one is not None and vaddr + one.extent <= end and _holds(reader, is_known, one):
                yield one
                start = vaddr + one.extent


def _holds(reader: TypeReader, is_known: Callable[[int], bool], one: Descriptor) -> bool:
    if one.named and not (one.package and one.text.partition(".")[2]):
        return False
    types = (*one.elems, *(part.type for part in one.parts))
    return one.text.isprintable() and all(is_known(vaddr) or reader.is_sound(vaddr) for vaddr in types)
