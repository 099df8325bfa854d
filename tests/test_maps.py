"""Address spaces over time, and file offset to vaddr."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from goinspect import maps
from goinspect.maps import KERNEL_SPACE, NO_SPACE, AddressSpaces, file_offset_to_vaddr, vaddr_of
from goinspect.model import Mapping, Segment


def at(
    start: int, end: int, path: str = "/a", pgoff: int = 0, *, pid: int = 1, executable: bool = True
) -> Mapping:
    return Mapping(start, end, pgoff, path, pid=pid, executable=executable)


def where(spaces: AddressSpaces, pid: int, time: int, address: int) -> tuple[str, int] | None:
    """File and offset of one address."""
    space = spaces.space_of(np.array([pid], dtype=np.int32), np.array([time], dtype=np.uint64))
    rows, offsets = spaces.resolve(space, np.array([address], dtype=np.uint64))
    return None if rows[0] < 0 else (spaces.mappings[rows[0]].path, int(offsets[0]))


def space(spaces: AddressSpaces, pid: int, time: int) -> int:
    return int(spaces.space_of(np.array([pid], dtype=np.int32), np.array([time], dtype=np.uint64))[0])


def test_bounds_of_a_mapping():
    spaces = AddressSpaces()
    spaces.mmap(at(0x1000, 0x3000, pgoff=0x500))
    assert where(spaces, 1, 0, 0xFFF) is None
    assert where(spaces, 1, 0, 0x1000) == ("/a", 0x500)
    assert where(spaces, 1, 0, 0x2FFF) == ("/a", 0x24FF)
    assert where(spaces, 1, 0, 0x3000) is None
    assert where(spaces, 2, 0, 0x1000) is None


def test_nothing_mapped():
    spaces = AddressSpaces()
    assert space(spaces, 1, 0) == NO_SPACE
    assert where(spaces, 1, 0, 0x1000) is None
    assert spaces.mappings == ()


def test_a_further_mapping_holds_from_the_beginning():
    spaces = AddressSpaces()
    spaces.mmap(at(0x1000, 0x2000), 10)
    spaces.mmap(at(0x5000, 0x6000, "/b"), 500)
    assert where(spaces, 1, 0, 0x5000) == ("/b", 0)
    assert space(spaces, 1, 0) == space(spaces, 1, 1000)


def test_the_same_mapping_again_is_no_change():
    spaces = AddressSpaces()
    spaces.mmap(at(0x1000, 0x4000, pgoff=0x1000), 10)
    spaces.mmap(at(0x2000, 0x3000, pgoff=0x2000), 20)
    spaces.mmap(at(0x3000, 0x9000, pgoff=0x3000), 30)
    assert space(spaces, 1, 0) == space(spaces, 1, 99)
    assert [where(spaces, 1, 0, address) for address in (0x1000, 0x2000, 0x3000, 0x8FFF)] == [
        ("/a", 0x1000), ("/a", 0x2000), ("/a", 0x3000), ("/a", 0x8FFF),
    ]  # fmt: skip


@pytest.mark.parametrize("other", [at(0x2000, 0x3000, "/b"), at(0x2000, 0x3000, pgoff=0x7000)])
def test_another_mapping_in_its_place_starts_an_epoch(other):
    spaces = AddressSpaces()
    spaces.mmap(at(0x1000, 0x4000), 10)
    spaces.mmap(other, 100)
    assert where(spaces, 1, 99, 0x2000) == ("/a", 0x1000)
    assert where(spaces, 1, 100, 0x2000) == (other.path, other.pgoff)
    for time in (99, 100):
        assert where(spaces, 1, time, 0x1FFF) == ("/a", 0xFFF)
        assert where(spaces, 1, time, 0x3000) == ("/a", 0x2000)


def test_exec_drops_everything():
    spaces = AddressSpaces()
    spaces.mmap(at(0x1000, 0x2000), 10)
    spaces.exec(1, 100)
    spaces.mmap(at(0x8000, 0x9000, "/b"), 110)
    assert where(spaces, 1, 120, 0x1000) is None
    assert where(spaces, 1, 120, 0x8000) == ("/b", 0)
    assert where(spaces, 1, 50, 0x1000) == ("/a", 0)
    assert where(spaces, 1, 50, 0x8000) is None


def test_exec_takes_effect_when_the_new_program_is_mapped():
    """In between the kernel is inside execve(2): the user PC is that of the system call in the old program."""
    spaces = AddressSpaces()
    spaces.mmap(at(0x1000, 0x2000), 10)
    spaces.exec(1, 100)
    spaces.mmap(at(0x8000, 0x9000, "/b"), 110)
    assert where(spaces, 1, 105, 0x1000) == ("/a", 0)


def test_exec_that_no_mapping_follows():
    spaces = AddressSpaces()
    spaces.mmap(at(0x1000, 0x2000), 10)
    spaces.exec(1, 100)
    assert where(spaces, 1, 99, 0x1000) == ("/a", 0)
    assert where(spaces, 1, 100, 0x1000) is None
    spaces.exec(1, 200)
    spaces.fork(2, 1, 300)
    assert where(spaces, 2, 300, 0x1000) is None


def test_fork_shares_until_somebody_changes():
    spaces = AddressSpaces()
    spaces.mmap(at(0x1000, 0x2000), 10)
    spaces.fork(2, 1, 100)
    assert space(spaces, 2, 150) == space(spaces, 1, 150)
    spaces.mmap(at(0x5000, 0x6000, "/child", pid=2), 200)
    spaces.mmap(at(0x7000, 0x8000, "/parent"), 300)
    assert where(spaces, 2, 250, 0x1000) == ("/a", 0)
    assert where(spaces, 2, 250, 0x5000) == ("/child", 0)
    assert where(spaces, 1, 350, 0x5000) is None
    assert where(spaces, 1, 350, 0x7000) == ("/parent", 0)
    assert where(spaces, 2, 350, 0x7000) is None


def test_exec_in_the_child_leaves_the_parent_alone():
    spaces = AddressSpaces()
    spaces.mmap(at(0x1000, 0x2000), 10)
    spaces.fork(2, 1, 100)
    spaces.exec(2, 110)
    spaces.mmap(at(0x1000, 0x2000, "/b", pid=2), 120)
    before = space(spaces, 1, 0)
    spaces.mmap(at(0x5000, 0x6000, "/late"), 500)
    assert space(spaces, 1, 0) == before == space(spaces, 1, 999)  # the child no longer shares it
    assert where(spaces, 1, 50, 0x5000) == ("/late", 0)
    assert where(spaces, 2, 500, 0x1000) == ("/b", 0)


def test_exit_ends_sharing_but_not_the_space():
    spaces = AddressSpaces()
    spaces.mmap(at(0x1000, 0x2000), 10)
    spaces.fork(2, 1, 100)
    spaces.exit(2)
    spaces.exit(77)
    spaces.mmap(at(0x5000, 0x6000, "/b"), 500)
    assert space(spaces, 1, 0) == space(spaces, 1, 999)
    assert where(spaces, 2, 600, 0x1000) == ("/a", 0)


def test_reused_pid():
    spaces = AddressSpaces()
    spaces.mmap(at(0x1000, 0x2000, pid=2), 10)
    spaces.mmap(at(0x1000, 0x2000, "/parent"), 20)
    spaces.exit(2)
    spaces.fork(2, 1, 100)
    spaces.fork(2, 99, 200)  # of a parent nobody has seen
    assert where(spaces, 2, 50, 0x1000) == ("/a", 0)
    assert where(spaces, 2, 150, 0x1000) == ("/parent", 0)
    assert where(spaces, 2, 250, 0x1000) is None


def test_kernel_mappings_are_shared_and_timeless():
    spaces = AddressSpaces()
    top = 0xFFFFFFFF81000000
    spaces.mmap(at(top, top + 0x1000000, "[kernel.kallsyms]_text", top, pid=-1, executable=False), 0)
    spaces.mmap(at(top + 0x1000, top + 0x2000, "[module]", 0, pid=-1), 500)
    rows, offsets = spaces.resolve(
        np.array([KERNEL_SPACE, KERNEL_SPACE], dtype=np.int32),
        np.array([top + 0x10, top + 0x1010], dtype=np.uint64),
    )
    assert [spaces.mappings[row].path for row in rows] == ["[kernel.kallsyms]_text", "[module]"]
    assert offsets.tolist() == [top + 0x10, 0x10]


def test_what_is_no_code_starts_no_epoch():
    spaces = AddressSpaces()
    spaces.mmap(at(0x1000, 0x2000, "/data", executable=False), 10)
    spaces.mmap(at(0x1000, 0x2000, "/code"), 100)
    assert where(spaces, 1, 0, 0x1000) == ("/code", 0)
    spaces.mmap(at(0x1800, 0x2000, "/data", executable=False), 200)
    assert where(spaces, 1, 150, 0x1800) == ("/code", 0x800)
    assert where(spaces, 1, 250, 0x1800) == ("/data", 0)
    assert where(spaces, 1, 250, 0x17FF) == ("/code", 0x7FF)


def test_memory_without_a_file_replacing_itself_starts_no_epoch():
    spaces = AddressSpaces()
    for time, pgoff in ((10, 0), (20, 0x5000), (30, 0)):
        spaces.mmap(at(0x1000, 0x2000, "//anon", pgoff), time)
    assert space(spaces, 1, 0) == space(spaces, 1, 99)


@pytest.mark.parametrize(("start", "end"), [(0x1000, 0x1000), (0x2000, 0x1000), (2**64, 2**64 + 5), (-5, 5)])
def test_impossible_mappings_are_ignored(start, end):
    spaces = AddressSpaces()
    spaces.mmap(at(start, end))
    assert spaces.mappings == ()


def test_the_top_of_the_address_space():
    spaces = AddressSpaces()
    spaces.mmap(at(2**64 - 0x1000, 2**64 + 0x1000, pgoff=2**64 - 1))
    assert where(spaces, 1, 0, 2**64 - 1) == ("/a", 0xFFE)
    assert where(spaces, 1, 2**64 - 1, 2**64 - 0x1000) == ("/a", 2**64 - 1)


def test_absurdly_many_remappings_end_the_history(monkeypatch):
    monkeypatch.setattr(maps, "_COPY_BUDGET", 10)
    spaces = AddressSpaces()
    for time in range(100):
        spaces.mmap(at(0x1000, 0x2000, f"/{time}"), time)
    assert spaces.simplified
    assert where(spaces, 1, 5, 0x1000) == ("/4", 0) or where(spaces, 1, 5, 0x1000) == ("/5", 0)
    assert where(spaces, 1, 99, 0x1000) == ("/99", 0)


@given(
    st.lists(
        st.tuples(
            st.integers(0, 30), st.integers(1, 12), st.sampled_from("abc"), st.integers(0, 3), st.booleans()
        ),
        max_size=25,
    )
)
def test_overlaps_like_bytes_painted_over(events):
    """After every event, each byte belongs to the last mapping over it."""
    spaces = AddressSpaces()
    painted: dict[int, tuple[str, int]] = {}
    for time, (start, size, path, pgoff, executable) in enumerate(events):
        spaces.mmap(at(start, start + size, path, pgoff, executable=executable), time)
        painted.update({start + byte: (path, pgoff + byte) for byte in range(size)})
    addresses = np.arange(50, dtype=np.uint64)
    now = spaces.space_of(np.ones(50, dtype=np.int32), np.full(50, 1000, dtype=np.uint64))
    rows, offsets = spaces.resolve(now, addresses)
    found = {
        address: (spaces.mappings[row].path, offset)
        for address, row, offset in zip(addresses.tolist(), rows.tolist(), offsets.tolist(), strict=True)
        if row >= 0
    }
    assert found == painted


# -- file offset to vaddr

GO_PIE = (
    Segment(0x400000, 0x9000, 0, 0x9000, readable=True, writable=False, executable=True),
    Segment(0x40A000, 0x5000, 0x9000, 0x5000, readable=True, writable=False, executable=False),
    Segment(0x410000, 0x8000, 0xE000, 0x1000, readable=True, writable=True, executable=False),
)


@pytest.mark.parametrize(
    ("segments", "file_offset", "vaddr"),
    [
        (GO_PIE, 0, 0x400000),
        (GO_PIE, 0x8FFF, 0x408FFF),
        (GO_PIE, 0x9000, 0x40A000),
        (GO_PIE, 0xE010, 0x410010),
        (GO_PIE, 0xF000, 0x411000),  # only in memory
        (GO_PIE, 0x16000, None),
        ((), 0, None),
        # the page before a segment is mapped along with it
        (
            (Segment(0x401E10, 0x100, 0xE10, 0x100, readable=True, writable=False, executable=True),),
            0x10,
            0x401010,
        ),
        # code wins where two segments hold the same bytes of the file
        (
            (
                Segment(0x1000, 0x100, 0, 0x100, readable=True, writable=False, executable=False),
                Segment(0x5000, 0x100, 0x80, 0x80, readable=True, writable=False, executable=True),
            ),
            0x90,
            0x5010,
        ),
        # vaddr below the offset, and sizes that wrap
        ((Segment(0, 0x10, 0x1000, 0x10, readable=True, writable=False, executable=True),), 0x1008, 8),
        (
            (Segment(0, 2**64 - 1, 2**63, 2**64 - 1, readable=True, writable=False, executable=True),),
            2**64 - 1,
            2**63 - 1,
        ),
    ],
)
def test_file_offset_to_vaddr(segments, file_offset, vaddr):
    assert vaddr_of(file_offset, segments) == vaddr
    vaddrs, known = file_offset_to_vaddr(segments, np.array([file_offset], dtype=np.uint64))
    assert (int(vaddrs[0]) if known[0] else None) == vaddr


@given(
    st.lists(st.tuples(*[st.integers(0, 0x4000)] * 4, st.booleans()), max_size=5),
    st.lists(st.integers(0, 0x9000), max_size=20),
)
def test_one_by_one_and_all_at_once_agree(parts, offsets):
    segments = [
        Segment(vaddr, max(size, memory), offset, size, readable=True, writable=False, executable=executable)
        for vaddr, memory, offset, size, executable in parts
    ]
    vaddrs, known = file_offset_to_vaddr(segments, np.array(offsets, dtype=np.uint64))
    answers = [value if here else None for value, here in zip(vaddrs.tolist(), known.tolist(), strict=True)]
    assert answers == [vaddr_of(offset, segments) for offset in offsets]


def test_importing_it_does_not_import_numpy():
    code = "import sys, goinspect.maps; sys.exit('numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


HUGE = 1 << 21


def test_text_copied_to_huge_pages_is_still_the_file():
    """Anonymous memory mapped over text, as seen by a recorder that watched: in place of it, or of a part of it."""
    for start, end in ((2 * HUGE, 3 * HUGE), (2 * HUGE, 5 * HUGE), (HUGE, 5 * HUGE)):
        spaces = AddressSpaces()
        spaces.mmap(at(HUGE, 5 * HUGE, "/a", 0x1000), 10)
        spaces.mmap(at(start, end, "//anon", start), 20)
        for address in (start, start + 5, end - 1):
            assert where(spaces, 1, 30, address) == ("/a", address - HUGE + 0x1000)


def test_text_copied_to_huge_pages_before_the_recorder_came():
    """Only the maps of the process are known: the rest of the file follows."""
    for path in ("//anon", "/anon_hugepage (deleted)"):
        for order in (1, -1):
            spaces = AddressSpaces()
            for item in (
                at(2 * HUGE, 3 * HUGE, path, 0),
                at(3 * HUGE, 3 * HUGE + 0x5000, "/a", HUGE + 0x3000),
            )[::order]:
                spaces.mmap(item)
            assert where(spaces, 1, 0, 2 * HUGE + 7) == ("/a", 0x3000 + 7)


@pytest.mark.parametrize(
    ("there", "new"),
    [
        ([at(HUGE, 5 * HUGE)], at(2 * HUGE, 3 * HUGE + 0x1000, "//anon")),  # not whole huge pages
        ([at(HUGE, 2 * HUGE)], at(HUGE, 3 * HUGE, "//anon")),  # beyond the file
        ([at(HUGE, 2 * HUGE), at(2 * HUGE, 3 * HUGE, "/b")], at(HUGE, 3 * HUGE, "//anon")),  # two files
        ([at(HUGE, 5 * HUGE, executable=False)], at(2 * HUGE, 3 * HUGE, "//anon")),
        (
            [at(3 * HUGE, 4 * HUGE, "/a", 0x1000)],
            at(2 * HUGE, 3 * HUGE, "//anon"),
        ),  # before the file's first byte
        ([at(3 * HUGE, 4 * HUGE, "[vdso]", HUGE)], at(2 * HUGE, 3 * HUGE, "//anon")),
        (
            [at(HUGE, 2 * HUGE, "/a", 0), at(3 * HUGE, 4 * HUGE, "/a", 5 * HUGE)],
            at(2 * HUGE, 3 * HUGE, "//anon"),
        ),
    ],
)
def test_other_anonymous_code_is_no_file(there, new):
    spaces = AddressSpaces()
    for item in (*there, new):
        spaces.mmap(item)
    assert where(spaces, 1, 0, 2 * HUGE + 1)[0] == "//anon"


def test_code_that_the_kernel_makes_over_time():
    spaces = AddressSpaces()
    spaces.mmap(at(0xF000, 0xFFFF, "[kernel.kallsyms]_text", 0xF000, pid=maps.KERNEL_PID))
    for start, name, time in ((0xF100, "first", 0), (0xF200, "other", 0), (0xF100, "second", 50)):
        path = maps.KERNEL_SYMBOL + name
        spaces.mmap(at(start, start + 0x80, path, start, pid=maps.KERNEL_PID), time)

    def named(time, address):
        space = spaces.kernel_space_of(np.array([time], dtype=np.uint64))
        rows, _ = spaces.resolve(space, np.array([address], dtype=np.uint64))
        return spaces.mappings[rows[0]].path

    assert [named(time, 0xF110) for time in (0, 49, 50, 99)] == ["[bpf]first"] * 2 + ["[bpf]second"] * 2
    assert {named(time, 0xF210) for time in (0, 99)} == {"[bpf]other"}
    assert {named(time, 0xF300) for time in (0, 99)} == {"[kernel.kallsyms]_text"}


def test_a_kernel_that_makes_no_other_code_has_one_space():
    spaces = AddressSpaces()
    spaces.mmap(at(0xF000, 0xFFFF, "[bpf]x", 0xF000, pid=maps.KERNEL_PID))
    assert spaces.kernel_space_of(np.array([5], dtype=np.uint64)) is None
