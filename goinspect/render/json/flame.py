"""Results as JSON: one object, addresses as "0x…" strings, unknown as null, ``warnings`` always there."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from goinspect.render.outputs import DrawOptions
    from goinspect.results.flame import FlameProfile
    from goinspect.results.stacks import Stacks

__all__ = ["render"]


def _document(schema: str, *parts: dict[str, Any], warnings: tuple[str, ...]) -> str:
    merged: dict[str, Any] = {"schema": schema}
    for part in parts:
        merged |= part
    return json.dumps(merged | {"warnings": list(warnings)}, indent=1) + "\n"


def render(profile: FlameProfile, _options: DrawOptions | None = None) -> str:
    """`goinspect flame --format json`: stacks as a prefix table.

    ``frames`` are columns over ``strings``; ``restored`` ones were deduced from the machine code, the recorder passed over
    them; row i of ``prefix`` continues the stack of row ``parent[i]`` (-1: the
    bottom) by frame ``frame[i]``; ``weight[i]`` and ``samples[i]`` belong to samples that end there. Of two profiles
    these are those of the second one, ``base[i]`` is the weight of the first, as it was recorded, and ``difference`` says more.
    """
    from goinspect.render.difference.facts import difference_json

    strings: dict[str, int] = {}

    def text(value: str) -> int:
        return strings.setdefault(value, len(strings))

    frames, roots = profile.stacks.rooted()
    columns = {
        "name": [text(f.name) for f in frames], "kind": [text(f.kind) for f in frames],
        "package": [text(f.package) for f in frames], "inlined": [f.inlined for f in frames],
        "restored": [f.restored for f in frames],
        "location": [text(f.location) if f.location else None for f in frames],
    }  # fmt: skip
    totals = profile.totals
    body = {
        "events": [event._asdict() for event in profile.events],
        "event": profile.event,
        "unit": profile.unit,
        "totals": totals._asdict(),
        "stacks": {
            "strings": list(strings),
            "frames": columns,
            "prefix": _prefixes(profile.stacks, roots.tolist()),
        },
        "missing": list(profile.missing),
        "refused": list(profile.refused),
        "metadata": dict(profile.metadata),
    }
    if profile.difference is not None:
        body["difference"] = difference_json(profile.difference)
    return _document(profile.schema, body, warnings=profile.warnings)


def _prefixes(stacks: Stacks, roots: list[int]) -> dict[str, list[int]]:
    rows: dict[tuple[int, int], int] = {}
    weight: dict[int, int] = {}
    samples: dict[int, int] = {}
    base: dict[int, int] = {}
    starts, flat = stacks.start.tolist(), stacks.frame.tolist()
    weights, counts = stacks.weight.tolist(), stacks.samples.tolist()
    before = stacks.weights[1].values.tolist() if stacks.two_sided else []
    for i, root in enumerate(roots):
        row = -1
        for frame in ([root] if root >= 0 else []) + flat[starts[i] : starts[i + 1]]:
            row = rows.setdefault((row, frame), len(rows))
        if row >= 0:
            weight[row] = weight.get(row, 0) + weights[i]
            samples[row] = samples.get(row, 0) + counts[i]
            base[row] = base.get(row, 0) + (before[i] if before else 0)
    columns = {
        "parent": [parent for parent, _ in rows],
        "frame": [frame for _, frame in rows],
        "weight": [weight.get(i, 0) for i in range(len(rows))],
        "samples": [samples.get(i, 0) for i in range(len(rows))],
    }
    if before:
        columns["base"] = [base.get(i, 0) for i in range(len(rows))]
    return columns
