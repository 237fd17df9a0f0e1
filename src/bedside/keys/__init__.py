"""Keys: signing and trust, and per-subject encryption keys under a site key."""
