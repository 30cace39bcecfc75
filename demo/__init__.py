"""`make demo`: the chart on a real cluster, told command by command."""
