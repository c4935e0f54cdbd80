"""Folders of files, local or in object storage, through fsspec: read, never written.

No path leaves the store's root: neither by ``..``, nor by a link that leads out of it.
"""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from importlib.util import find_spec
from pathlib import PurePosixPath
from threading import BoundedSemaphore
from typing import IO, Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr
from pydantic_core import PydanticCustomError

from verifier.checks.model import Duration
from verifier.checks.reason import CannotTell, UnknownReason
from verifier.checks.remark import Remark, reachable
from verifier.checks.store import FileInfo, StoreKind
from verifier.checks.stores.watch import Stop, Watch

MOST_FILES = 100_000
"""How many files of one folder are looked at."""

_CHUNK_BYTES = 1024 * 1024
_S3 = "s3://"


def _usable(secret: SecretStr) -> SecretStr:
    url = secret.get_secret_value()
    if url.startswith(_S3):
        if not url.removeprefix(_S3).strip("/"):
            raise ValueError("expected s3://BUCKET/PREFIX, found no bucket")
        if find_spec("s3fs") is None:
            raise PydanticCustomError(
                "missing_driver",
                "expected the driver {driver} to be installed: pip install 'landed[{extra}]'",
                {"driver": "s3fs", "extra": "s3"},
            )
        return secret
    if not url.removeprefix("file://").startswith("/"):
        raise ValueError("expected an absolute path, file:///PATH or s3://BUCKET/PREFIX")
    return secret


