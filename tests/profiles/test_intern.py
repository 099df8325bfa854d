"""AddressInterner against an ordinary dict."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from goinspect.profiles import intern
from goinspect.profiles.intern import MAX_TAG, AddressInterner

ADDRESSES = st.one_of(
    st.integers(0, 2**64 - 1),
    st.integers(0, 40),
    st.sampled_from([0, 1, 2**32, 2**63, 2**64 - 1, 0xFFFFFFFF81000000, 0x401000]),
)
KEYS = st.lists(st.tuples(st.one_of(st.integers(0, 3), st.integers(0, MAX_TAG)), ADDRESSES), max_size=60)


def intern_all(interner: AddressInterner, keys: list[tuple[int, int]]) -> list[int]:
    tags = np.array([key[0] for key in keys], dtype=np.int64)
    addresses = np.array([key[1] for key in keys], dtype=np.uint64)
    return interner.intern(tags, addresses).tolist()


def check(interner: AddressInterner, seen: dict[tuple[int, int], int], keys: list[tuple[int, int]]) -> None:
    """Same key, same id; different key, different id; ids are dense and stay."""
    ids = intern_all(interner, keys)
    for key, number in zip(keys, ids, strict=True):
        assert seen.setdefault(key, number) == number
    assert sorted(seen.values()) == list(range(len(interner)))
    stored = list(zip(interner.tags.tolist(), interner.addresses.tolist(), strict=True))
    assert {key: stored[number] for key, number in seen.items()} == {key: key for key in seen}


@given(st.lists(KEYS, max_size=6))
def test_like_a_dict(batches):
    interner, seen = AddressInterner(), {}
    for keys in batches:
        check(interner, seen, keys)


@pytest.mark.parametrize("probes", [1, 2, 12])
@given(batches=st.lists(KEYS, min_size=1, max_size=6))
def test_like_a_dict_when_it_is_crowded(probes, batches):
    """Tiny blocks and tables, so that growth, probing and overflow happen all the time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(intern, "_BLOCK", 4)
        patch.setattr(intern, "_FULL", 0.9)
        patch.setattr(intern, "_PROBES", probes)
        interner, seen = AddressInterner(bits=3), {}
        for keys in batches:
            check(interner, seen, keys)


def test_growth():
    """More distinct keys than the first tables hold; each batch repeats old ones."""
    interner = AddressInterner(bits=4)
    random = np.random.default_rng(1)
    addresses = random.integers(0, 2**63, 100_000, dtype=np.uint64)
    tags = random.integers(0, 50, 100_000)
    first = interner.intern(tags, addresses)
    again = interner.intern(tags[::-1], addresses[::-1])[::-1]
    assert (first == again).all()
    assert (interner.addresses[first] == addresses).all()
    assert (interner.tags[first] == tags).all()
    assert len(interner) == len(set(zip(tags.tolist(), addresses.tolist(), strict=True)))


def test_addresses_chosen_to_collide():
    """Keys that all hash to one slot are still told apart, in a time that does not explode."""
    interner = AddressInterner(bits=16)
    inverse = pow(int(intern._MULTIPLIER), -1, 2**64)
    addresses = np.array([(number * inverse) % 2**64 for number in range(50_000)], dtype=np.uint64)
    tags = np.zeros(len(addresses), dtype=np.int64)
    ids = interner.intern(tags, addresses)
    assert len(set(ids.tolist())) == len(addresses)
    assert (interner.intern(tags, addresses) == ids).all()
    assert len(interner._overflow) > 40_000


def test_nothing():
    assert intern_all(AddressInterner(), []) == []
