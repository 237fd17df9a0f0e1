"""DICOM objects, single and in series: taken apart within bounds, checked, decoded, given their meaning."""
