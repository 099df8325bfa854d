"""Kinds of frames that are Go's."""

from __future__ import annotations

from goinspect.model import FrameKind

__all__ = ["GO"]

GO = frozenset((FrameKind.USER, FrameKind.STDLIB, FrameKind.TOOLCHAIN, FrameKind.RUNTIME, FrameKind.GC))
