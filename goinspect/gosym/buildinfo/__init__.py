"""What the linker says of a build: its ID, versions, modules, settings."""
