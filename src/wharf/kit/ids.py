"""Identifiers that no two replicas ever share."""

import os
import time
from uuid import uuid4


def random_id() -> str:
    """32 hexadecimal digits that nobody can guess."""
    return uuid4().hex


def sortable_id() -> str:
    """32 hexadecimal digits, laid out as UUID version 7 (RFC 9562): ordered by the millisecond of their making."""
    milliseconds = time.time_ns() // 1_000_000
    tail = int.from_bytes(os.urandom(10))
    tail = tail & ~(0xF << 76) | 0x7 << 76  # version
    tail = tail & ~(0x3 << 62) | 0x2 << 62  # variant
    return f"{milliseconds << 80 | tail:032x}"
