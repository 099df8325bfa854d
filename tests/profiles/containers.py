"""A recording with a bit of everything, to be put into containers, and what must be read from each."""

from __future__ import annotations

from goinspect.profiles.perfdata import parse, read
from tests.builders import perfdata as pd
from tests.builders.perfdata import Event, PerfData, Sample
from tests.profiles.frames import KERNEL_IP, rows

EVENTS = [
    Event("cycles", type=0, sample_type=pd.PLAIN | pd.IDENTIFIER | pd.CPU, ids=(1, 2)),
    Event("faults", config=2, sample_type=pd.PLAIN | pd.IDENTIFIER | pd.READ, read_format=0xC, ids=(3,)),
]


def recording(order: str = "little", samples: int = 20) -> PerfData:
    data = PerfData(EVENTS, order)
    data.features = {2: data.build_id_entry("/bin/prog", b"\1" * 20), 3: data.text("host"), 6: data.text("x")}
    data.mmap(-1, 0xFFFFFFFF81000000, 0x1000000, 0, "[kernel.kallsyms]_text", misc=pd.KERNEL)
    data.comm(10, 10, "prog", 5, exec=True).mmap2(10, 0x400000, 0x10000, 0, "/bin/prog", 6)
    for number in range(samples):
        stack = (pd.MARK_KERNEL, KERNEL_IP, pd.MARK_USER, 0x401000 + 16 * number, 0x402000)
        data.sample(Sample(time=100_000 - 3 * number, chain=stack, id=1 + number % 2, period=number))
    data.sample(Sample(time=200_000, event=1, group=(4, 5), chain=(pd.MARK_USER, 0x401000)))
    return data.trailed(pd.LOST, 0, data.pack("QQ", 1, 40), 250_000)


def parsed(raw: bytes):
    return parse([raw], "stdin")


def same(profile, data: PerfData, tmp_path, *, warnings: tuple[str, ...] = ()) -> None:
    """The profile is that of the plain file."""
    path = tmp_path / "plain.data"
    path.write_bytes(data.build())
    plain = read(path)
    assert rows(profile) == rows(plain)
    assert profile.events == plain.events
    assert profile.event.tolist() == plain.event.tolist()
    assert profile.metadata == plain.metadata
    assert profile.mappings == plain.mappings
    assert profile.totals.lost == plain.totals.lost == 40
    assert profile.warnings == warnings


def whole_records(data: bytes, order: str) -> list[bytes]:
    found, at = [], 0
    while at < len(data):
        size = int.from_bytes(data[at + 6 : at + 8], order)
        found.append(data[at : at + size])
        at += size
    return found
