"""Volume handles, `VOLUME[/DIR][#UNIQUE]`, and FUSE mount options: what comes from outside, checked. Pure."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass

_VOLUME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")
_PART = re.compile(r"[A-Za-z0-9._+@=-]+")
_VALUE = re.compile(r"[A-Za-z0-9._-]+")
LONGEST = 1024

FLAGS = ("acl", "selinux", "enable-ino32", "resolve-gids", "no-root-squash", "thin-client", "global-threading")
SETTINGS = (
    "attribute-timeout",
    "entry-timeout",
    "negative-timeout",
    "gid-timeout",
    "background-qlen",
    "congestion-threshold",
    "direct-io-mode",
    "fopen-keep-cache",
    "invalidate-limit",
    "kernel-writeback-cache",
    "log-level",
    "lru-limit",
    "reader-thread-count",
    "use-readdirp",
)
"""Options of mount.glusterfs that a volume may ask for; none of them names a file or a server."""


class InvalidArgument(ValueError):
    """A handle or an option that cannot be used; the message says why and what to do."""


@dataclass(frozen=True)
class Handle:
    """A gluster volume and a directory in it; "" is its root."""

    volume: str
    directory: str

    def __str__(self) -> str:
        return f"{self.volume}/{self.directory}" if self.directory else self.volume


def parse(text: str) -> Handle:
    """Read a volume handle. What follows `#` only tells two PersistentVolumes of one directory apart.

    Raises InvalidArgument for anything else, above all for a path that leads out of the volume.
    """
    path, _, unique = text.partition("#")
    volume, slash, directory = path.partition("/")
    parts = directory.split("/") if slash else []
    wanted = "write VOLUME[/DIR][#UNIQUE], such as newvol/projects/one"
    if len(text) > LONGEST:
        raise InvalidArgument(f"The volume handle has {len(text)} characters, more than {LONGEST}: {wanted}.")
    if not _VOLUME.fullmatch(volume):
        raise InvalidArgument(f"The volume handle {text!r} does not begin with the name of a gluster volume: {wanted}.")
    if any(part in (".", "..") for part in parts):
        raise InvalidArgument(
            f"The volume handle {text!r} has {' or '.join({*parts} & {'.', '..'})} in its path: {wanted}."
        )
    if not all(map(_PART.fullmatch, parts)) or (unique and not _PART.fullmatch(unique)):
        raise InvalidArgument(
            f"The volume handle {text!r} has an empty name or odd characters in it: {wanted}, names of letters, digits "
            "and any of ._+@=-."
        )
    return Handle(volume, directory)


def mount_options(flags: Iterable[str], read_only: bool = False) -> tuple[str, ...]:
    """Mount options of a PersistentVolume as those of the FUSE client, sorted; `read_only` adds `ro`.

    Raises InvalidArgument for an option that is not in FLAGS or SETTINGS.
    """
    options = set()
    for flag in flags:
        name, equals, value = flag.partition("=")
        if flag in ("ro", "rw"):
            read_only = read_only or flag == "ro"
        elif (equals and name in SETTINGS and _VALUE.fullmatch(value)) or flag in FLAGS:
            options.add(flag)
        else:
            known = ", ".join(("ro", *FLAGS, *(f"{name}=..." for name in SETTINGS)))
            raise InvalidArgument(f"The mount option {flag!r} is not one that the driver passes on: use {known}.")
    return tuple(sorted(options | ({"read-only"} if read_only else set())))


def mount_key(volume: str, options: tuple[str, ...]) -> str:
    """The name of a FUSE mount, which pods with the same volume and options share. Volume names have no dots."""
    if not options:
        return volume
    return f"{volume}.{hashlib.sha256(','.join(options).encode()).hexdigest()[:8]}"
