"""From recorded addresses or printed names to distinct, named, weighted stacks."""
