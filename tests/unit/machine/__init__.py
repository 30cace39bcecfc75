"""Parts of the state machine in tests/unit/test_machine.py: the world it acts on, what happens in it, what holds."""
