"""Brings a live GlusterFS trusted pool to what the chart's values ask for: observe, plan, apply.

Packages import only from those before them: text and wait, values, gluster, plan and kube, run, cli.
"""
