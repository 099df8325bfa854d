"""Run the whole suite where nobody made it fit: other Pythons, users, locales, time zones, paths, tools and kernels.

    python3 scripts/elsewhere.py              # every place that this machine can have
    python3 scripts/elsewhere.py --list       # the places, and why one cannot be had
    python3 scripts/elsewhere.py oldest       # these only

Each place is a copy of the working tree in a directory of its own, where `scripts/test` makes its own .venv: nothing of
the checkout is touched, and nothing is left. Linux; another user and another kernel need root. A kernel is put in
place by mounting over what tells of it (/sys/kernel/notes, /proc/kallsyms, /proc/modules) in a namespace of its own.
"""

from __future__ import annotations

import argparse
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parent.parent
RECORDED = ROOT / "tests/fixtures/go1.27-piestripped"
# Build IDs of the kernels of all recordings among the fixtures.
RECORDED_KERNELS = (
    "4a5a9b0affb66c437abcd455d2738af879985fa9",
    "e4f18d9dc1d0e6fc2b17e93e885a647b3c0a6fc1",
    "48dc540c8b76393804ca8088dbfa7d42911a9444",
)
NOBODY = 65534
# What other projects' tools could tell; without them the suite has to pass, too.
TOOLS = re.compile(r"perf|go|gofmt|gdb|dlv|bpftrace|llvm-.*|readelf|objdump|nm|addr2line|strip|gcc|cc|chrom.*|google-.*|.*-(readelf|nm|objdump|addr2line|strip|gcc)")  # fmt: skip
DEBIAN = ("python3", "python3-venv", "linux-perf", "binutils", "llvm")
KEPT = ("LANG", "LC_ALL", "http_proxy", "https_proxy", "no_proxy")


@dataclass(frozen=True)
class Place:
    """Where to run, and as whom."""

    name: str
    what: str
    python: str = ""  # a version; "" for the newest one of Debian, in a system of its own
    environment: dict[str, str] = field(default_factory=dict)
    folder: str = "goinspect"
    kernel: str = ""  # recorded or other; "" for the one that runs
    nobody: bool = False
    bare: bool = False  # no tools of other projects


PLACES = (
    Place(
        "oldest",
        "the oldest Python 3.11 there is, not root, umask 077, LC_ALL=C, no other tools, a path with spaces",
        "3.11", {"LC_ALL": "C", "LANG": "C"}, "a path/with  spaces", nobody=True, bare=True,
    ),
    Place(
        "recorded-kernel",
        "Python 3.12, the kernel and the host name of the recordings, at the other end of the time zones, no other tools",
        "3.12", {"TZ": "Pacific/Kiritimati", "COLUMNS": "40"}, kernel="recorded", bare=True,
    ),
    Place(
        "other-kernel",
        "Python 3.13, a kernel that is never the recorded one, at the other end of the time zones, no other tools",
        "3.13", {"TZ": "Pacific/Pago_Pago", "FORCE_COLOR": "1"}, kernel="other", bare=True,
    ),
    Place(
        "newest",
        "Debian unstable with its Python, perf, binutils and LLVM, a kernel that is never the recorded one",
        "", {"LC_ALL": "C.UTF-8"}, "go inspect", kernel="other",
    ),
)  # fmt: skip


