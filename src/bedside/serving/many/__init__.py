"""Many volumes at once by one package: found in a folder, analysed side by side, resumable; nothing is recorded."""
