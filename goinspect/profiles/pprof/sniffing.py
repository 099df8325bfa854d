"""Is this a profile? Protobuf has no magic: the first fields have to be those of a profile, with sense in them."""

from __future__ import annotations

from goinspect.errors import GoinspectError
from goinspect.profiles.pprof.wire import fields_of, split

__all__ = ["sniff"]

_MESSAGES = (1, 2, 3, 4, 5, 6, 11)
_NUMBERS = (7, 8, 9, 10, 12, 13, 14, 15)
_MOST = 1 << 12  # sample types that are looked at


def sniff(head: bytes) -> bool:
    """Are these the first bytes of a pprof profile?"""
    if len(head) < 2 or head[0] >> 3 not in (*_MESSAGES, *_NUMBERS):
        return False
    try:
        top = split(head, whole=False)
        known = sum(len(top.part(number).start) for number in _MESSAGES)
        strange = set(top.present()) - {*_MESSAGES, *_NUMBERS}
        if not known or strange:
            return False
        types = top.part(1)
        if not 0 < len(types.start) < _MOST:
            # Written in another order: what comes first are tables, and text that is text.
            return len(top.part(4).start) > 1 or len(top.part(5).start) > 1 or len(top.part(2).start) > 1
        fields = fields_of(head, types)
    except GoinspectError:
        return False
    return fields.holds_only(1, 2)
