"""Fine-tuning few parameters: a base of four bits a weight, adapters beside it, and the bytes that a step needs.

`one_step` and `step_law` need no torch.
"""
