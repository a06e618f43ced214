"""What perspectives leave in a student's hidden states: measures, a session, tables, pictures."""
