"""Views: what a question sees of stacks. Computed from `Stacks` alone, whatever they were read from; drawn by `render`."""
