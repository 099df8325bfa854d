"""How `goinspect maps` and `goinspect ps` look."""
