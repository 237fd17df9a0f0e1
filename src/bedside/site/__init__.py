"""One installation: its folder, its settings, and all rooms wired together."""
