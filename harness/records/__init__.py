"""Where bytes stay: records, rows, exams, and the store that holds them."""
