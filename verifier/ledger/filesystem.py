"""On what kind of file system a file lies: SQLite's locks hold on local ones alone."""

import re
from pathlib import Path

MOUNTS = Path("/proc/self/mountinfo")

NETWORK = frozenset(
    {
        *("9p", "afs", "beegfs", "ceph", "cifs", "coda", "fuse.ceph-fuse", "fuse.glusterfs"),
        *("fuse.s3fs", "fuse.sshfs", "glusterfs", "gpfs", "lustre", "ncpfs", "nfs", "nfs4"),
        *("orangefs", "smb2", "smb3", "smbfs", "virtiofs"),
    }
)
"""File systems whose files other machines, or the host of this one, may have open too."""

_OCTAL = re.compile(r"\\([0-7]{3})")
_MOUNT_POINT = 4
"""The field of a line of mountinfo, counted from 0; see proc_pid_mountinfo(5)."""


def network_filesystem(path: Path, mounts: str | None = None) -> str | None:
    """The kind of network file system that ``path`` lies on; None for a local one.

    ``mounts`` is the text of /proc/self/mountinfo, by default this process's own. Where
    there is none, nothing is known, and None is returned.
    """
    if mounts is None:
        try:
            mounts = MOUNTS.read_text(errors="surrogateescape")
        except OSError:
            return None
    kind = _filesystem(path.absolute(), mounts)
    return kind if kind in NETWORK else None


def _filesystem(path: Path, mounts: str) -> str | None:
    """The type of the file system that is mounted nearest above ``path``."""
    nearest, kind = -1, None
    for line in mounts.splitlines():
        mount, _, source = line.partition(" - ")
        fields = mount.split(" ")
        if len(fields) <= _MOUNT_POINT or not source:
            continue
        point = Path(_OCTAL.sub(lambda found: chr(int(found[1], 8)), fields[_MOUNT_POINT]))
        # Of two at one place the later one hides the other.
        if path.is_relative_to(point) and len(point.parts) >= nearest:
            nearest, kind = len(point.parts), source.split(" ")[0]
    return kind
