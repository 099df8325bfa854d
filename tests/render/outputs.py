"""What each format says all stacks weigh together, read as its documentation says."""

from __future__ import annotations

import gzip
import json
from decimal import Decimal

from tests.builders.protobuf import fields, packed, read_profile

__all__ = ["TOTALS"]


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


TOTALS = {
    "folded": _folded, "collapsed": _folded, "json": _json, "pprof": _pprof, "otlp": _otlp, "speedscope": _speedscope,
    "firefox": _firefox, "cpuprofile": _cpuprofile,
}  # fmt: skip
