"""Which instructions of the hottest functions are taken."""

from __future__ import annotations

from goinspect.analysis.annotate import hottest
from goinspect.analysis.annotate.hottest import _near


def test_what_is_near_to_the_hottest_instructions(monkeypatch) -> None:
    monkeypatch.setattr(hottest, "_AROUND", 10)
    monkeypatch.setattr(hottest, "_LONG", 100)
    assert _near([]) == ()
    assert _near([50]) == ((40, 60),)
    assert _near([50, 55, 70]) == ((40, 80),)  # ranges that touch are one
    assert _near([500, 50, 85, 70]) == ((40, 95), (490, 510))  # one that joins two
    assert _near([100, 200, 300, 400, 500, 600]) == tuple((at - 10, at + 10) for at in range(100, 600, 100))
    assert _near([500, 100, 300, 200, 600, 400]) == (
        (90, 110),
        (190, 210),
        (290, 310),
        (490, 510),
        (590, 610),
    )
