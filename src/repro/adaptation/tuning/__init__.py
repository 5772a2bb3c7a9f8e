"""Fine-tuning by adapters or whole: what it teaches, what it forgets, and what a rank can hold."""
