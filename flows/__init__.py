"""What runs, when, in which order: the night, the commands. May import everything below it."""
