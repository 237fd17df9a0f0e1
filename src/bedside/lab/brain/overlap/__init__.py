"""How far a brain mask can be believed: hard drawn cases, and what is learnt of them."""
