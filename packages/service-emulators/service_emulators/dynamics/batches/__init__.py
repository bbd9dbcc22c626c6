"""Several requests or rows at once: `$batch` and the bulk messages (fact sheet sections 10 and 11)."""
