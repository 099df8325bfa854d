"""What the report tells beside stacks."""
