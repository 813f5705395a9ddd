"""Product pictures drawn in code: a silhouette on a soft gradient, as PNG."""

import struct
import zlib
from collections.abc import Sequence
from functools import lru_cache
from itertools import accumulate
from math import cos, radians, sin

SIZE = 600
# Scanlines per row of pixels, for smooth edges.
FINE = 4

RGB = tuple[int, int, int]
Point = tuple[float, float]
# Points in per cent of the picture, and how light the shape is drawn (1 = its palette's colour).
Layer = tuple[Sequence[Point], float]

# Top of the background, bottom of the background, the product.
_PALETTES: tuple[tuple[RGB, RGB, RGB], ...] = (
    ((232, 240, 247), (190, 209, 226), (43, 84, 126)),
    ((250, 238, 226), (236, 205, 176), (178, 84, 47)),
    ((233, 242, 234), (190, 214, 196), (45, 96, 70)),
    ((243, 236, 246), (213, 196, 224), (96, 62, 122)),
    ((251, 243, 219), (240, 214, 150), (165, 116, 22)),
    ((238, 240, 243), (203, 208, 216), (56, 62, 74)),
)


def _capsule(left: float, top: float, right: float, bottom: float, bend: float) -> list[Point]:
    """Return a rectangle whose four corners are rounded by `bend`."""
    corners = (
        (right - bend, top + bend, -90),
        (right - bend, bottom - bend, 0),
        (left + bend, bottom - bend, 90),
        (left + bend, top + bend, 180),
    )
    return [
        (x + bend * cos(radians(start + step)), y + bend * sin(radians(start + step)))
        for x, y, start in corners
        for step in range(0, 91, 9)
    ]


def _shadow(shape: Sequence[Layer]) -> list[Point]:
    """Return the flat ellipse on which a shape stands."""
    points = [point for layer, lightness in shape if lightness for point in layer]
    left, right = min(x for x, _ in points), max(x for x, _ in points)
    floor, middle, reach = max(y for _, y in points), (left + right) / 2, (right - left) * 0.58
    turns = [radians(degree) for degree in range(0, 360, 6)]
    return [(middle + reach * cos(turn), floor + 0.4 + 2 * sin(turn)) for turn in turns]


_BOARD: tuple[Layer, ...] = (
    (_capsule(41, 12, 59, 88, 8.9), 1.0),
    (_capsule(43.5, 33, 56.5, 38, 2), 1.7),
    (_capsule(43.5, 62, 56.5, 67, 2), 1.7),
    (((41, 46), (59, 42), (59, 50), (41, 54)), 1.35),
)
_HAT: tuple[Layer, ...] = (
    (_capsule(46, 22, 54, 30, 4), 1.5),
    (_capsule(28, 28, 72, 84, 22), 1.0),
    (_capsule(25, 60, 75, 77, 4), 1.3),
    (((20, 77.2), (80, 77.2), (80, 90), (20, 90)), 0.0),
)
_TOP: tuple[Layer, ...] = (
    (
        (
            (38, 24),
            (28, 29),
            (16, 62),
            (26, 67),
            (32, 50),
            (32, 82),
            (68, 82),
            (68, 50),
            (74, 67),
            (84, 62),
            (72, 29),
            (62, 24),
        ),
        1.0,
    ),
    (_capsule(40, 19, 60, 29, 5), 1.35),
    (((32, 76), (68, 76), (68, 82), (32, 82)), 1.3),
)
_JACKET: tuple[Layer, ...] = (
    *_TOP,
    (((49, 29), (51, 29), (51, 82), (49, 82)), 1.8),
    *((((32, y), (68, y), (68, y + 1), (32, y + 1)), 1.25) for y in (42, 53, 64)),
)
_MUG: tuple[Layer, ...] = (
    (_capsule(60, 38, 80, 66, 10), 1.0),
    (_capsule(63, 44, 74, 60, 5.5), 0.0),
    (_capsule(26, 28, 66, 78, 6), 1.0),
    (_capsule(29, 30, 63, 35, 2.4), 1.5),
)
_BOTTLE: tuple[Layer, ...] = (
    (_capsule(43, 14, 57, 26, 3), 1.5),
    (_capsule(45, 24, 55, 34, 2), 1.2),
    (_capsule(36, 30, 64, 86, 9), 1.0),
    (_capsule(36, 52, 64, 66, 0.5), 1.3),
)
_TOTE: tuple[Layer, ...] = (
    (_capsule(35, 14, 65, 60, 14), 1.25),
    (_capsule(39, 18, 61, 60, 10.5), 0.0),
    (((24, 40), (76, 40), (80, 84), (20, 84)), 1.0),
    (((24, 40), (76, 40), (76.4, 45), (23.6, 45)), 1.3),
)
_TIN: tuple[Layer, ...] = (
    (_capsule(28, 38, 72, 80, 5), 1.0),
    (_capsule(26, 32, 74, 45, 4), 1.4),
    (_capsule(36, 54, 64, 70, 2), 1.7),
)
_CANDLE: tuple[Layer, ...] = (
    (_capsule(47, 18, 53, 34, 3), 1.9),
    (_capsule(49.5, 32, 50.5, 42, 0.4), 0.6),
    (_capsule(33, 40, 67, 84, 5), 1.0),
    (_capsule(39, 54, 61, 70, 2), 1.6),
)
_LAMP: tuple[Layer, ...] = (
    (((38, 18), (62, 18), (76, 46), (24, 46)), 1.0),
    (((24, 46), (76, 46), (77, 48.5), (23, 48.5)), 1.6),
    (_capsule(48.6, 48, 51.4, 82, 1), 1.2),
    (_capsule(34, 80, 66, 86, 3), 1.0),
)
_VASE: tuple[Layer, ...] = (
    (_capsule(28, 38, 72, 86, 20), 1.0),
    (((42, 20), (58, 20), (60, 50), (40, 50)), 1.0),
    (_capsule(39, 16, 61, 21, 2), 1.35),
    (_capsule(34, 56, 66, 60, 1.5), 1.3),
)
_SHAPES: dict[str, tuple[Layer, ...]] = {
    "board": _BOARD,
    "beanie": _HAT,
    "jacket": _JACKET,
    "sweater": _TOP,
    "mug": _MUG,
    "bottle": _BOTTLE,
    "carafe": _BOTTLE,
    "tote": _TOTE,
    "wax": _TIN,
    "candle": _CANDLE,
    "lamp": _LAMP,
    "vase": _VASE,
}


