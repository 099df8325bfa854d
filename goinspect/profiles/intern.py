"""AddressInterner: a dictionary from (tag, address) to dense ids, for whole arrays at a time.

An open-addressing hash table in numpy arrays. Stored keys are compared in full, so answers are exact; what finds no
slot within a few probes goes to an ordinary dict, so that chosen addresses cannot make it slow.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["MAX_TAG", "AddressInterner"]

MAX_TAG = (1 << 31) - 2

_BLOCK = 1 << 14  # keys handled at once: temporaries stay in the cache
_PROBES = 12
_FULL = 0.3
_MULTIPLIER = np.uint64(0x9E37_79B9_7F4A_7C15)
_TAG_MULTIPLIER = np.uint64(0xD6E8_FEB8_6659_FD93)
_SHIFT = np.uint64(32)
_LOW = np.uint64(0xFFFF_FFFF)
_EMPTY = np.uint64(0xFFFF_FFFF)  # in place of a tag


class _Keys(NamedTuple):
    """Keys on their way into the table. ``places``: the slots to look at; ``ids``: theirs, when they only move."""

    places: NDArray[np.int64]
    tags: NDArray[np.uint64]
    addresses: NDArray[np.uint64]
    ids: NDArray[np.int32] | None = None

    def only(self, rows: NDArray[Any]) -> _Keys:
        ids = None if self.ids is None else self.ids[rows]
        return _Keys(self.places[rows], self.tags[rows], self.addresses[rows], ids)


class AddressInterner:
    """Gives every distinct (tag, address) the next id, from 0 on.

    A slot is 16 bytes, fetched as one complex128: the address, then tag and id in the halves of a word.

    Args:
        bits: the table starts with 2**bits slots; it grows as needed.
    """

    def __init__(self, bits: int = 16) -> None:
        self._count = 0
        self._tags = np.empty(1 << 12, dtype=np.int32)
        self._addresses = np.empty(1 << 12, dtype=np.uint64)
        self._reset(bits)

    def __len__(self) -> int:
        return self._count

    @property
    def tags(self) -> NDArray[np.int32]:
        """The tag of every id."""
        return self._tags[: self._count]

    @property
    def addresses(self) -> NDArray[np.uint64]:
        """The address of every id."""
        return self._addresses[: self._count]

    def intern(self, tags: NDArray[np.int64], addresses: NDArray[np.uint64]) -> NDArray[np.int32]:
        """The ids of these keys. Tags are 0 to MAX_TAG."""
        ids = np.empty(len(addresses), dtype=np.int32)
        for begin in range(0, len(addresses), _BLOCK):
            block = slice(begin, begin + _BLOCK)
            if self._count + _BLOCK > _FULL * len(self._slots):
                self._make_room()
            self._intern_block(tags[block].astype(np.uint64), addresses[block], ids[block])
        return ids

    def _intern_block(
        self, tags: NDArray[np.uint64], addresses: NDArray[np.uint64], ids: NDArray[np.int32]
    ) -> None:
        places = self._places(tags, addresses)
        hit, found = self._look(places, tags, addresses)
        ids[:] = (found & _LOW).astype(np.int32)
        if hit.all():
            return
        rest = np.flatnonzero(~hit)
        ids[rest] = self._probe(_Keys(places[rest], tags[rest], addresses[rest]))

    def _places(self, tags: NDArray[np.uint64], addresses: NDArray[np.uint64]) -> NDArray[np.int64]:
        mixed = tags * _TAG_MULTIPLIER
        mixed ^= addresses
        mixed *= _MULTIPLIER
        mixed >>= self._hash_shift
        places: NDArray[np.int64] = mixed.view(np.int64)
        return places

    def _look(
        self, places: NDArray[np.int64], tags: NDArray[np.uint64], addresses: NDArray[np.uint64]
    ) -> tuple[NDArray[np.bool_], NDArray[np.uint64]]:
        """Which slots hold these keys, and their second words."""
        words = self._slots.take(places).view(np.uint64)
        seconds = words[1::2]
        hit = words[::2] == addresses
        hit &= (seconds >> _SHIFT) == tags
        return hit, seconds

    def _probe(self, keys: _Keys) -> NDArray[np.int32]:
        """Find or insert keys, slot after slot."""
        ids = np.empty(len(keys.places), dtype=np.int32)
        pending = np.arange(len(ids))
        for _ in range(_PROBES):
            hit, seconds = self._look(keys.places, keys.tags, keys.addresses)
            empty = np.flatnonzero((seconds >> _SHIFT) == _EMPTY)
            if len(empty):
                self._store(keys.only(self._claim(keys.places, empty)))
                hit, seconds = self._look(keys.places, keys.tags, keys.addresses)
            ids[pending[hit]] = (seconds[hit] & _LOW).astype(np.int32)
            if hit.all():
                return ids
            pending, keys = pending[~hit], keys.only(~hit)
            keys.places[:] = (keys.places + 1) & self._mask
        ids[pending] = self._overflow_ids(keys)
        return ids

    def _claim(self, places: NDArray[np.int64], seekers: NDArray[np.int64]) -> NDArray[np.int64]:
        """Of the keys that met an empty slot, one for each slot."""
        wanted = places[seekers]
        self._owner[wanted] = seekers
        chosen: NDArray[np.int64] = seekers[self._owner[wanted] == seekers]
        return chosen

    def _store(self, keys: _Keys) -> None:
        ids = self._append(keys.tags, keys.addresses) if keys.ids is None else keys.ids
        words = self._slots.view(np.uint64)
        words[2 * keys.places] = keys.addresses
        words[2 * keys.places + 1] = keys.tags << _SHIFT | ids.astype(np.uint64)

    def _overflow_ids(self, keys: _Keys) -> list[int]:
        """Ids of keys that found no slot."""
        pairs = list(zip(keys.tags.tolist(), keys.addresses.tolist(), strict=True))
        if keys.ids is not None:
            self._overflow.update(zip(pairs, keys.ids.tolist(), strict=True))
        new = [pair for pair in dict.fromkeys(pairs) if pair not in self._overflow]
        if new:
            columns = np.array(new, dtype=np.uint64)
            self._overflow.update(zip(new, self._append(columns[:, 0], columns[:, 1]).tolist(), strict=True))
        return [self._overflow[pair] for pair in pairs]

    def _append(self, tags: NDArray[np.uint64], addresses: NDArray[np.uint64]) -> NDArray[np.int32]:
        """Number new keys."""
        begin, end = self._count, self._count + len(tags)
        while end > len(self._tags):
            self._tags = np.concatenate([self._tags, np.empty_like(self._tags)])
            self._addresses = np.concatenate([self._addresses, np.empty_like(self._addresses)])
        self._tags[begin:end] = tags
        self._addresses[begin:end] = addresses
        self._count = end
        return np.arange(begin, end, dtype=np.int32)

    def _make_room(self) -> None:
        """Enough slots for what there is and another block."""
        bits = len(self._slots).bit_length()
        while self._count + _BLOCK > _FULL * (1 << bits):
            bits += 1
        self._reset(bits)
        tags, addresses = self.tags.astype(np.uint64), self.addresses
        ids = np.arange(self._count, dtype=np.int32)
        self._probe(_Keys(self._places(tags, addresses), tags, addresses, ids))

    def _reset(self, bits: int) -> None:
        self._slots = np.empty(1 << bits, dtype=np.complex128)
        self._slots.view(np.uint64)[1::2] = _EMPTY << _SHIFT
        self._owner = np.empty(1 << bits, dtype=np.int32)
        self._mask = (1 << bits) - 1
        self._hash_shift = np.uint64(64 - bits)
        self._overflow: dict[tuple[int, int], int] = {}
