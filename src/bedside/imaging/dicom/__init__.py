"""Single-frame DICOM objects: taken apart within bounds, checked, decoded, given their meaning."""
