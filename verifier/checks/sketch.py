"""A set of keys and their counts in two numbers, which a database can compute as well as we.

The digest of a key is the MD5 of its plain text, since that is the one hash that databases
have in common; nothing here has to resist whoever makes up keys to deceive.
"""

from collections.abc import Iterable, Sequence
from hashlib import blake2b, md5

import msgspec


def digest(key: Sequence[str | None]) -> str | None:
    """32 hexadecimal digits for ``key``; None where there is NULL in it.

    Of a single value it is the MD5 of its UTF-8; of several, that of each value after
    its length in characters and a colon, so that no other key has the same text.
    """
    return None if None in key else _md5(key).hex()


def _md5(key: Sequence[str | None]) -> bytes:
    # Most keys are one value, and there may be a million of them.
    text = key[0] if len(key) == 1 else "".join([f"{len(each or '')}:{each}" for each in key])
    return md5((text or "").encode(errors="surrogatepass"), usedforsecurity=False).digest()


class Sketch(msgspec.Struct, frozen=True):
    """How many keys there are, each as often as it counts, and the sum of their numbers.

    The number of a key is made of the last 16 digits of its digest; a ``total`` is taken
    modulo 2**64. Equal sketches mean equal keys, but for a chance of one in 2**64.
    """

    count: int = 0
    total: int = 0

    def __add__(self, other: "Sketch") -> "Sketch":
        """The sketch of both together."""
        return Sketch(self.count + other.count, (self.total + other.total) % 2**64)

    def __str__(self) -> str:
        """A short text, to be kept and compared."""
        return f"{self.count}-{self.total:016x}"


def sketch_of(counted: Iterable[tuple[Sequence[str | None], int]]) -> Sketch:
    """The sketch of keys and their counts, whatever their order."""
    size = total = 0
    for key, count in counted:
        if None in key:
            # Of such a key no database computes a digest, so any other hash will do.
            number = blake2b(ascii(key).encode(), digest_size=8).digest()
        else:
            number = _md5(key)[8:]
        total += count * int.from_bytes(number)
        size += count
    return Sketch(size, total % 2**64)
