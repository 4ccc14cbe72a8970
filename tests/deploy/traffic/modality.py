"""A modality that begins and completes a performed procedure step: HOST PORT UID."""

import sys

from pydicom.dataset import Dataset
from pynetdicom import AE
from pynetdicom.sop_class import ModalityPerformedProcedureStep

host, port, uid = sys.argv[1], int(sys.argv[2]), sys.argv[3]
entity = AE(ae_title="MODALITY")
entity.add_requested_context(ModalityPerformedProcedureStep)
association = entity.associate(host, port, ae_title="DIMSEWAY")
if not association.is_established:
    sys.exit("no association")

scheduled = Dataset()
scheduled.StudyInstanceUID = f"{uid}.1"
begun = Dataset()
begun.ScheduledStepAttributesSequence = [scheduled]
begun.PatientName = ""
begun.PatientID = ""
begun.Modality = "CT"
begun.StudyID = "1"
begun.PerformedStationAETitle = "MODALITY"
begun.PerformedProcedureStepStartDate = "20260302"
begun.PerformedProcedureStepStartTime = "093000"
begun.PerformedProcedureStepStatus = "IN PROGRESS"
begun.PerformedProcedureStepID = "1"

series = Dataset()
series.SeriesInstanceUID = f"{uid}.2"
series.ProtocolName = "HEAD"
ended = Dataset()
ended.PerformedProcedureStepStatus = "COMPLETED"
ended.PerformedProcedureStepEndDate = "20260302"
ended.PerformedProcedureStepEndTime = "094500"
ended.PerformedSeriesSequence = [series]

for status, _ in [
    association.send_n_create(begun, ModalityPerformedProcedureStep, uid),
    association.send_n_set(ended, ModalityPerformedProcedureStep, uid),
]:
    if status.get("Status") != 0:
        sys.exit(f"refused: {status}")
association.release()