class FilesStoreConfig(BaseModel):
    """A folder that checks read files of."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    type: Literal["files"]
    url: Annotated[
        SecretStr,
        AfterValidator(_usable),
        Field(description="The folder: `/srv/exports`, or `s3://BUCKET/PREFIX`. Nothing above."),
    ]
    endpoint_url: Annotated[
        str | None, Field(description="Of S3: the address of a server that is not Amazon's.")
    ] = None
    key: Annotated[SecretStr | None, Field(description="Of S3: the id of the access key.")] = None
    secret: Annotated[SecretStr | None, Field(description="Of S3: the access key itself.")] = None
    timeout: Annotated[Duration, Field(description="The longest that one question may take.")] = (
        timedelta(seconds=30)
    )
    max_bytes: Annotated[
        int, Field(ge=1, description="The largest file whose content is read, in bytes.")
    ] = 1024**3
    max_concurrency: Annotated[
        int, Field(ge=1, le=100, description="How many runs may be asked about at a time.")
    ] = 4


class OpenFolder:
    """The folder, as one thread asks about it now."""

    kind = StoreKind.FILES

    def __init__(self, files: Any, root: str, config: FilesStoreConfig, watch: Watch) -> None:
        self._files = files
        self._root = root
        self._local = not config.url.get_secret_value().startswith(_S3)
        self._max_bytes = config.max_bytes
        self._watch = watch

    def require_root(self) -> None:
        """Raises ``CannotTell`` where the folder itself, or its bucket, is not there."""
        with self._asking():
            self._require_root()

    def info(self, path: str) -> FileInfo | None:
        """What is known of the file at ``path``; None where there is none.

        Raises ``CannotTell`` where the store does not answer.
        """
        with self._asking():
            try:
                found = self._files.info(self._located(path))
            except FileNotFoundError:
                self._require_root()
                return None
            return self._described(path, found)

    def files(self, folder: str) -> list[FileInfo]:
        """The files right in ``folder``; none where there is no such folder."""
        with self._asking():
            try:
                found = self._files.ls(self._located(folder), detail=True, refresh=True)
            except FileNotFoundError:
                self._require_root()
                return []
            if len(found) > MOST_FILES:
                raise CannotTell(
                    UnknownReason.TOO_MANY_KEYS, f"more than {MOST_FILES} files in the folder"
                )
            return [
                self._described(f"{folder}/{PurePosixPath(each['name']).name}", each)
                for each in found
                if each["type"] == "file"
            ]

    @contextmanager
    def open(self, path: str) -> Iterator[IO[bytes]]:
        """The content of the file at ``path``; raises ``CannotTell`` where it is too large."""
        info = self.info(path)
        if info is None:
            raise CannotTell(UnknownReason.NO_SUCH_FILE, "the file is not there")
        if info.size > self._max_bytes:
            raise CannotTell(
                UnknownReason.TOO_LARGE, f"{info.size} bytes, at most {self._max_bytes} are read"
            )
        with self._asking(), self._files.open(self._located(path), "rb") as opened:
            yield opened

    def chunks(self, opened: IO[bytes]) -> Iterator[bytes]:
        """The content piece by piece, within the time that is given."""
        while piece := opened.read(_CHUNK_BYTES):
            self.require_time()
            yield piece

    def require_time(self) -> None:
        """Raises ``CannotTell`` where the time is over."""
        over = self._watch.over()
        if over is not None:
            raise CannotTell(over, "reading the file took too long")

    def _located(self, path: str) -> str:
        """Where ``path`` is; raises ``CannotTell`` where that is not below the root."""
        parts = path.split("/")
        if "\0" in path or any(part in ("", ".", "..") for part in parts):
            raise CannotTell(UnknownReason.OUT_OF_ROOT, "the path does not stay below the root")
        located = f"{self._root}/{path}"
        if self._local:
            root = os.path.realpath(self._root)
            if os.path.commonpath([root, os.path.realpath(located)]) != root:
                raise CannotTell(UnknownReason.OUT_OF_ROOT, "a link leads out of the root")
        return located

    def _described(self, path: str, found: dict[str, Any]) -> FileInfo:
        if found["type"] != "file" or (
            self._local and not stat.S_ISREG(os.stat(found["name"]).st_mode)  # noqa: PTH116 - a text of fsspec's
        ):
            raise CannotTell(UnknownReason.NO_SUCH_FILE, "what is there is no regular file")
        modified = found.get("mtime", found.get("LastModified"))
        if not isinstance(modified, datetime):
            modified = datetime.fromtimestamp(float(modified or 0), UTC)
        return FileInfo(path, int(found["size"]), modified.astimezone(UTC))

    def _require_root(self) -> None:
        """Nothing is missing but where the root is there: a disk may not be mounted."""
        # A prefix of object storage is there as soon as something is below it.
        anchor = self._root if self._local else self._root.partition("/")[0]
        if not self._files.exists(anchor):
            raise CannotTell(UnknownReason.UNREACHABLE, "the root of the store is not there")

    @contextmanager
    def _asking(self) -> Iterator[None]:
        try:
            with self._watch.running(_nothing, _nothing):
                self.require_time()
                yield
        except CannotTell:
            raise
        except PermissionError:
            raise CannotTell(UnknownReason.PERMISSION_DENIED, "the store lets us not in") from None
        except (OSError, TimeoutError) as error:
            raise CannotTell(UnknownReason.UNREACHABLE, type(error).__name__) from None
        except Exception as error:
            # Clients of object storage have errors of their own, whose texts name addresses.
            if type(error).__module__.split(".")[0] not in ("botocore", "aiobotocore", "aiohttp"):
                raise
            raise CannotTell(UnknownReason.UNREACHABLE, type(error).__name__) from None


class FilesStore:
    """A folder as a store; safe to share between threads."""

    def __init__(self, config: FilesStoreConfig) -> None:
        self._config = config
        self._slots = BoundedSemaphore(config.max_concurrency)
        self._stopped = Stop()

    @contextmanager
    def session(self) -> Iterator[OpenFolder]:
        """Opens it; raises ``CannotTell`` where too many are asking."""
        config = self._config
        if not self._slots.acquire(timeout=config.timeout.total_seconds()):
            raise CannotTell(UnknownReason.TIMED_OUT, "the store is asked by too many at a time")
        try:
            watch = Watch(config.timeout, self._stopped)
            if watch.over():
                raise CannotTell(UnknownReason.INTERRUPTED)
            files, root = self._opened()
            yield OpenFolder(files, root, config, watch)
        finally:
            self._slots.release()

    def probe(self) -> UnknownReason | None:
        """Why nothing can be asked, or None where it can."""
        try:
            with self.session() as session:
                session.require_root()
        except CannotTell as error:
            return error.reason
        return None

    def examine(self) -> list[Remark]:
        """Whether the root is there."""
        return reachable(self.probe())

    def interrupt(self) -> None:
        """Ends reading; from now on each question is ``interrupted``."""
        self._stopped.set()

    def close(self) -> None:
        """Interrupts; nothing is held between questions."""
        self.interrupt()

    def _opened(self) -> tuple[Any, str]:
        # Imported here: object storage takes long to import, and few need it.
        from fsspec.core import url_to_fs

        url = self._config.url.get_secret_value()
        options: dict[str, Any] = {}
        if url.startswith(_S3):
            seconds = self._config.timeout.total_seconds()
            options = {
                "key": _secret(self._config.key),
                "secret": _secret(self._config.secret),
                "endpoint_url": self._config.endpoint_url,
                "config_kwargs": {
                    "connect_timeout": min(10.0, seconds),
                    "read_timeout": seconds,
                    "retries": {"max_attempts": 1},
                },
                "use_listings_cache": False,
                "anon": False,
            }
        files, root = url_to_fs(url, **options)
        return files, root.rstrip("/")


def _secret(secret: SecretStr | None) -> str | None:
    return None if secret is None else secret.get_secret_value()


def _nothing() -> None:
    """Reading looks at the watch by itself."""
