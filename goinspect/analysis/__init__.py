"""Pure functions from inputs to results; they never print and never open what they were not given."""
