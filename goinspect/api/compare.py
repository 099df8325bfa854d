"""Comparison of builds, and the conditions that one may have to meet."""

from __future__ import annotations

from goinspect.analysis.builds.compare import Condition, compare, parse_condition

__all__ = ["Condition", "compare", "parse_condition"]
