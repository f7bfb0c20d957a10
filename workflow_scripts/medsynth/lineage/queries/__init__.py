"""What the record can be asked, one module a question: functions that return data."""
