"""Symbols: what a binary names, merged from every table that it has."""

from __future__ import annotations

from typing import TYPE_CHECKING, overload

from goinspect.analysis.symbols.listing import SymbolQuery

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from goinspect.api.flame import Flame
    from goinspect.binary import Binary
    from goinspect.results.symbols import SizeGroups, SizeStacks, SymbolList, SymbolRow, SymbolRows

__all__ = ["SymbolQuery", "Symbols"]


class Symbols:
    """Symbols of a binary, merged from every table that it has."""

    def __init__(self, listed: SymbolList) -> None:
        self.listed = listed

    @classmethod
    def of(cls, binary: Binary, query: SymbolQuery) -> Symbols:
        """Those that `query` asks for. Raises QueryError where its pattern is no regular expression."""
        from goinspect.analysis.symbols.listing import list_symbols

        return cls(list_symbols(binary, query))

    @property
    def rows(self) -> SymbolRows:
        """The symbols in columns."""
        return self.listed.rows

    @property
    def warnings(self) -> tuple[str, ...]:
        """What is uncertain, or could not be read."""
        return self.listed.warnings

    def sums(self, by: str = "package", *, sort: str = "size", limit: int | None = None) -> SizeGroups:
        """Their sizes summed by "package", "module", "section" or "kind"."""
        from goinspect.analysis.symbols.sizes import sum_sizes

        return sum_sizes(self.listed, by, sort=sort, limit=limit)

    def stacks(self) -> SizeStacks:
        """Where their bytes are, as stacks of package, type and symbol, for a flame graph of sizes."""
        from goinspect.analysis.symbols.sizes import size_stacks

        return size_stacks(self.listed)

    def flame(self) -> Flame:
        """The same to look at: `Flame.save` writes it as a picture or as a report with a treemap."""
        from goinspect.analysis.stacks.fold import fold
        from goinspect.analysis.symbols.sizes import named_sizes
        from goinspect.api.flame import Flame, FlameOptions
        from goinspect.results.annotate import Details

        stacks = self.stacks()
        profile = fold(named_sizes(stacks), FlameOptions())
        return Flame(profile._replace(details=Details(modules=stacks.modules)), path=self.listed.binary)

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[SymbolRow]:
        return (self.rows[number] for number in range(len(self.rows)))

    @overload
    def __getitem__(self, which: int) -> SymbolRow: ...
    @overload
    def __getitem__(self, which: slice) -> tuple[SymbolRow, ...]: ...
    def __getitem__(self, which: int | slice) -> SymbolRow | tuple[SymbolRow, ...]:
        return self.rows[which]

    def to_pandas(self) -> Any:
        """A pandas.DataFrame with a column for each field (extra ``goinspect[pandas]``).

        Raises:
            ModuleNotFoundError: pandas is not installed.
        """
        import pandas as pd

        return pd.DataFrame([row._asdict() for row in self])

    def __repr__(self) -> str:
        return f"<{len(self):,} symbols>"
