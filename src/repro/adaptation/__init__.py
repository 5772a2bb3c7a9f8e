"""Fine-tuning of few parameters: a base of four bits per weight, adapters beside it, and the bytes of a step."""
