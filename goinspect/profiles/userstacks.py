"""UserStacks: registers and copies of stacks that were recorded in place of user call chains."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from goinspect.maps import AddressSpaces
    from goinspect.profiles.perfdata.container.source import Words

__all__ = ["UserStacks"]


@dataclass(frozen=True, slots=True)
class UserStacks:
    """The samples that have a copy of their user stack, one row each, in the order of the samples.

    The copy is ``size`` bytes from the word ``first`` of ``words`` on; its first byte was at the address ``sp``.
    ``space`` is the address space for ``spaces.resolve``. Registers that were not recorded are 0.
    """

    arch: str  # as GOARCH
    spaces: AddressSpaces
    words: Words
    row: NDArray[np.int64]  # of the sample in the Profile
    space: NDArray[np.int32]
    pc: NDArray[np.uint64]
    sp: NDArray[np.uint64]
    fp: NDArray[np.uint64]
    lr: NDArray[np.uint64]
    first: NDArray[np.int64]
    size: NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.row)
