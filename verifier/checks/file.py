"""``file``: whether an export is there, whole, and of this run."""

import re
from collections.abc import Iterator, Set
from datetime import datetime
from decimal import Decimal
from importlib.util import find_spec
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from verifier.checks.answer import Answer
from verifier.checks.bounds import Bounds, Range, overlap
from verifier.checks.compared import Compared
from verifier.checks.content import Format, digest_of, format_of, rows_in, text_of
from verifier.checks.expected import Expected
from verifier.checks.inquiry import Inquiry
from verifier.checks.keys import Key, sample, sketch
from verifier.checks.manifest import Listed, read_manifest
from verifier.checks.model import CheckModel, Name, Need, Query
from verifier.checks.part import Part
from verifier.checks.reason import CannotTell, UnknownReason
from verifier.checks.store import FileInfo, FilesSession, StoreKind
from verifier.checks.template import Template, filled
from verifier.runs.evaluation import Result

_LARGEST_MANIFEST_BYTES = 16 * 1024 * 1024
_HEX = re.compile(r"\b[0-9a-fA-F]{32,128}\b")


class Rows(Bounds):
    """How many rows the file has to have."""

    format: Annotated[
        Format | None, Field(description="How rows are written. Default: by the end of the path.")
    ] = None
    header: Annotated[bool, Field(description="Of CSV: whether the first row names columns.")] = (
        True
    )
    expected: Annotated[
        Expected | None,
        Field(description="Where the number to expect comes from, in place of `eq`."),
    ] = None

    @model_validator(mode="after")
    def _something_to_compare_with(self) -> Self:
        if not self.bounded and self.expected is None:
            raise ValueError("expected a bound: eq, ge, le, between, or 'expected'")
        if self.eq is not None and self.expected is not None:
            raise ValueError("expected either 'eq' or 'expected', found both")
        return self

    def of(self, expected: int | None) -> Range:
        """The numbers that are allowed where so many are expected."""
        if expected is None:
            return self.allowed
        return overlap([self.allowed, Range(Decimal(expected), Decimal(expected))])


class Checksum(Part):
    """What the content has to add up to."""

    algorithm: Annotated[
        Literal["sha256", "sha512", "sha1", "md5"], Field(description="How it is computed.")
    ] = "sha256"
    eq: Annotated[
        str | None, Field(pattern=r"^[0-9a-fA-F]{32,128}$", description="The checksum itself.")
    ] = None
    path: Annotated[
        Template | None,
        Field(description="The file that holds the checksum, as `sha256sum` writes it."),
    ] = None

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if (self.eq is None) == (self.path is None):
            raise ValueError("expected either 'eq' or 'path'")
        return self


