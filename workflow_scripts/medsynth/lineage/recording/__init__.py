"""What a job leaves behind: its record, whatever its rule or its end."""
