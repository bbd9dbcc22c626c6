"""`target-pipedrive doctor`: tries everything a load needs, and says what is wrong and what helps."""
