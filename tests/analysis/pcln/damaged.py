"""What the commands answer about a damaged file, and how to damage one: for the tests of symbols, info and compare."""

from __future__ import annotations

import struct
import time

from goinspect.analysis.builds.compare import compare
from goinspect.analysis.builds.overview import describe
from goinspect.analysis.symbols.listing import SymbolQuery, list_symbols
from goinspect.analysis.symbols.sizes import size_stacks, sum_sizes
from goinspect.binary import Binary
from goinspect.render import symbolfolded
from goinspect.render.json import compare as comparejson
from goinspect.render.json import symbols as symboljson
from goinspect.render.text import compare as comparetext
from goinspect.render.text import info as infotext
from goinspect.render.text import symbols as symboltext
from goinspect.results.info import InfoReport
from tests.builders.rich import write_rich

VERSION = (1, 24)
SOUND = write_rich(VERSION)
TEXT = 0x401000
MOST_WARNINGS = 8
SECONDS = 10
FIELDS = {
    "type": (4, "I"),
    "flags": (8, "Q"),
    "addr": (16, "Q"),
    "offset": (24, "Q"),
    "size": (32, "Q"),
    "link": (40, "I"),
}
EDGES = (0, 1, 2, 0x7F, 0xFF, 0xFFFF, 1 << 31, (1 << 32) - 1, 1 << 40, 1 << 63, (1 << 64) - 1)


class Answers:
    """What the commands answer about a file, in the time that is allowed."""

    def __init__(self, folder, data):
        path = folder / "damaged"
        path.write_bytes(data)
        begin = time.process_time()
        self.symbols = list_symbols(Binary(path))
        self.groups = sum_sizes(self.symbols, "package")
        self.info = describe(Binary(path))
        self.comparison = compare([Binary(folder / "sound"), Binary(path)])
        listing = list_symbols(Binary(path), SymbolQuery(as_nm=True))
        symboltext.render_nm(listing)
        symboltext.render_table(self.symbols)
        symboljson.render(self.symbols)
        symboltext.render_groups(self.groups)
        symbolfolded.render_folded(size_stacks(self.symbols))
        infotext.render_text(InfoReport((self.info,)), deps=True, verbose=True)
        for symbols in (False, True):
            comparetext.render_text(self.comparison, symbols=symbols)
        comparetext.render_markdown(self.comparison)
        comparejson.render(self.comparison)
        assert time.process_time() - begin < SECONDS
        self.said = (*self.symbols.warnings, *self.info.warnings)
        for told in (self.symbols.warnings, self.info.warnings, listing.warnings):
            assert len(told) <= MOST_WARNINGS
            assert len(set(told)) == len(told)
            assert all(len(text) < 400 for text in told)

    def names(self, source=None):
        return {row.name for row in self.symbols.rows if source is None or source in row.sources}

    @property
    def bytes(self):
        return sum(row.size for row in self.groups.rows)


def header_of(data, name):
    """Offset of the section header."""
    shoff, count, strndx = struct.unpack_from("<Q", data, 40)[0], *struct.unpack_from("<2H", data, 60)
    strings = struct.unpack_from("<Q", data, shoff + 64 * strndx + 24)[0]
    for number in range(count):
        at = strings + struct.unpack_from("<I", data, shoff + 64 * number)[0]
        if data[at : data.index(b"\0", at)].decode() == name:
            return shoff + 64 * number
    raise KeyError(name)


def changed(name, data=SOUND, **fields):
    """The file with other numbers in the header of a section."""
    out = bytearray(data)
    for field, value in fields.items():
        at, letter = FIELDS[field]
        struct.pack_into(f"<{letter}", out, header_of(data, name) + at, value)
    return bytes(out)
