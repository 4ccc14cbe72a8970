"""Writes one study of six instances with the same image in six transfer syntaxes into a folder."""

import os
import sys
import warnings

import pydicom
from pydicom.data import get_testdata_file
from pydicom.uid import DeflatedExplicitVRLittleEndian, ImplicitVRLittleEndian

warnings.simplefilter("ignore")
folder = sys.argv[1]
sources = [
    ("MR_small.dcm", None),
    ("MR_small.dcm", ImplicitVRLittleEndian),
    ("MR_small.dcm", DeflatedExplicitVRLittleEndian),
    ("MR_small_RLE.dcm", None),
    ("MR_small_jpeg_ls_lossless.dcm", None),
    ("MR_small_jp2klossless.dcm", None),
]
for number, (name, transfer_syntax) in enumerate(sources, 1):
    data_set = pydicom.dcmread(get_testdata_file(name))
    data_set.StudyInstanceUID = "2.25.777"
    data_set.SeriesInstanceUID = "2.25.777.1"
    data_set.SOPInstanceUID = f"2.25.777.1.{number}"
    data_set.file_meta.MediaStorageSOPInstanceUID = data_set.SOPInstanceUID
    if transfer_syntax is not None:
        data_set.file_meta.TransferSyntaxUID = transfer_syntax
    options = {"enforce_file_format": True}
    if transfer_syntax is not None:
        options["implicit_vr"] = transfer_syntax == ImplicitVRLittleEndian
        options["little_endian"] = True
    data_set.save_as(os.path.join(folder, f"{number}.dcm"), **options)
with open(os.path.join(folder, "pixels"), "wb") as file:
    file.write(pydicom.dcmread(get_testdata_file("MR_small.dcm")).PixelData)