def interpreters(version: str) -> Iterator[tuple[str, str]]:
    """(path, patch release) of every Python of `version` here that can make a venv."""
    folders = [Path("/usr/bin"), Path("/usr/local/bin"), *map(Path, os.get_exec_path())]
    folders += sorted(
        (Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv") / "versions").glob(f"{version}.*/bin")
    )
    for path in dict.fromkeys(folder / f"python{version}" for folder in folders):
        say = "import ensurepip, platform, venv; print(platform.python_version())"
        done = (
            subprocess.run([path, "-c", say], capture_output=True, text=True, check=False)
            if path.exists()
            else None
        )
        if done and done.returncode == 0:
            yield str(path), done.stdout.strip()


def find_python(place: Place) -> tuple[str, str]:
    """The oldest one that fits: (path, patch release)."""
    found = list(interpreters(place.python))
    if place.nobody:
        found = [item for item in found if as_nobody([item[0], "-c", ""])]
    if not found:
        raise LookupError(
            f"no Python {place.python} with venv here" + (" that others may run" if place.nobody else "")
        )
    return min(found, key=lambda item: [int(part) for part in re.findall(r"\d+", item[1])])


def as_nobody(command: list[str]) -> bool:
    """Does a command work for another user?"""
    prefix = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
    return subprocess.run([*prefix, *command], capture_output=True, check=False, cwd="/").returncode == 0


def lacking(place: Place) -> str:
    """Why this machine cannot have that place; "" if it can."""
    if sys.platform != "linux":
        return "needs Linux"
    needed = [("unshare", place.kernel), ("setpriv", place.nobody), ("debootstrap", not place.python)]
    missing = [tool for tool, wanted in needed if wanted and not shutil.which(tool)]
    if missing:
        return f"{missing[0]} is not installed"
    if (place.kernel or place.nobody) and os.geteuid() != 0:
        return "needs root"
    if (
        place.kernel
        and subprocess.run(
            ["unshare", "--mount", "--uts", "true"], capture_output=True, check=False
        ).returncode
    ):
        return "may not make namespaces here"
    try:
        if place.python:
            find_python(place)
    except LookupError as error:
        return str(error)
    return ""


def copy_tree(target: Path) -> None:
    """What git has or would take, as it is in the working tree."""
    listed = subprocess.run(
        ["git", "-c", "safe.directory=*", "ls-files", "--cached", "--others", "--exclude-standard", "-z"], cwd=ROOT, check=True, capture_output=True
    )  # fmt: skip
    for name in filter(None, listed.stdout.decode().split("\0")):
        if (ROOT / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, target / name)


def bare_path(folder: Path) -> str:
    """A directory of links to what a system has, less other projects' tools."""
    folder.mkdir()
    for directory in ("/usr/bin", "/bin"):
        for program in Path(directory).iterdir():
            if not TOOLS.fullmatch(program.name) and not (folder / program.name).exists():
                (folder / program.name).symlink_to(program)
    return str(folder)


def kernel_mounts(place: Place, scratch: Path) -> list[str]:
    """Shell lines that put a kernel in place."""
    if not place.kernel:
        return []
    notes, kallsyms, modules = scratch / "notes", scratch / "kallsyms", scratch / "modules"
    identities = RECORDED_KERNELS if place.kernel == "recorded" else ("ab" * 20,)
    head = (4).to_bytes(4, "little") + (20).to_bytes(4, "little") + (3).to_bytes(4, "little") + b"GNU\0"
    notes.write_bytes(b"".join(head + bytes.fromhex(identity) for identity in identities))
    names = (RECORDED / "kallsyms").read_text("ascii")
    kallsyms.write_text(
        names
        if place.kernel == "recorded"
        else re.sub(r"(?m)^\w+ (\w) .*", r"ffffffff81000000 \1 wrong", names)
    )
    modules.write_text("")
    mounts = {notes: "/sys/kernel/notes", kallsyms: "/proc/kallsyms", modules: "/proc/modules"}
    lines = ["mount --make-rprivate /"]
    lines += [
        f"mount --bind {shlex.quote(str(file))} {over}"
        for file, over in mounts.items()
        if Path(over).exists()
    ]
    name = "fixture" if place.kernel == "recorded" else "elsewhere"
    return [*lines, f"echo {name} > /proc/sys/kernel/hostname"]


def debian(scratch: Path) -> tuple[Path, list[str]]:
    """(root of a new system, shell lines that make it usable)."""
    root = scratch / "debian"
    subprocess.run(
        ["debootstrap", "--variant=minbase", f"--include={','.join(DEBIAN)}", "sid", root], check=True, stdout=subprocess.DEVNULL
    )  # fmt: skip
    lines = [f"mount --rbind /{name} {root}/{name}" for name in ("proc", "sys", "dev")]
    certificates = "/etc/ssl/certs"  # of a proxy, perhaps
    lines.append(f"[ ! -d {certificates} ] || mount --bind {certificates} {root}{certificates}")
    return root, lines


def caches() -> dict[str, str]:
    """Where pip and Go keep what they fetched and built, so that another home need not wait for it again."""
    asked = {
        "PIP_CACHE_DIR": [sys.executable, "-m", "pip", "cache", "dir"],
        "GOCACHE": ["go", "env", "GOCACHE"],
    }
    found = {}
    for name, command in asked.items():
        if shutil.which(command[0]):
            done = subprocess.run(command, capture_output=True, text=True, check=False, cwd="/")
            if done.returncode == 0 and done.stdout.strip():
                found[name] = done.stdout.strip()
    return found


def prepare(place: Place, scratch: Path) -> list[str]:
    """Make the place, with all that the suite needs; the command that runs scripts/test there."""
    folder, python = scratch / place.folder, "python3"
    environment = {key: value for key, value in os.environ.items() if key in KEPT or key.startswith("PIP_")}
    environment |= {
        "PATH": os.environ["PATH"],
        "HOME": str(scratch / "home"),
        "CI": "true",
        # The random part of the suite tells nothing of a place: scripts/test does all of it.
        "GOINSPECT_EXAMPLES": "0.1",
        "PIP_NO_COMPILE": "1",
    } | place.environment
    if not place.nobody:
        environment |= caches()
    lines = kernel_mounts(place, scratch)
    root = Path("/")
    if place.python:
        python, _ = find_python(place)
    else:
        root, more = debian(scratch)
        folder = root / "home" / place.folder
        lines += more
        environment |= {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root"}
        for name in ("PIP_FIND_LINKS", "PIP_CACHE_DIR", "GOCACHE"):
            environment.pop(name, None)
    copy_tree(folder)
    (scratch / "home").mkdir()
    if place.bare:
        environment["PATH"] = bare_path(scratch / "bin")
    command = ["env", "-i", *(f"{key}={value}" for key, value in environment.items()), f"PYTHON={python}"]
    command += [
        "sh",
        "-c",
        'umask "$1"; cd "$2"; shift 2; exec scripts/test "$@"',
        "sh",
        "077" if place.nobody else "022",
    ]
    command.append(f"/{folder.relative_to(root)}")
    if place.nobody:
        subprocess.run(["chown", "-R", f"{NOBODY}:{NOBODY}", scratch], check=True)
        command = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", *command]
    if not place.python:
        command = ["chroot", str(root), *command]
    if lines:
        script = "\n".join(["set -e", *lines, 'exec "$@"'])
        command = ["unshare", "--mount", "--uts", "sh", "-c", script, "sh", *command]
    subprocess.run(  # what fails now fails again when the suite runs, and is told then
        [*command, "--install", "test"], stdin=subprocess.DEVNULL, capture_output=True, cwd="/", check=False
    )
    return command


def run(command: list[str], arguments: list[str]) -> tuple[int, str]:
    """Run the suite with what `prepare` gave: (exit code, everything it printed)."""
    done = subprocess.run(
        [*command, "--tests", *arguments], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        text=True, errors="replace", cwd="/", check=False,
    )  # fmt: skip
    return done.returncode, done.stdout


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("places", nargs="*", metavar="PLACE", help="such as oldest; all unless given")
    parser.add_argument("--list", action="store_true", help="tell which places there are")
    options, arguments = parser.parse_known_args()
    unknown = set(options.places) - {place.name for place in PLACES}
    if unknown:
        parser.error(f"no such place: {', '.join(sorted(unknown))}")
    places = [place for place in PLACES if not options.places or place.name in options.places]
    why = {place.name: lacking(place) for place in places}
    if options.list:
        for place in places:
            print(
                f"{place.name}: {place.what}",
                *([f"cannot be had here: {why[place.name]}"] if why[place.name] else []),
                sep="\n",
            )
        return
    failed = []
    with ExitStack() as stack:
        # One place is made while the suite runs in the one before.
        pool = stack.enter_context(ThreadPoolExecutor(1))
        scratches, prepared = {}, {}
        for place in places:
            if why[place.name]:
                continue
            folder = tempfile.TemporaryDirectory(prefix="goinspect-", dir="/var/tmp")
            stack.callback(folder.cleanup)
            Path(folder.name).chmod(0o755)
            scratches[place.name] = folder
            prepared[place.name] = pool.submit(prepare, place, Path(folder.name))
        for place in places:
            print(f"\n=== {place.name}: {place.what}", flush=True)
            if why[place.name]:
                print(f"cannot be had here: {why[place.name]}")
                continue
            start = time.monotonic()
            code, output = run(prepared[place.name].result(), arguments)
            scratches[place.name].cleanup()
            summaries = (
                line.strip("= ")
                for line in reversed(output.splitlines())
                if re.search(r"\d (passed|failed)", line)
            )
            print(
                output if code else next(summaries, ""),
                f"in all {time.monotonic() - start:.0f} s",
                sep="\n",
                flush=True,
            )
            if code:
                failed.append(place.name)
    sys.exit(f"failed: {', '.join(failed)}" if failed else 0)


if __name__ == "__main__":
    main()
