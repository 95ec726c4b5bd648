"""Seeds derived from what they are for, never from order or time."""

import hashlib


def seed(*parts: str | int) -> int:
    """A seed in [0, 2**63) for the thing named by ``parts``, e.g. study, experiment, model, replicate.

    The same parts give the same seed on every machine, and different parts independent ones:
    it is the head of a SHA-256 over the parts, each with its type and length.
    """
    text = "".join(f"{type(part).__name__}:{len(str(part))}:{part};" for part in parts)
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1
