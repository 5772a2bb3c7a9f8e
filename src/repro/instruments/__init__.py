"""Instruments that read a run: its time by turns, its bytes, its graphs, and the device that it wants."""
