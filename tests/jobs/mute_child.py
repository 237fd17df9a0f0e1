"""A child that takes nothing of what it is told, as one does whose machine is too busy to start it."""

from __future__ import annotations

import time

if __name__ == "__main__":
    time.sleep(600)
