"""Policies over a list of answers, where every expectation is a sum and every optimum is known."""
