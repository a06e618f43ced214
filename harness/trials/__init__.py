"""What is measured: heats, exams, and what becomes of their answers."""
