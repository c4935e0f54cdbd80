"""What tests of several folders need: the programs of Prometheus, and no timed tests."""

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import settings

# How long an example takes says nothing on a busy machine; speed is for benchmarks.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")


@dataclass(frozen=True)
class PrometheusTools:
    """The programs, each as the path of its file."""

    prometheus: str
    promtool: str


@pytest.fixture(scope="session")
def prometheus_tools(tmp_path_factory: pytest.TempPathFactory) -> PrometheusTools:
    """From PATH, else unpacked from Debian's package; nothing is installed or started."""
    names = ("prometheus", "promtool")
    found = [shutil.which(name) for name in names]
    if not all(found):
        folder = tmp_path_factory.mktemp("prometheus")
        problem = _unpack("prometheus", folder)
        found = [shutil.which(name, path=str(folder / "usr/bin")) for name in names]
        if not all(found):
            reason = f"prometheus and promtool are not on PATH, and {problem}"
            if os.environ.get("CI") == "true":
                pytest.fail(reason)
            pytest.skip(reason)
    return PrometheusTools(*map(str, found))


def _unpack(package: str, folder: Path) -> str:
    """Unpack a package of Debian into ``folder``; what went wrong, in words."""
    if not (shutil.which("apt-get") and shutil.which("dpkg")):
        return "there is no apt-get to get them by"
    if not _run(folder, "apt-get", "download", package):
        # The lists of packages may be missing or old; only root may get new ones.
        _run(folder, "apt-get", "update")
        if not _run(folder, "apt-get", "download", package):
            return f"apt-get cannot download {package}"
    (archive,) = folder.glob(f"{package}_*.deb")
    return "" if _run(folder, "dpkg", "-x", str(archive), str(folder)) else "dpkg cannot unpack it"


def _run(folder: Path, *command: str) -> bool:
    done = subprocess.run(command, cwd=folder, capture_output=True, timeout=300)
    return done.returncode == 0
