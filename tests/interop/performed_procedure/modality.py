"""A modality that reports what it does: requests from standard input, answers to standard output, in JSON."""

import json
import sys

from pydicom.dataset import Dataset
from pynetdicom import AE
from pynetdicom.sop_class import (
    ModalityPerformedProcedureStep,
    ModalityPerformedProcedureStepRetrieve,
)

host, port, title = sys.argv[1], int(sys.argv[2]), sys.argv[3]
entity = AE(ae_title=title)
entity.add_requested_context(ModalityPerformedProcedureStep)
entity.add_requested_context(ModalityPerformedProcedureStepRetrieve)
association = entity.associate(host, port, ae_title="DIMSEWAY")
if not association.is_established:
    sys.exit("no association")


def tags(value):
    """Attribute tags as eight digits, one or several."""
    values = value if hasattr(value, "__iter__") and not isinstance(value, str) else [value]
    return [f"{int(tag):08X}" for tag in values]


def answered(status, data_set):
    """What came back."""
    answer = {"status": status.Status if "Status" in status else None}
    answer["comment"] = str(status.get("ErrorComment", ""))
    answer["error_id"] = status.get("ErrorID", None)
    lists = [status.get(name) for name in ("AttributeIdentifierList", "OffendingElement")]
    answer["tags"] = [tag for value in lists if value is not None for tag in tags(value)]
    answer["data_set"] = data_set.to_json_dict() if data_set is not None else {}
    return answer


answers = []
for request in json.load(sys.stdin):
    uid = request["uid"]
    data_set = Dataset.from_json(request.get("data_set", {}))
    if request["kind"] == "create":
        outcome = association.send_n_create(data_set, ModalityPerformedProcedureStep, uid)
    elif request["kind"] == "set":
        outcome = association.send_n_set(data_set, ModalityPerformedProcedureStep, uid)
    else:
        wanted = [int(tag, 16) for tag in request.get("tags", [])]
        outcome = association.send_n_get(wanted, ModalityPerformedProcedureStepRetrieve, uid)
    answers.append(answered(*outcome))
association.release()
json.dump(answers, sys.stdout)
