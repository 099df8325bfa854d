"""The columns of all functions against the pure engine, function by function; lines against every PC."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from goinspect.gosym import inline, pcvalue
from goinspect.gosym.bulk.listing import list_functions
from goinspect.gosym.bulk.places import pcs_of_line
from goinspect.gosym.bulk.table import BulkTable
from goinspect.gosym.module import load
from goinspect.objfile import open_image
from tests.builders.pclntab import build
from tests.examples import examples
from tests.gosym.answers import bulk_frames, pure_frames
from tests.gosym.programs import VERSIONS, decoder, programs

if TYPE_CHECKING:
    from goinspect.gosym.pclntab import PclnTable

IDS = [f"1.{minor}" for _, minor in VERSIONS]


def one_by_one(table: PclnTable) -> list[tuple]:
    rows = []
    for index in range(table.nfunc):
        func = table.func(index)
        if func is None:
            continue
        file = table.file_at(func, first_file(table, func))
        chain = pure_frames(table, func.entry) if func.end > func.entry else ()
        if len(chain) > 1:
            file = chain[-1].file
        elif not func.pcln:
            file = None
        rows.append((
            index, func.entry, func.end, table.name(func), file, func.start_line or 0, table.frame_size(func),
            func.args, func.deferreturn, func.func_id, func.flag, inline.inlined_names(table, func),
        ))  # fmt: skip
    return rows


def first_file(table: PclnTable, func) -> int:
    return next((value for _, value in pcvalue.rows(table.pctab, func.pcfile, table.quantum)), -1)


def columns(table: PclnTable) -> list[tuple]:
    found = list_functions(BulkTable(table))
    start = found.inline_start.tolist()
    return [
        (
            int(found.index[i]), int(found.entry[i]), int(found.end[i]), found.name[i],
            found.files[found.file[i]] if found.file[i] >= 0 else None, int(found.start_line[i]),
            int(found.frame_size[i]) if found.frame_size[i] != -1 else None,
            int(found.args[i]) if found.args[i] != -1 else None, int(found.deferreturn[i]), int(found.func_id[i]), int(found.flag[i]),
            tuple(found.inlined_names[n] for n in found.inlined[start[i] : start[i + 1]]),
        )
        for i in range(len(found.name))
    ]  # fmt: skip


@examples(60, derandomize=True)
@given(st.data())
@pytest.mark.parametrize("version", VERSIONS, ids=IDS)
def test_listing_equals_the_pure_engine(version, data) -> None:
    quantum = data.draw(st.sampled_from((1, 2, 4)))
    byteorder = data.draw(st.sampled_from(("little", "big")))
    ptrsize = data.draw(st.sampled_from((4, 8)))
    program = data.draw(programs(version, quantum))
    built = build(program, version, byteorder=byteorder, ptrsize=ptrsize, quantum=quantum)
    table = decoder(built, version)
    assert columns(table) == one_by_one(table)


@examples(40, derandomize=True)
@given(st.data())
@pytest.mark.parametrize("version", [(1, 4), (1, 10), (1, 15), (1, 17), (1, 27)], ids=str)
def test_pcs_of_a_line_are_all_pcs_of_that_line(version, data) -> None:
    program = data.draw(programs(version, 1))
    built = build(program, version)
    table = decoder(built, version)
    bulk = BulkTable(table)
    pcs = range(built.entries[0], built.entries[-1])
    frames = bulk_frames(bulk, pcs)
    lines = {chain[0].line for chain in frames if chain and chain[0].line is not None}
    for line in lines:
        starts, ends = pcs_of_line(bulk, line)
        covered: dict[int, tuple] = {}
        for start, end in zip(starts.tolist(), ends.tolist(), strict=True):
            assert start < end
            for pc in range(start, end):
                assert pc not in covered
                covered[pc] = frames[start - pcs[0]]
        own = {pc: chain for pc, chain in zip(pcs, frames, strict=True) if chain and chain[0].line == line}
        assert {pc: chain for pc, chain in covered.items() if chain[0].line is not None} == own


def test_listing_of_real_binaries(workload) -> None:
    table = load(open_image(workload)).table
    found = columns(table)
    assert len(found) == table.nfunc
    assert found == one_by_one(table)


@examples(60, derandomize=True)
@given(st.data())
def test_names_are_compared_as_they_are_read(data) -> None:
    """A name is that at its offset: no other one, no beginning or end of it, nothing where no name is; any that is ASCII."""
    table = decoder(build(data.draw(programs((1, 27), 1)), (1, 27)), (1, 27))
    bulk = BulkTable(table)
    funcs = [func for index in range(table.nfunc) if (func := table.func(index)) is not None]
    names = [table.name(func) for func in funcs]
    offsets = np.array([func.name_off for func in funcs], dtype=np.int64)
    assert bulk.are_names(offsets, names).tolist() == [name.isascii() for name in names]
    odd = ["é" if name.isascii() else name.encode().decode("latin-1") for name in names]
    for others in ([name[:-1] for name in names], [name + "x" for name in names], odd):
        assert not bulk.are_names(offsets, others).any()
    for place in (-1, -(1 << 40), len(table.data), 1 << 40):
        assert not bulk.are_names(np.full(len(names), place), names).any()
    assert bulk.are_names(offsets[:0], []).tolist() == []


def test_pcs_of_line_in_a_real_binary(workload) -> None:
    table = load(open_image(workload)).table
    bulk = BulkTable(table)
    step = 3
    pcs = np.arange(table.entry(0), table.entry(0) + 200_000, step, dtype=np.uint64)
    found = bulk.frames(pcs)
    line = found.line[found.start[:-1]]
    for wanted in np.unique(line[line > 0])[::40].tolist():
        starts, ends = pcs_of_line(bulk, wanted)
        assert (starts < ends).all()
        held = np.searchsorted(starts, pcs, side="right") - 1
        inside = (held >= 0) & (pcs < ends[np.maximum(held, 0)])
        assert (inside == (line == wanted)).all()
