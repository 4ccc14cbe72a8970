"""Compares objects with what they were transcoded to; standard input and output are JSON lists.

Input: [name, the object, what it became, the same decoded by another program or null].
Output: [name, what is wrong, the largest difference of two samples or null].
"""

import json
import sys
import warnings

import pydicom
from pydicom import config
from pydicom.dataelem import RawDataElement

warnings.simplefilter("ignore")
config.settings.reading_validation_mode = config.IGNORE
PIXELS = 0x7FE00010
LEFT_OUT = (0x7FE00001, 0x7FE00002, 0x7FE00003)
OF_COLOURS = (0x00280004, 0x00280006)


def plain(value):
    """Padding is no part of a value, and an empty one is none."""
    if isinstance(value, bytes):
        return value.rstrip(b"\0 ") or None
    if isinstance(value, str):
        return value.rstrip("\0 ") or None
    return value


def elements(data_set, pixels):
    """What must stay as it is."""
    kept = {}
    for tag in data_set.keys():
        if tag.element == 0 or tag in LEFT_OUT:
            continue
        if pixels and (tag == PIXELS or tag in OF_COLOURS):
            continue
        raw = data_set.get_item(tag)
        kept[tag] = (data_set[tag], raw.value if isinstance(raw, RawDataElement) else None)
    return kept


def differences(path, before, after, pixels):
    old, new = elements(before, pixels), elements(after, pixels)
    for tag in sorted(set(old) | set(new)):
        where = path + str(tag)
        if tag not in old or tag not in new:
            yield f"{where} only {'after' if tag not in old else 'before'}"
            continue
        (one, bytes_of_one), (other, bytes_of_other) = old[tag], new[tag]
        if one.VR == "SQ" or other.VR == "SQ":
            if one.VR != other.VR or len(one.value) != len(other.value):
                yield f"{where}: other items"
                continue
            for number, (before_item, after_item) in enumerate(zip(one.value, other.value)):
                decoded = pixels and PIXELS in before_item
                yield from differences(f"{where}[{number}]", before_item, after_item, decoded)
        elif tag.is_private and other.VR == "UN":
            # Implicit VR does not keep what pydicom read by.
            if plain(bytes_of_one) != plain(bytes_of_other):
                yield f"{where}: {bytes_of_one!r} became {bytes_of_other!r}"
        elif plain(one.value) != plain(other.value):
            yield f"{where}: {str(one.value)[:40]!r} became {str(other.value)[:40]!r}"


def samples(data_set):
    """The samples of native pixel data, padding too."""
    size = max(1, data_set.BitsAllocated // 8)
    value = data_set.PixelData
    return [int.from_bytes(value[at : at + size], "little") for at in range(0, len(value), size)]


def compare(before, after, decoded):
    pixels = decoded is not None or before.file_meta.TransferSyntaxUID.is_encapsulated
    wrong = list(differences("", before, after, pixels))
    largest = None
    if decoded is not None and "PixelData" in after:
        one, other = samples(after), samples(decoded)
        if len(one) != len(other):
            wrong.append(f"{len(one)} samples where {len(other)} are right")
        else:
            largest = max((abs(a - b) for a, b in zip(one, other)), default=0)
        for name in ("PhotometricInterpretation", "PlanarConfiguration"):
            if after.get(name) != decoded.get(name):
                wrong.append(f"{name} {after.get(name)} where {decoded.get(name)} is right")
    return wrong, largest


answers = []
for name, before, after, decoded in json.load(sys.stdin):
    read = [None if path is None else pydicom.dcmread(path, force=True) for path in (before, after, decoded)]
    answers.append([name, *compare(*read)])
json.dump(answers, sys.stdout)
