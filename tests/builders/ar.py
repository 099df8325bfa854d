"""Writes ar archives, with long names as GNU or as BSD writes them."""

from __future__ import annotations


def archive(members: list[tuple[str, bytes]], *, style: str = "gnu") -> bytes:
    """An archive of (name, bytes)."""
    out = b"!<arch>\n"
    table = b"".join(name.encode() + b"/\n" for name, _ in members if len(name) > 15)
    if style == "gnu":
        out += _member("/", b"\0\0\0\0")
        if table:
            out += _member("//", table)
    else:
        out += _member("#1/20", b"__.SYMDEF SORTED\0\0\0\0" + bytes(8))
    for name, data in members:
        if style == "bsd":
            out += _member(f"#1/{len(name)}", name.encode() + data)
        elif len(name) > 15:
            out += _member(f"/{table.index(name.encode())}", data)
        else:
            out += _member(name + "/", data)
    return out


def _member(name: str, data: bytes) -> bytes:
    head = f"{name:<16}{0:<12}{0:<6}{0:<6}{'100644':<8}{len(data):<10}`\n".encode()
    return head + data + b"\n" * (len(data) % 2)
