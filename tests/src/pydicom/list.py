"""Lists the test files of pydicom that have all four UIDs, with the place where the data set begins."""

import json
import os
import warnings

import pydicom

warnings.simplefilter("ignore")
root = os.path.join(os.path.dirname(pydicom.__file__), "data")
found = []
for folder, _, names in sorted(os.walk(root)):
    for name in sorted(names):
        path = os.path.join(folder, name)
        try:
            with open(path, "rb") as file:
                head = file.read(132)
            if head[128:] != b"DICM":
                continue
            data_set = pydicom.dcmread(path, stop_before_pixels=True, force=False)
            meta = data_set.file_meta
            uids = {
                "sop_class": str(data_set.SOPClassUID),
                "sop_instance": str(data_set.SOPInstanceUID),
                "study": str(data_set.StudyInstanceUID),
                "series": str(data_set.SeriesInstanceUID),
                "transfer_syntax": str(meta.TransferSyntaxUID),
            }
        except Exception:
            continue
        if not all(uids.values()):
            continue
        # The group of File Meta Information ends where its elements end, whatever its length says.
        with open(path, "rb") as file:
            body = file.read()
        at = 132
        while body[at : at + 2] == b"\x02\x00":
            vr = body[at + 4 : at + 6]
            if vr in (b"OB", b"OW", b"UN", b"UT", b"SQ"):
                at += 12 + int.from_bytes(body[at + 8 : at + 12], "little")
            else:
                at += 8 + int.from_bytes(body[at + 6 : at + 8], "little")
        found.append({"path": path, "data_set_at": at, **uids})
print(json.dumps(found))
