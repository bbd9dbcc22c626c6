"""`target-pipedrive setup`: makes the custom fields a load needs."""
