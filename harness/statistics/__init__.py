"""What numbers allow to say: intervals, clustered and crossed, and tests."""
