"""All that knows an API server."""
