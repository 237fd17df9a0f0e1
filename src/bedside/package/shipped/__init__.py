"""Packages that come with Bedside itself: their files, and whose signature each must bear."""
