"""Made-up languages whose statistics are known."""
