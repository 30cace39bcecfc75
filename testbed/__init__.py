"""A real Kubernetes cluster on one Linux machine, with the faults that storage tests need. See README.md."""
