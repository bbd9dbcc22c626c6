"""`target-dynamics setup`: makes the columns and alternate keys a load needs, and waits until the keys work."""