class FileCheck(CheckModel):
    """Looks at one file, or, with a manifest, at all the files of a folder.

    Of one file it is a check of quality. With `manifest` or `files` it speaks of the
    effect. None: no file of those listed, and no other. Partial: some are missing, of
    another size or checksum, or older than the run. Duplicated: another file has the
    content of one that is listed. Complete: each is there; others are told apart.
    """

    type: Literal["file"]
    store: Annotated[Name, Field(description="The store of type files.")]
    path: Annotated[
        Template,
        Field(description="The file below the store's root; with a manifest, the folder."),
    ]
    size: Annotated[Bounds | None, Field(description="How large it is, in bytes.")] = None
    rows: Annotated[Rows | None, Field(description="How many rows it has.")] = None
    checksum: Annotated[Checksum | None, Field(description="What it adds up to.")] = None
    newer_than_start: Annotated[
        bool, Field(description="Whether it must have been written since the run's first start.")
    ] = False
    manifest: Annotated[
        Template | None, Field(description="The file that lists the files to expect.")
    ] = None
    files: Annotated[
        Expected | None, Field(description="Where the names of the files to expect come from.")
    ] = None

    @model_validator(mode="after")
    def _one_file_or_many(self) -> Self:
        if self.manifest is not None and self.files is not None:
            raise ValueError("expected either 'manifest' or 'files', found both")
        of_one = [word for word in ("size", "rows", "checksum") if getattr(self, word) is not None]
        if self.speaks_of_effect and of_one:
            raise ValueError(f"expected no {of_one[0]!r}, which is of one file, beside many")
        if self.size is not None and not self.size.bounded:
            raise ValueError("expected a bound of size: eq, ge, le or between")
        form = self.rows and (self.rows.format or format_of(self.path))
        if self.rows is not None and form is None:
            raise ValueError("expected 'format' in rows: the path does not end in a known way")
        if form is Format.PARQUET and find_spec("pyarrow") is None:
            raise ValueError(
                "expected pyarrow to be installed for Parquet, found none; "
                "pip install 'landed[parquet]'"
            )
        return self

    @property
    def speaks_of_effect(self) -> bool:
        """Whether it looks at all files that were to be written."""
        return self.manifest is not None or self.files is not None

    @property
    def history(self) -> int:
        """As the expected side asks."""
        return max((each.history for _, each in self._expectations()), default=0)

    def queries(self) -> Iterator[Query]:
        """Those of the expected side."""
        for path, expected in self._expectations():
            yield from expected.queries(*path)

    def templates(self) -> Iterator[tuple[tuple[str, ...], str]]:
        """The path, and those of the manifest and the checksum."""
        yield ("path",), self.path
        if self.manifest is not None:
            yield ("manifest",), self.manifest
        if self.checksum is not None and self.checksum.path is not None:
            yield ("checksum", "path"), self.checksum.path

    def needs(self) -> Iterator[Need]:
        """The folder, and what is expected."""
        yield Need(store=self.store, path=("store",), kind=StoreKind.FILES)
        yield from super().needs()

    def answer(self, inquiry: Inquiry) -> Answer:
        """Looks, and compares."""
        session = inquiry.folder(self.store)
        path = filled(self.path, inquiry.question)
        inquiry.evidence.update(store=self.store, path=path)
        since = self._since(inquiry)
        if self.speaks_of_effect:
            return self._many(inquiry, session, path, since)
        return self._one(inquiry, session, path, since)

    def _expectations(self) -> Iterator[tuple[tuple[str, ...], Expected]]:
        if self.files is not None:
            yield ("files",), self.files
        if self.rows is not None and self.rows.expected is not None:
            yield ("rows", "expected"), self.rows.expected

    def _since(self, inquiry: Inquiry) -> datetime | None:
        if not self.newer_than_start:
            return None
        started = inquiry.question.started
        if started is None:
            raise CannotTell(UnknownReason.NO_START, "nobody heard of a start of the run")
        # Some file systems keep whole seconds.
        return started.replace(microsecond=0)

    def _one(
        self, inquiry: Inquiry, session: FilesSession, path: str, since: datetime | None
    ) -> Answer:
        expected = None
        if self.rows is not None and self.rows.expected is not None:
            expected = self.rows.expected.count(inquiry)
        wrong: list[str] = []
        with inquiry.timed(self.store):
            info = session.info(path)
            if info is None:
                wrong.append("it is not there")
            else:
                _note(inquiry, info)
                wrong += self._wrong(inquiry, session, info, since, expected)
        inquiry.evidence["wrong"] = wrong
        seen = inquiry.evidence
        told = (str(seen.get("size")), str(seen.get("rows")), str(seen.get("checksum")))
        return Answer(
            result=Result.VIOLATED if wrong else Result.HOLDS,
            source_sketch=None if expected is None else sketch([((), expected)]),
            destination_sketch=sketch([(told, 1)]),
        )

    def _wrong(
        self,
        inquiry: Inquiry,
        session: FilesSession,
        info: FileInfo,
        since: datetime | None,
        expected: int | None,
    ) -> Iterator[str]:
        """Everything that is not as it should be of a file that is there."""
        if since is not None and info.modified < since:
            yield "it is older than the run"
        if self.size is not None and Decimal(info.size) not in self.size.allowed:
            yield f"its size is {info.size} bytes"
        if self.rows is not None:
            form = self.rows.format or format_of(self.path) or Format.CSV
            content = rows_in(session, info.path, form, header=self.rows.header)
            allowed = self.rows.of(expected)
            inquiry.evidence.update(rows=content.rows, allowed=allowed.evidence())
            if content.broken is not None:
                yield f"it is broken: {content.broken}"
            elif Decimal(content.rows) not in allowed:
                yield f"it has {content.rows} rows"
        if self.checksum is not None:
            found = digest_of(session, info.path, self.checksum.algorithm)
            inquiry.evidence["checksum"] = found
            if found != self._checksum(inquiry, session, self.checksum):
                yield "its checksum is another"

    def _checksum(self, inquiry: Inquiry, session: FilesSession, checksum: Checksum) -> str:
        if checksum.eq is not None:
            return checksum.eq.lower()
        text = text_of(session, filled(checksum.path or "", inquiry.question), 4096)
        found = _HEX.search(text)
        if found is None:
            raise CannotTell(UnknownReason.WRONG_SHAPE, "expected a checksum in its file")
        return found[0].lower()

    def _many(
        self, inquiry: Inquiry, session: FilesSession, folder: str, since: datetime | None
    ) -> Answer:
        listed, own = self._listed(inquiry, session)
        with inquiry.timed(self.store):
            present = {_name(info): info for info in session.files(folder) if info.path != own}
            damaged = {
                name
                for name, wanted in listed.items()
                if name in present and not _whole(session, present[name], wanted, since)
            }
            copies = _copies(session, present, listed.keys() - damaged)
        found: dict[Key, int] = {(name,): 1 for name in present.keys() - damaged}
        for copy, original in copies.items():
            found[(original,)] += 1
            del found[(copy,)]
        compared = Compared(
            expected={(name,) for name in listed},
            found=found,
            nameless={},
            damaged=len(damaged),
        )
        inquiry.evidence.update(compared.evidence())
        inquiry.evidence["damaged"] = len(damaged)
        inquiry.evidence["sample"].update(
            damaged=sample((name,) for name in damaged),
            copies=sample((name,) for name in copies),
        )
        return compared.answer()

    def _listed(
        self, inquiry: Inquiry, session: FilesSession
    ) -> tuple[dict[str, Listed], str | None]:
        """The files to expect, and the manifest's own path."""
        if self.files is not None:
            keys = self.files.keys(inquiry, 1)
            return {str(name): Listed(str(name)) for (name,) in keys}, None
        path = filled(self.manifest or "", inquiry.question)
        inquiry.evidence["manifest"] = path
        listed = read_manifest(text_of(session, path, _LARGEST_MANIFEST_BYTES))
        if not listed:
            raise CannotTell(UnknownReason.EXPECTED_EMPTY, "the manifest lists no file")
        if len(listed) > inquiry.max_keys:
            raise CannotTell(
                UnknownReason.TOO_MANY_KEYS, f"more than {inquiry.max_keys} files are listed"
            )
        return listed, path


