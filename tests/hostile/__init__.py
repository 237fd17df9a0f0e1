"""Files that were made to do harm, and the proof that each is refused by name."""
