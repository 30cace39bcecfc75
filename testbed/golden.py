"""A containerd root with all images imported, made once, of which each node gets a hard-linked copy.

Importing 1 GB of images takes each node many seconds; linking takes one. containerd never writes blobs and snapshots in
place, only its *.db files, so these alone are copied.
"""

import hashlib
from collections.abc import Sequence
from pathlib import Path

from testbed import rootfs
from testbed.config import SOURCE, cache_folder
from testbed.progress import step
from testbed.shell import appearing, lock, remove_tree, run

KEPT = 3
RECORD = "imported"


def install(archives: Sequence[Path], targets: Sequence[Path]) -> None:
    """Fill the targets, folders of nodes that have not been started yet."""
    folder = cache_folder() / "golden"
    names = sorted(f"{archive.parent.name}/{archive.name}" for archive in archives)
    golden = folder / hashlib.sha256("\n".join(names).encode()).hexdigest()[:16]
    with lock("golden"):
        if not golden.exists():
            folder.mkdir(parents=True, exist_ok=True)
            roots = _by_age(folder)
            with step("images into a containerd root that the nodes will share", slow=True), appearing(golden) as draft:
                _fill(draft, archives, roots[-1:])
            for old in roots[: 1 - KEPT]:
                remove_tree(old)
        for target in targets:
            _copy(golden, target)


def _by_age(folder: Path) -> list[Path]:
    roots = [path for path in folder.iterdir() if path.suffix != ".draft"]
    return sorted(roots, key=lambda path: path.stat().st_mtime)


def _fill(draft: Path, archives: Sequence[Path], start: Sequence[Path]) -> None:
    """Starts from the youngest root there is: most images have not changed since."""
    for root in start:
        _copy(root, draft)
    imported = recorded(draft)
    new = [archive for archive in archives if str(archive) not in imported]
    run(["bash", SOURCE / "import.sh", rootfs.machine_tree(), draft, *new], contained=True)
    record(draft, archives)


def _copy(source: Path, target: Path) -> None:
    target.mkdir(parents=True, exist_ok=True)
    run(["cp", "-al", f"{source}/.", target])
    for database in source.rglob("*.db"):
        run(["cp", "--remove-destination", database, target / database.relative_to(source)])


def recorded(root: Path) -> list[str]:
    """The archives that were imported into a containerd root."""
    file = root / RECORD
    return file.read_text().splitlines() if file.exists() else []


def record(root: Path, archives: Sequence[Path]) -> None:
    draft = root / f"{RECORD}.draft"  # a new file each time: the old one may be linked to the golden root's
    draft.write_text("".join(f"{archive}\n" for archive in archives))
    draft.rename(root / RECORD)
