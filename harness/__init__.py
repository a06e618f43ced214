"""The door to running things: it crosses contenders and suites into heats, records and one leaderboard."""
