"""MATH500 as a suite: problems of mathematics competitions, their answers in LaTeX."""
