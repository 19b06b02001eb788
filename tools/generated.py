"""What the generators share: write files, or say where the tree differs from what would be written."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path


def settle(what: str, out: Path, files: Mapping[str, str], there: Mapping[str, str], *, check: bool) -> int:
    """Make a folder hold exactly the generated files, or with ``check`` only compare; return the exit status.

    Args:
        what: what the files are, for the line that is printed.
        out: the folder.
        files: what there has to be, by path below the folder.
        there: what an earlier run left there, by path below the folder; what is no longer generated is removed.
        check: compare instead of writing.
    """
    if check:
        stale = sorted(name for name in files.keys() | there.keys() if files.get(name) != there.get(name))
        print(f"{what}: {', '.join(stale)} out of date" if stale else f"{what}: {len(files)} files up to date")
        return 1 if stale else 0
    for name in there.keys() - files.keys():
        (out / name).unlink()
    for name, text in files.items():
        (out / name).parent.mkdir(parents=True, exist_ok=True)
        (out / name).write_text(text, "utf-8", newline="\n")
    print(f"{what}: {len(files)} files, {sum(text.count(chr(10)) for text in files.values())} lines")
    return 0
