"""The command line, `offbook`, a file a command."""
