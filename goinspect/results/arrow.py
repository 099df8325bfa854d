"""Stacks as an Arrow record batch and back, without a copy of a column (extra ``goinspect[arrow]``).

| column | type |
|---|---|
| stack | large_list<dictionary<int32, struct<name, kind, package, inlined, file, line, start_line, restored>>>, root first |
| samples | int64 |
| weight:NAME | uint64; the first is the one that is shown |
| label:NAME | dictionary<int32, string>; null: none |

The schema's metadata has the units of weights (``unit:NAME``) and the label whose value stands above each stack (``root``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from goinspect.results.stacks import Label, StackFrame, Stacks, Weight

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["from_arrow", "to_arrow"]


def to_arrow(stacks: Stacks) -> Any:
    """A pyarrow.RecordBatch whose numbers are those of `stacks`, in the same memory.

    Raises:
        ModuleNotFoundError: pyarrow is not installed.
    """
    import pyarrow as pa

    struct = pa.struct(
        [(name, pa.bool_() if name in ("inlined", "restored", "wrapper") else pa.int32() if "line" in name else pa.string())
         for name in StackFrame._fields]
    )  # fmt: skip
    frames = pa.array([frame._asdict() for frame in stacks.frames], type=struct)
    columns = {
        "stack": pa.LargeListArray.from_arrays(
            _numbers(pa, stacks.start), pa.DictionaryArray.from_arrays(_numbers(pa, stacks.frame), frames)
        ),
        "samples": _numbers(pa, stacks.samples),
    }
    columns |= {f"weight:{weight.name}": _numbers(pa, weight.values) for weight in stacks.weights}
    for name, label in stacks.labels.items():
        absent = np.flatnonzero(label.row < 0)
        rows = _numbers(pa, label.row) if not len(absent) else pa.array(label.row, mask=label.row < 0)
        columns[f"label:{name}"] = pa.DictionaryArray.from_arrays(
            rows, pa.array(label.values, type=pa.string())
        )
    metadata = {f"unit:{weight.name}": weight.unit for weight in stacks.weights} | {"root": stacks.root}
    schema = pa.schema([(name, column.type) for name, column in columns.items()], metadata=metadata)
    return pa.RecordBatch.from_arrays(list(columns.values()), schema=schema)


def from_arrow(batch: Any) -> Stacks:
    """The stacks of a batch that `to_arrow` made, in its memory.

    Raises:
        KeyError: it lacks one of the columns.
    """
    metadata = {key.decode(): value.decode() for key, value in (batch.schema.metadata or {}).items()}
    stack = batch.column("stack")
    frames = tuple(StackFrame(**row) for row in stack.values.dictionary.to_pylist())
    weights, labels = [], {}
    for name in batch.schema.names:
        kind, _, of = name.partition(":")
        column = batch.column(name)
        if kind == "weight":
            weights.append(Weight(of, metadata.get(f"unit:{of}", ""), column.to_numpy()))
        elif kind == "label":
            rows = column.indices
            row = rows.fill_null(-1) if rows.null_count else rows
            labels[of] = Label(tuple(column.dictionary.to_pylist()), row.to_numpy())
    return Stacks(
        frames=frames,
        start=stack.offsets.to_numpy(),
        frame=stack.values.indices.to_numpy(),
        samples=batch.column("samples").to_numpy(),
        weights=tuple(weights),
        labels=labels,
        root=metadata.get("root", ""),
    )


def _numbers(pa: Any, column: NDArray[Any]) -> Any:
    """The column as Arrow sees it: the same memory."""
    column = np.ascontiguousarray(column)
    return pa.Array.from_buffers(pa.from_numpy_dtype(column.dtype), len(column), [None, pa.py_buffer(column)])
