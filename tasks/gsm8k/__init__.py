"""GSM8K as a suite: word problems of grade-school arithmetic, of two to eight steps."""
