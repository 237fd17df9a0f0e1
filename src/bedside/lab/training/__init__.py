"""Trains networks: one loop for every task, resumed exactly, with a record of the run."""
