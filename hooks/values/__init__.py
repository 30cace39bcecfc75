"""What the user asks for: values, read and checked. Pure, but for reading files."""
