"""What every room stands on: scales, measurements, identity, provenance, places and estimates."""
