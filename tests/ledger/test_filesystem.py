from pathlib import Path

import pytest

from verifier.ledger.filesystem import MOUNTS, network_filesystem

MOUNTED = """\
22 1 259:2 / / rw,relatime shared:1 - ext4 /dev/nvme0n1p2 rw
30 22 0:26 / /srv rw,nosuid shared:8 - nfs4 nas:/export rw,vers=4.2
31 30 0:27 / /srv/local rw - xfs /dev/sdb1 rw
32 22 0:28 / /mnt/my\\040share rw master:1 propagate_from:2 - cifs //nas/share rw
33 22 0:29 / /over rw - nfs nas:/over rw
34 33 0:30 / /over rw - tmpfs tmpfs rw
a line that means nothing
"""


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/var/lib/landed/landed.db", None),
        ("/srv/landed.db", "nfs4"),
        ("/srv/deeper/still/landed.db", "nfs4"),
        ("/srv/local/landed.db", None),
        ("/srvother/landed.db", None),
        ("/mnt/my share/landed.db", "cifs"),
        ("/over/landed.db", None),
    ],
)
def test_the_nearest_mount_above_a_file_tells_whether_it_is_far_away(path, kind):
    assert network_filesystem(Path(path), MOUNTED) == kind


def test_where_nothing_is_mounted_nothing_is_known():
    assert network_filesystem(Path("/srv/landed.db"), "") is None


def test_the_mounts_of_this_process_are_read(tmp_path, monkeypatch):
    mounts = tmp_path / "mountinfo"
    monkeypatch.setattr("verifier.ledger.filesystem.MOUNTS", mounts)
    assert network_filesystem(tmp_path / "landed.db") is None
    mounts.write_text(f"1 0 0:1 / {tmp_path} rw - fuse.sshfs host: rw\n")
    assert network_filesystem(tmp_path / "landed.db") == "fuse.sshfs"


@pytest.mark.skipif(not MOUNTS.exists(), reason="only Linux tells its mounts there")
def test_real_mounts_can_be_read():
    assert network_filesystem(Path("/proc/self")) is None
