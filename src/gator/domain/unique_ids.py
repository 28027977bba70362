"""Ids that the server makes: UUID version 7 (RFC 9562 §5.7), sortable by time."""

from gator.protocol.types import UtcMillis


def uuid7(now: UtcMillis, random_bits: int) -> str:
    """Word a UUIDv7.

    Args:
        now: Taken into the first 48 bits.
        random_bits: At least 74 random bits; more are cut off.
    """
    rand_a = random_bits & 0xFFF
    rand_b = (random_bits >> 12) & ((1 << 62) - 1)
    value = (now & ((1 << 48) - 1)) << 80 | 0x7 << 76 | rand_a << 64 | 0b10 << 62 | rand_b
    text = f"{value:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"
