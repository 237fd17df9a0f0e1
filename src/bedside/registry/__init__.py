"""The versions that a site knows, who approved them, and which one answers, now and at any time."""
