"""From stacks of expansions to stacks of frames, and where these are."""
