"""What each format says all stacks weigh together, read as its documentation says."""

from __future__ import annotations

import base64
import gzip
import json
import re
import struct
import zlib
from decimal import Decimal

from tests.builders.protobuf import fields, packed, read_profile

__all__ = ["TOTALS", "read_report"]


def read_report(page: str) -> tuple[dict, dict[str, list]]:
    """The line of JSON and the columns of a report, as its documentation says."""
    packed = re.search(r'id="data">([A-Za-z0-9+/=]*)</script>', page)
    line, _, rest = zlib.decompress(base64.b64decode(packed[1])).partition(b"\n")
    head, columns, at = json.loads(line), {}, 0
    for name, kind, length in head["columns"]:
        form = f"<{length}{ {'u1': 'B', 'u2': 'H', 'u4': 'I', 'f8': 'd'}[kind] }"
        columns[name] = list(struct.unpack_from(form, rest, at))
        at += struct.calcsize(form)
    assert at == len(rest)
    return head, columns


def _folded(data: bytes, _unit: str) -> Decimal:
    return sum((Decimal(line.rpartition(" ")[2]) for line in data.decode().splitlines()), Decimal(0))


def _json(data: bytes, _unit: str) -> Decimal:
    return Decimal(sum(json.loads(data)["stacks"]["prefix"]["weight"]))


def _pprof(data: bytes, _unit: str) -> Decimal:
    return Decimal(read_profile(data).totals()[-1])


def _otlp(data: bytes, _unit: str) -> Decimal:
    """The values of all samples of ProfilesData, by the field numbers of opentelemetry-proto."""
    (resource,) = fields(data)[1]
    (scope,) = fields(resource)[2]
    (profile,) = fields(scope)[2]
    samples = fields(profile).get(2, [])
    return Decimal(sum(sum(packed(fields(sample)[4][0])) for sample in samples))


def _speedscope(data: bytes, _unit: str) -> Decimal:
    profiles = json.loads(data, parse_float=Decimal, parse_int=Decimal)["profiles"]
    for profile in profiles:
        assert profile["endValue"] == sum(profile["weights"])
    return sum((weight for profile in profiles for weight in profile["weights"]), Decimal(0))


def _firefox(data: bytes, unit: str) -> Decimal:
    threads = json.loads(gzip.decompress(data), parse_float=Decimal, parse_int=Decimal)["threads"]
    total = sum((weight for thread in threads for weight in thread["samples"]["weight"]), Decimal(0))
    return total * 1_000_000 if unit == "ns" else total


def _cpuprofile(data: bytes, unit: str) -> Decimal:
    document = json.loads(data, parse_float=Decimal, parse_int=Decimal)
    total = sum(document["timeDeltas"], Decimal(0))
    assert total == document["endTime"]
    return total * 1000 if unit == "ns" else total


def _html(data: bytes, _unit: str) -> Decimal:
    head, column = read_report(data.decode())
    return Decimal(sum(int(weight) for weight in column["weight"]) * head["scale"])


TOTALS = {
    "html": _html, "folded": _folded, "collapsed": _folded, "json": _json, "pprof": _pprof, "otlp": _otlp, "speedscope": _speedscope,
    "firefox": _firefox, "cpuprofile": _cpuprofile,
}  # fmt: skip
