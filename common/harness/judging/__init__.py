"""Tests of this room, and what they start."""
