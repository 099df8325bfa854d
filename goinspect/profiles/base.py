"""What profile readers yield: `Profile` from formats that record addresses, `NamedStacks` from those that hold names.

Columns of integers; nothing is symbolised here. Addresses are normalised to *locations* (mapping + file offset) and
never to names, so that symbolization can work on each distinct location once and folding can work on small integers.
Where a format holds both, a location carries the name it was printed with, for whoever finds no better one.
Where it is not known where a file was mapped, its mapping is `UNPLACED` or `UNPLACED_ADDRESS`, and the ``file_offset``
of a location is the number that was printed.
In `NamedStacks` a distinct name stands where a location would.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from goinspect.model import Mapping
    from goinspect.profiles.userstacks import UserStacks
    from goinspect.results.places import ProfileFacts
    from goinspect.results.stacks import Label

__all__ = [
    "KIND_GUEST",
    "KIND_HYPERVISOR",
    "KIND_KERNEL",
    "KIND_USER",
    "UNPLACED",
    "UNPLACED_ADDRESS",
    "Event",
    "Locations",
    "NamedStacks",
    "Place",
    "Profile",
    "SampleLabels",
    "Switches",
    "Totals",
    "Values",
]

# (start, end) of mappings that no recording told.
UNPLACED = (0, 0)  # addresses were printed as file offsets or as they were at run time
UNPLACED_ADDRESS = (1, 0)  # as they were at run time
KIND_USER = 0
KIND_KERNEL = 1
KIND_HYPERVISOR = 2
KIND_GUEST = 3


@dataclass(frozen=True, slots=True)
class Event:
    """A recorded event. ``unit`` is what one unit of a sample's weight is: "ns" for clocks, else "count"."""

    name: str
    unit: str
    period: int | None = None  # weight of every sample where samples do not carry one


@dataclass(frozen=True, slots=True)
class Locations:
    """The distinct places of a profile; row i is location i.

    ``runtime_addr`` and ``file_offset`` are *lookup* positions: 1 already subtracted for return addresses, so a
    location made from a return address and one made from an exact PC may differ by one byte on purpose.
    """

    # Row in Profile.mappings; -1: no mapping covers the address, below: one without a name (ProfileFacts.nameless).
    mapping: NDArray[np.int32]
    file_offset: NDArray[np.uint64]  # 0 where there is no mapping
    runtime_addr: NDArray[np.uint64]
    kind: NDArray[np.uint8]  # KIND_*
    exact: NDArray[np.bool_]  # True: the PC itself; False: return address - 1
    name: NDArray[np.int32] | None = None  # row in Profile.names, -1: none; None where a format has no names
    unwound: NDArray[np.bool_] | None = (
        None  # by the sizes of frames: no caller is passed over; None: nowhere
    )
    complete: NDArray[np.bool_] | None = (
        None  # the name is all that can be known: no file is asked; None: nowhere
    )


class Place(NamedTuple):
    """Where in the source a name stands; "" and 0: not known."""

    file: str
    line: int
    start_line: int  # of the function


class SampleLabels(Protocol):
    """What samples are marked with, by keys."""

    @property
    def keys(self) -> tuple[str, ...]:
        """All keys."""

    def column(self, key: str) -> Label | None:
        """The label of each sample; None: no sample has this key."""

    def exact(self, key: str) -> Label | None:
        """The same with `Label.tags`: what reads the same and is not stays apart."""


@dataclass(frozen=True, slots=True)
class Values:
    """Several weights of each sample: of such a profile every event has all samples.

    ``columns`` has a row for each event, negative values included, as differences of profiles have them; ``samples`` is,
    for each event, the row that says how many samples each row stands for, -1: one; ``default`` is the event to show.
    """

    columns: NDArray[np.int64]
    samples: tuple[int, ...]
    default: int


@dataclass(slots=True)
class Totals:
    """What a recording says about itself; counts of samples unless named otherwise."""

    lost: int = 0
    throttled: int = 0  # THROTTLE records
    truncated: int = 0  # stacks cut at the kernel's depth limit
    records: int = 0


@dataclass(frozen=True, slots=True)
class Switches:
    """Context switches in time order: thread ``tid`` stopped running where ``out``, else it went on."""

    time: NDArray[np.uint64]  # ns of the recording's clock
    tid: NDArray[np.int32]
    out: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.time)


@dataclass(frozen=True, slots=True)
class Profile:
    """Samples in time order, one row each. Stacks are slices of ``frames``, leaf first.

    Sample i has the stack ``frames[stack_start[i]:stack_start[i + 1]]``, of indices into ``locations``.
    """

    path: str
    events: tuple[Event, ...]
    event: NDArray[np.uint16]  # row in events
    pid: NDArray[np.int32]  # -1 where not recorded
    tid: NDArray[np.int32]
    cpu: NDArray[np.int32]  # -1 where not recorded
    time: NDArray[np.uint64]  # ns of the recording's clock; 0 where not recorded
    weight: NDArray[np.uint64]  # in the event's unit
    comm: NDArray[np.int32]  # row in comms: the thread's name at the time of the sample
    comms: tuple[str, ...]
    stack_start: NDArray[np.int64]  # n + 1 entries
    frames: NDArray[np.int32]
    truncated: NDArray[np.bool_]  # the stack reached the depth limit, its root is missing
    locations: Locations
    mappings: tuple[Mapping, ...]
    totals: Totals
    metadata: dict[str, str] = field(
        default_factory=dict
    )  # hostname, os_release, arch, cmdline, perf_version
    warnings: tuple[str, ...] = ()
    # What a recorder's own tool called locations: the physical function, then the calls inlined there, outermost first.
    names: tuple[tuple[str, ...], ...] = ()
    user_stacks: UserStacks | None = None  # what callers can be found from where chains lack them
    link: NDArray[np.uint64] | None = (
        None  # link register of each sample, 0 where not recorded; None: of none
    )
    switches: Switches | None = None  # None: not recorded, as the columns below
    cgroup: NDArray[np.int32] | None = None  # row in cgroups, -1 where not known
    cgroups: tuple[str, ...] = ()
    namespace: NDArray[np.int32] | None = None  # row in namespaces
    namespaces: tuple[str, ...] = ()  # mount namespaces as /proc/PID/ns/mnt shows them; "?" where not known
    values: Values | None = None  # in place of one weight; `event` and `weight` are those of the default then
    labels: SampleLabels | None = None
    places: tuple[tuple[Place, ...], ...] = ()  # of each name in `names`; empty where the format tells none
    facts: ProfileFacts | None = None  # of a pprof profile

    def __len__(self) -> int:
        return len(self.event)


@dataclass(frozen=True, slots=True)
class NamedStacks:
    """Stacks of names with weights, one row each, as a file of folded stacks holds them.

    Row i has the stack ``frames[stack_start[i]:stack_start[i + 1]]``, leaf first, of indices into ``names``; no stack
    is empty, and one stack may have several rows. A weight is ``weight[i] / 10**decimals`` of ``unit``.
    """

    path: str
    names: tuple[str, ...]  # as the file spells them, annotations included; untrusted text
    stack_start: NDArray[np.int64]  # n + 1 entries
    frames: NDArray[np.int32]
    weight: NDArray[np.uint64]  # their sum fits in 63 bits
    decimals: int = 0
    unit: str = ""  # "" where the file does not say
    subject: str = ""  # "sizes": the root of a stack is a package, the leaf a symbol; "" for anything else
    warnings: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.weight)
