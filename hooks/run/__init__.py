"""Carries out what was decided; one file a command."""
