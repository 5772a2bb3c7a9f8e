"""What every room stands on: scales, measurements, identity, provenance, places, estimates and arrays."""
