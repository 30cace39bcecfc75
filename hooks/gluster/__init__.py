"""One trusted pool: commands in, facts out. All modules only read; `scripts` also has what a plan's steps run."""
