"""Durable work: a table of jobs, the sealed files that belong to them, and who does them."""
