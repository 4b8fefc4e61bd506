"""What is special about each resource: one row of the table, one strategy a file."""
