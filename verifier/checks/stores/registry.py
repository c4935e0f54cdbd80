"""Every kind of store, and all the stores of a configuration."""

from collections.abc import Mapping
from types import TracebackType
from typing import Annotated, Self

from pydantic import Field

from verifier.checks.reason import CannotTell, UnknownReason
from verifier.checks.store import Store
from verifier.checks.stores.files import FilesStore, FilesStoreConfig
from verifier.checks.stores.service import HttpStoreConfig
from verifier.checks.stores.sql import SqlStore, SqlStoreConfig
from verifier.checks.stores.watch import Stop

AnyStore = SqlStoreConfig | FilesStoreConfig | HttpStoreConfig

StoreConfig = Annotated[AnyStore, Field(discriminator="type")]
"""A store as ``landed.yaml`` declares it; ``type`` says which."""


def store_of(config: AnyStore) -> Store:
    """The store that is declared; connects to nothing."""
    match config:
        case SqlStoreConfig():
            return SqlStore(config)
        case FilesStoreConfig():
            return FilesStore(config)
        case HttpStoreConfig():
            # It brings httpx, which takes long to load.
            from verifier.checks.stores.http import HttpStore

            return HttpStore(config)


class Stores:
    """The stores of a configuration by their names; safe to share between threads.

    Opening connects to nothing. As a context manager it closes them at its end.
    ``stop`` is set when nothing may be asked any more.
    """

    def __init__(self, configs: Mapping[str, AnyStore]) -> None:
        self.stop = Stop()
        self._stores = {name: store_of(config) for name, config in configs.items()}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def get(self, name: str) -> Store:
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
        """Ends every running question, for good: what is asked later is ``interrupted``."""
        self.stop.set()
        for store in self._stores.values():
            store.interrupt()

    def close(self) -> None:
        """Interrupts, and lets go of every store."""
        self.stop.set()
        for store in self._stores.values():
            store.close()
