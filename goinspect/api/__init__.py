"""What `import goinspect` offers, and all that the command line uses: each answer as an object."""
