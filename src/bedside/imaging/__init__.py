"""Reads pictures: PNG, JPEG and single-frame DICOM, safely and with their meaning."""
