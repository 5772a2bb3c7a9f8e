"""From logits to tokens: laws, where chance enters, and a decoder stripped to what decoding needs."""
