"""`target-zoho setup`: makes the custom fields a load needs."""
