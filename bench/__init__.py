"""What the project's parts cost, as tables of ratios: `make bench`."""