@lru_cache(maxsize=256)
def picture(handle: str) -> bytes:
    """Return the picture of the product with this handle: always the same 600 x 600 PNG."""
    checksum = zlib.crc32(handle.encode())
    top, bottom, colour = _PALETTES[checksum % len(_PALETTES)]
    shape = next((each for word, each in _SHAPES.items() if word in handle), _TIN)
    rows = [bytearray(bytes(_mix(top, bottom, y / SIZE)) * SIZE) for y in range(SIZE)]
    ground = [bytes(row[:3]) for row in rows]
    _paint(rows, _shadow(shape), [_mix(bottom, (0, 0, 0), 0.14)] * SIZE)
    for points, lightness in shape:
        if lightness == 0:
            # A hole shows the background again.
            _paint(rows, points, [(each[0], each[1], each[2]) for each in ground])
        else:
            _paint(rows, points, _shades(colour, lightness))
    return _png(rows)


def _mix(one: RGB, other: RGB, share: float) -> RGB:
    r, g, b = (round(a + (c - a) * share) for a, c in zip(one, other, strict=True))
    return (r, g, b)


def _shades(colour: RGB, lightness: float) -> list[RGB]:
    white, black = (255, 255, 255), (0, 0, 0)
    tone = (
        _mix(colour, white, (lightness - 1) * 0.7)
        if lightness >= 1
        else _mix(colour, black, 1 - lightness)
    )
    return [_mix(_mix(tone, white, 0.14), _mix(tone, black, 0.12), y / SIZE) for y in range(SIZE)]


def _paint(rows: list[bytearray], points: Sequence[Point], shades: Sequence[RGB]) -> None:
    scaled = [(x * SIZE / 100, y * SIZE / 100) for x, y in points]
    first = max(0, int(min(y for _, y in scaled)))
    last = min(SIZE, int(max(y for _, y in scaled)) + 1)
    for y in range(first, last):
        coverage = _coverage(scaled, y)
        row, shade = rows[y], shades[y]
        for x, part in enumerate(coverage):
            if part <= 0:
                continue
            at = 3 * x
            for channel in range(3):
                old = row[at + channel]
                row[at + channel] = round(old + (shade[channel] - old) * min(part, 1.0))


def _coverage(points: Sequence[Point], y: int) -> list[float]:
    """Return how much of each pixel of row `y` lies inside the polygon, from 0 to 1."""
    # Each edge of a span starts or ends a constant slope; summing the steps gives the coverage.
    steps = [0.0] * (SIZE + 2)
    for fine in range(FINE):
        level = y + (fine + 0.5) / FINE
        crossings = sorted(_crossings(points, level))
        for left, right in zip(crossings[::2], crossings[1::2], strict=True):
            for x, sign in ((left, 1 / FINE), (right, -1 / FINE)):
                inside = min(max(x, 0.0), float(SIZE))
                whole = int(inside)
                part = inside - whole
                steps[whole] += sign * (1 - part)
                steps[whole + 1] += sign * part
    return list(accumulate(steps))[:SIZE]


def _crossings(points: Sequence[Point], level: float) -> list[float]:
    found = []
    for (x1, y1), (x2, y2) in zip(points, (*points[1:], points[0]), strict=True):
        if (y1 <= level) != (y2 <= level):
            found.append(x1 + (level - y1) * (x2 - x1) / (y2 - y1))
    return found


def _png(rows: list[bytearray]) -> bytes:
    head = struct.pack(">IIBBBBB", SIZE, SIZE, 8, 2, 0, 0, 0)
    pixels = zlib.compress(b"".join(b"\0" + bytes(row) for row in rows), 9)
    chunks = ((b"IHDR", head), (b"IDAT", pixels), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks
    )
