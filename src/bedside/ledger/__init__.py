"""The append-only Merkle log of everything that happens at a site, and its proofs."""
