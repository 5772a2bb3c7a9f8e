"""Work that is not done twice: beginnings of calls, answers to similar questions, questions for a small model."""
