"""Named addresses: as a list, as JSON, and in the text that they came in."""
