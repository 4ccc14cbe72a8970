"""A system that orders, as pynetdicom has it: takes performed procedure steps and writes each request as a line."""

import json
import sys

from pydicom.dataset import Dataset
from pynetdicom import AE, evt
from pynetdicom.sop_class import ModalityPerformedProcedureStep

port, path = int(sys.argv[1]), sys.argv[2]
steps = {}
with open(path, encoding="utf-8") as before:
    for line in before:
        request = json.loads(line)
        known = steps.setdefault(request["uid"], Dataset())
        known.update(Dataset.from_json(request["data_set"]))


def note(kind, uid, data_set):
    """Writes what came."""
    with open(path, "a", encoding="utf-8") as log:
        log.write(json.dumps({"kind": kind, "uid": uid, "data_set": data_set.to_json_dict()}) + "\n")


def create(event):
    """N-CREATE: 0111 for a step that is there."""
    uid, data_set = event.request.AffectedSOPInstanceUID, event.attribute_list
    if uid in steps:
        return 0x0111, None
    steps[uid] = data_set
    note("create", uid, data_set)
    return 0x0000, data_set


def change(event):
    """N-SET: 0112 for a step that is not there, 0110 for one that is over."""
    uid, data_set = event.request.RequestedSOPInstanceUID, event.modification_list
    if uid not in steps:
        return 0x0112, None
    if steps[uid].PerformedProcedureStepStatus != "IN PROGRESS":
        return 0x0110, None
    steps[uid].update(data_set)
    note("set", uid, data_set)
    return 0x0000, steps[uid]


entity = AE(ae_title="RIS")
entity.add_supported_context(ModalityPerformedProcedureStep)
entity.start_server(
    ("127.0.0.1", port), evt_handlers=[(evt.EVT_N_CREATE, create), (evt.EVT_N_SET, change)]
)
