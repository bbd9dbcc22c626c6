"""Commands beside the mapper itself, for those who write mappings."""
