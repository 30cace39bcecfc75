"""What the user asks for: values, read (by Helm, outside the cluster), checked and put into plain types."""
