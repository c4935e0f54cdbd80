"""Every kind of store, and all the stores of a configuration."""

from collections.abc import Mapping
from types import TracebackType
from typing import Self

from verifier.checks.reason import CannotTell, UnknownReason
from verifier.checks.stores.sql import SqlStore, SqlStoreConfig

StoreConfig = SqlStoreConfig
"""A store as ``landed.yaml`` declares it."""

STORE_TYPES_NOT_YET = ("files", "http")
"""Kinds of store that are planned and cannot be used yet."""


class Stores:
    """The stores of a configuration by their names; safe to share between threads.

    Opening connects to nothing. As a context manager it closes them at its end.
    """

    def __init__(self, configs: Mapping[str, StoreConfig]) -> None:
        self._stores = {name: SqlStore(config) for name, config in configs.items()}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def get(self, name: str) -> SqlStore:
        """The store called ``name``; raises ``CannotTell`` where none is."""
        store = self._stores.get(name)
        if store is None:
            raise CannotTell(UnknownReason.UNREACHABLE, f"no store is called {name}")
        return store

    def probe(self, name: str) -> UnknownReason | None:
        """Why the store called ``name`` cannot be asked anything, or None."""
        try:
            return self.get(name).probe()
        except CannotTell as error:
            return error.reason

    def interrupt(self) -> None:
        """Ends every running statement, for good: what is asked later is ``interrupted``."""
        for store in self._stores.values():
            store.interrupt()

    def close(self) -> None:
        """Interrupts, and lets go of every store."""
        for store in self._stores.values():
            store.close()
