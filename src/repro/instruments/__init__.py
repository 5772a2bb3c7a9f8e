"""What a run is read by: its time in turns with others, its bytes, the device that it wants."""
