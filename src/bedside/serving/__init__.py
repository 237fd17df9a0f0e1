"""The use cases at the bedside: predict, decide, trace. One handler behind every door."""
