"""Untrusted text and readable numbers."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from goinspect.render.values import escape_terminal, human_bytes, human_weight


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b]0;x\x07", "\\x1b]0;x\\x07"),
        ("a\nb\tc\rd", "a\\x0ab\\x09c\\x0dd"),
        ("\x9b31m", "\\x9b31m"),
        ("\x7f", "\\x7f"),
        ("a\u202eb\u2066c", "a\\u202eb\\u2066c"),
        ("\u2028\u2029\u200f\u061c", "\\u2028\\u2029\\u200f\\u061c"),
        ("\udc80", "\\udc80"),
        ("type:.eq.struct { a·b int }", "type:.eq.struct { a·b int }"),
        ("main.Größe[go.shape.int]", "main.Größe[go.shape.int]"),
        ("", ""),
    ],
)
def test_escape(text, shown):
    assert escape_terminal(text) == shown


@given(st.text(st.characters(exclude_categories=())))
def test_what_is_escaped_cannot_act(text):
    shown = escape_terminal(text)
    assert not any(unicodedata.category(char) in ("Cc", "Cs", "Zl", "Zp") for char in shown)
    assert not any(unicodedata.bidirectional(char) in ("RLO", "LRO", "RLE", "LRE", "PDF", "RLI", "LRI", "FSI", "PDI")
                   for char in shown)  # fmt: skip
    assert escape_terminal(shown) == shown
    shown.encode()


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (0, "ns", "0"),
        (999, "ns", "999 ns"),
        (1500, "ns", "1.50 µs"),
        (12_340, "ns", "12.3 µs"),
        (1_001_001, "ns", "1.00 ms"),
        (456_000_000, "ns", "456 ms"),
        (1_234_000_000, "ns", "1.23 s"),
        (12_345_678_901, "ns", "12.3 s"),
        (4_321_000_000_000, "ns", "4,321 s"),
        (12345, "samples", "12,345 samples"),
        (1, "samples", "1 sample"),
        (1, "wombats", "1 wombats"),
        (250, "thousandths of samples", "0.25 samples"),
        (1_234_500, "thousandths of samples", "1,234.5 samples"),
        (12_062_500, "millionths of wombats", "12.063 wombats"),
        (3_000_000_000, "billionths of bytes", "3 bytes"),
        (3, "billionths of bytes", "<0.001 bytes"),
        (0, "billionths of bytes", "0 bytes"),
        (1234567, "count", "1,234,567"),
        (1234567, "bytes", "1.2 MB"),
        (7, "bytes", "7 B"),
    ],
)
def test_weights_read_as_people_say_them(value, unit, text):
    assert human_weight(value, unit) == text


def test_sizes_stay_below_a_thousand_of_their_unit():
    assert [human_bytes(n) for n in (999, 1050, 999_949, 999_950, 1_250_000, 999_949_999, 999_950_000, 10**13)] == [
        "999 B", "1.1 kB", "999.9 kB", "1.0 MB", "1.3 MB", "999.9 MB", "1.0 GB", "10,000.0 GB",
    ]  # fmt: skip


def test_sizes_and_counts():
    assert [human_bytes(n) for n in (0, 999, 1000, 1_234_567, 5 * 10**9)] == [
        "0 B",
        "999 B",
        "1.0 kB",
        "1.2 MB",
        "5.0 GB",
    ]
