"""Brings a live GlusterFS trusted pool to what the chart's values say: observe, plan, apply."""
