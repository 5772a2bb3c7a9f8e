"""The loss surface and the power laws of one variable, with the minimisers that fit them."""
