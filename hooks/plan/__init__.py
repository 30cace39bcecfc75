"""What has to be done, and what must not be. Pure."""