def _name(info: FileInfo) -> str:
    return info.path.rpartition("/")[2]


def _note(inquiry: Inquiry, info: FileInfo) -> None:
    inquiry.evidence.update(size=info.size, modified=info.modified.isoformat())


def _whole(session: FilesSession, info: FileInfo, wanted: Listed, since: datetime | None) -> bool:
    """Whether the file is of this run, and as the manifest says."""
    if since is not None and info.modified < since:
        return False
    if wanted.size is not None and info.size != wanted.size:
        return False
    return wanted.sha256 is None or digest_of(session, info.path, "sha256") == wanted.sha256


def _copies(
    session: FilesSession, present: dict[str, FileInfo], listed: Set[str]
) -> dict[str, str]:
    """Files that nobody listed with the content of one that is: the copy, and the original.

    Only those of the same size, not empty, are read.
    """
    by_size: dict[int, list[str]] = {}
    for name in sorted(listed & present.keys()):
        by_size.setdefault(present[name].size, []).append(name)
    copies: dict[str, str] = {}
    for name in sorted(present.keys() - listed):
        size = present[name].size
        alike = by_size.get(size, []) if size else []
        if not alike:
            continue
        digest = digest_of(session, present[name].path, "sha256")
        for original in alike:
            if digest_of(session, present[original].path, "sha256") == digest:
                copies[name] = original
                break
    return copies
