"""HdrHistogram's log format, version 2 of its encoding: a line a histogram, which the tools of hdrhistogram.org read.

A histogram counts how often each latency occurred, to three digits: 0 to 2047 ns exactly, then 1024 steps for each doubling.
The format: the source of HdrHistogram 2.1 (AbstractHistogram.encodeIntoByteBuffer, ZigZagEncoding, HistogramLogWriter).
"""

import base64
import struct
import zlib
from collections import Counter
from typing import Iterable, Iterator, NamedTuple

DIGITS = 3
SUB_BUCKET_BITS = 11  # so many hold 2 × 10^DIGITS
HALF = 1 << (SUB_BUCKET_BITS - 1)
HIGHEST_NS = 3_600_000_000_000  # an hour
COOKIE = 0x1C849303 | 0x10
COMPRESSED_COOKIE = 0x1C849304 | 0x10
NS_A_MILLISECOND = 1e6
LEGEND = '"StartTimestamp","Interval_Length","Interval_Max","Interval_Compressed_Histogram"'


class Interval(NamedTuple):
    """A line of the log: what is in the histogram, and when it was recorded, in seconds since the log's start."""

    tag: str
    start_s: float
    length_s: float
    latencies_ns: list[int]


def place_of(value: int) -> int:
    """Where the counts of a histogram have this value."""
    bucket = max(value.bit_length() - SUB_BUCKET_BITS, 0)
    return (bucket << (SUB_BUCKET_BITS - 1)) + (value >> bucket)


def _packed(number: int) -> bytes:
    """A signed number as HdrHistogram writes it: ZigZag, then seven bits a byte, the lowest first (LEB128)."""
    rest = number << 1 if number >= 0 else (-number << 1) - 1
    packed = bytearray()
    while rest > 0x7F:
        packed.append(rest & 0x7F | 0x80)
        rest >>= 7
    packed.append(rest)
    return bytes(packed)


def _counts(latencies_ns: Iterable[int]) -> Iterator[int]:
    """The counts by their places, up to the last; a negative number stands for as many zeros."""
    counts = Counter(place_of(min(value, HIGHEST_NS)) for value in latencies_ns)
    next_place = 0
    for place in sorted(counts):
        if zeros := place - next_place:
            yield -zeros if zeros > 1 else 0
        yield counts[place]
        next_place = place + 1


def encode(latencies_ns: Iterable[int]) -> str:
    """A histogram of these as the log has it: compressed, in base64."""
    payload = b"".join(map(_packed, _counts(latencies_ns)))
    # Normalising offset, digits, lowest and highest value, and the ratio to other units: big-endian.
    header = struct.pack(">iiiiqqd", COOKIE, len(payload), 0, DIGITS, 1, HIGHEST_NS, 1.0)
    compressed = zlib.compress(header + payload)
    return base64.b64encode(struct.pack(">ii", COMPRESSED_COOKIE, len(compressed)) + compressed).decode()


def lines(start_time: float, start_in_words: str, intervals: Iterable[Interval]) -> Iterator[str]:
    """The whole log. Its start is in seconds since the epoch; the largest latency of a line is in milliseconds."""
    yield "#[Histogram log format version 1.3]"
    yield f"#[StartTime: {start_time:.3f} (seconds since epoch), {start_in_words}]"
    yield LEGEND
    for interval in intervals:
        largest_ms = max(interval.latencies_ns, default=0) / NS_A_MILLISECOND
        yield (
            f"Tag={interval.tag},{interval.start_s:.3f},{interval.length_s:.3f},{largest_ms:.3f},"
            f"{encode(interval.latencies_ns)}"
        )
