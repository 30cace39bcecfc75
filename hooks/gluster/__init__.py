"""One trusted pool: commands in, facts out. Reads only."""
