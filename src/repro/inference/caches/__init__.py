"""What a key-value cache holds, whether it changes anything, and what it saves."""
