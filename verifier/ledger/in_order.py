"""A lock that goes to whoever has waited longest.

Python's own goes to whoever is quickest, which is the one who just let go of it: somebody
who writes one group after the other would keep all others out.
"""

from collections import deque
from threading import Lock


class InOrder:
    """Held by one thread at a time; while others wait it is handed on in their order."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._held = False
        self._waiting: deque[Lock] = deque()

    def acquire(self, timeout: float) -> bool:
        """Wait for it; False where it was not had within ``timeout`` seconds."""
        with self._lock:
            if not self._held:
                self._held = True
                return True
            handed = Lock()
            handed.acquire()
            self._waiting.append(handed)
        if handed.acquire(timeout=timeout):
            return True
        with self._lock:
            if handed not in self._waiting:
                return True  # handed on at the last moment
            self._waiting.remove(handed)
            return False

    def release(self) -> None:
        """Hand it on, or leave it to whoever comes next."""
        with self._lock:
            if self._waiting:
                self._waiting.popleft().release()
            else:
                self._held = False
