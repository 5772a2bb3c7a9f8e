"""Preferences, rewards and policies: what alignment methods optimise, exactly where that can be had, else sampled."""
