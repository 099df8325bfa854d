"""Writes perf.data files (file mode) byte by byte, in either byte order.

Layout as in tools/perf/Documentation/perf.data-file-format.txt and include/uapi/linux/perf_event.h. Independent of the
reader: nothing of goinspect is imported.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field

IP, TID, TIME, ADDR, READ, CALLCHAIN, ID, CPU, PERIOD, STREAM_ID, RAW, BRANCH_STACK, REGS_USER, STACK_USER = (
    1 << bit for bit in range(14)
)
IDENTIFIER = 1 << 16
KERNEL, USER, HYPERVISOR, GUEST_KERNEL, GUEST_USER = 1, 2, 3, 4, 5
MARK_HV, MARK_KERNEL, MARK_USER, MARK_USER_DEFERRED, MARK_GUEST = (
    2**64 - n for n in (32, 128, 512, 640, 2048)
)
FREQ, SAMPLE_ID_ALL = 1 << 10, 1 << 18
MMAP, LOST, COMM, EXIT, THROTTLE, FORK, SAMPLE, MMAP2, LOST_SAMPLES = 1, 2, 3, 4, 5, 7, 9, 10, 13
FINISHED_ROUND, AUXTRACE, EVENT_UPDATE, COMPRESSED = 68, 71, 78, 81
GROUPED = 1 << 3
PLAIN = IP | TID | TIME | CALLCHAIN | PERIOD


@dataclass
class Event:
    name: str = "cpu-clock"
    type: int = 1
    config: int = 0
    sample_type: int = PLAIN
    read_format: int = 0
    period: int = 999
    flags: int = FREQ | SAMPLE_ID_ALL
    ids: tuple[int, ...] = ()
    size: int = 128
    max_stack: int = 0
    branch: int = 0  # branch_sample_type
    registers: int = 0  # sample_regs_user
    stack: int = 0  # sample_stack_user


@dataclass
class Sample:
    ip: int = 0x401000
    pid: int = 10
    tid: int = 10
    time: int = 1000
    chain: tuple[int, ...] = ()
    period: int = 1
    cpu: int = 0
    id: int = 0
    mode: int = USER
    event: int = 0
    group: tuple[int, ...] = ()  # values of PERF_FORMAT_GROUP
    tail: bytes = b""


@dataclass
class PerfData:
    events: list[Event] = field(default_factory=lambda: [Event()])
    order: str = "little"
    magic: bytes = b""
    describe: bool = True  # write EVENT_DESC
    features: dict[int, bytes] = field(default_factory=dict)
    data: bytearray = field(default_factory=bytearray)

    def pack(self, code: str, *values: int) -> bytes:
        return struct.pack(("<" if self.order == "little" else ">") + code, *values)

    # records

    def record(self, kind: int, misc: int, body: bytes) -> PerfData:
        body += bytes(-len(body) % 8)
        self.data += self.pack("IHH", kind, misc, len(body) + 8) + body
        return self

    def trailed(
        self, kind: int, misc: int, body: bytes, time: int, *, event: int = 0, tid: int = 0
    ) -> PerfData:
        return self.record(kind, misc, body + bytes(-len(body) % 8) + self._trailer(event, time, tid))

    def _trailer(self, number: int, time: int, tid: int) -> bytes:
        event = self.events[number]
        if not event.flags & SAMPLE_ID_ALL:
            return b""
        first_id = event.ids[0] if event.ids else 0
        fields = (
            (TID, self.pack("II", tid, tid)),
            (TIME, self.pack("Q", time)),
            (ID, self.pack("Q", first_id)),
            (STREAM_ID, self.pack("Q", 77)),
            (CPU, self.pack("II", 3, 0)),
            (IDENTIFIER, self.pack("Q", first_id)),
        )
        return b"".join(raw for bit, raw in fields if event.sample_type & bit)

    def mmap(
        self, pid: int, start: int, size: int, pgoff: int, path: str, time: int = 0, misc: int = USER
    ) -> PerfData:
        body = self.pack("iIQQQ", pid, max(pid, 0), start, size, pgoff) + path.encode() + b"\0"
        return self.trailed(MMAP, misc, body, time)

    def mmap2(
        self,
        pid: int,
        start: int,
        size: int,
        pgoff: int,
        path: str,
        time: int = 0,
        misc: int = USER,
        build_id: bytes = b"",
    ) -> PerfData:
        if build_id:
            identity = bytes([len(build_id), 0, 0, 0]) + build_id.ljust(20, b"\0")
            misc |= 1 << 14
        else:
            identity = self.pack("IIQQ", 8, 1, 1234, 0)
        body = self.pack("iIQQQ", pid, max(pid, 0), start, size, pgoff) + identity + self.pack("II", 5, 2)
        return self.trailed(MMAP2, misc, body + path.encode() + b"\0", time)

    def comm(self, pid: int, tid: int, name: str, time: int = 0, *, exec: bool = False) -> PerfData:
        body = self.pack("II", pid, tid) + name.encode() + b"\0"
        return self.trailed(COMM, USER | (exec << 13), body, time)

    def fork(
        self, pid: int, parent: int, tid: int, parent_tid: int, time: int, *, kind: int = FORK
    ) -> PerfData:
        return self.trailed(kind, 0, self.pack("IIIIQ", pid, parent, tid, parent_tid, time), time)

    def exit(self, pid: int, tid: int, time: int) -> PerfData:
        return self.fork(pid, pid, tid, tid, time, kind=EXIT)

    def sample(self, sample: Sample) -> PerfData:
        return self.record(SAMPLE, sample.mode, self.sample_body(sample))

    def sample_body(self, sample: Sample) -> bytes:
        event = self.events[sample.event]
        identity = sample.id or (event.ids[0] if event.ids else 0)
        fields = (
            (IDENTIFIER, self.pack("Q", identity)),
            (IP, self.pack("Q", sample.ip)),
            (TID, self.pack("ii", sample.pid, sample.tid)),
            (TIME, self.pack("Q", sample.time)),
            (ADDR, self.pack("Q", 0xADD)),
            (ID, self.pack("Q", identity)),
            (STREAM_ID, self.pack("Q", 0x57)),
            (CPU, self.pack("II", sample.cpu, 0xFFFF_FFFF)),
            (PERIOD, self.pack("Q", sample.period)),
            (READ, self._read(event.read_format, sample.group)),
            (CALLCHAIN, self.pack(f"{1 + len(sample.chain)}Q", len(sample.chain), *sample.chain)),
        )
        return b"".join(raw for bit, raw in fields if event.sample_type & bit) + sample.tail

    def _read(self, read_format: int, group: tuple[int, ...]) -> bytes:
        times = (read_format & 3).bit_count()
        extras = (read_format & (4 | 16)).bit_count()
        if not read_format & GROUPED:
            return self.pack(f"{1 + times + extras}Q", 0xC0, *range(times + extras))
        values = [item for value in group for item in (value, *range(extras))]
        return self.pack(f"{1 + times + len(values)}Q", len(group), *range(times), *values)

    # the file

    def text(self, value: str) -> bytes:
        raw = value.encode() + b"\0"
        raw += bytes(-len(raw) % 64)
        return self.pack("I", len(raw)) + raw

    def build_id_entry(self, path: str, build_id: bytes, *, sized: bool = True, misc: int = USER) -> bytes:
        name = path.encode() + bytes(8 - len(path) % 8)
        identity = build_id.ljust(20, b"\0") + bytes([len(build_id) if sized else 0, 0, 0, 0])
        return self.pack("IHHi", 0, misc | sized << 15, 36 + len(name), -1) + identity + name

    def attr(self, event: Event) -> bytes:
        flags = event.flags if self.order == "little" else int(f"{event.flags:064b}"[::-1], 2)
        raw = self.pack("IIQQQQQ", event.type, event.size, event.config, event.period, event.sample_type,
                        event.read_format, flags)  # fmt: skip
        raw += bytes(24) + self.pack("QQI", event.branch, event.registers, event.stack) + bytes(16)
        raw += self.pack("HH", event.max_stack, 0)
        return raw.ljust(event.size, b"\xee")[: event.size]

    def event_desc(self) -> bytes:
        body = self.pack("II", len(self.events), self.events[0].size)
        for event in self.events:
            body += self.attr(event) + self.pack("I", len(event.ids)) + self.text(event.name)
            body += self.pack(f"{len(event.ids)}Q", *event.ids)
        return body

    def build(self, *, data_size: int | None = None, header_size: int = 104) -> bytes:
        entry = max(event.size for event in self.events) + 16
        ids_at, ids = header_size, b""
        attrs = b""
        for event in self.events:
            part = self.pack("QQ", ids_at + len(ids), 8 * len(event.ids))
            attrs += self.attr(event).ljust(entry - 16, b"\0") + part
            ids += self.pack(f"{len(event.ids)}Q", *event.ids)
        attrs_at = ids_at + len(ids)
        data_at = attrs_at + len(attrs)
        features = dict(self.features)
        if self.describe:
            features.setdefault(12, self.event_desc())
        words = [sum(1 << bit - 64 * word for bit in features if bit // 64 == word) for word in range(4)]
        magic = self.magic or (b"PERFILE2" if self.order == "little" else b"2ELIFREP")
        size = len(self.data) if data_size is None else data_size
        header = magic + self.pack(
            "QQQQQQQQ4Q", header_size, entry, attrs_at, len(attrs), data_at, size, 0, 0, *words
        )
        sections, payload = b"", b""
        payload_at = data_at + len(self.data) + 16 * len(features)
        for bit in sorted(features):
            sections += self.pack("QQ", payload_at + len(payload), len(features[bit]))
            payload += features[bit]
        return header.ljust(header_size, b"\0") + ids + attrs + bytes(self.data) + sections + payload
