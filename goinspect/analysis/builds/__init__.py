"""What a file is and how it was built; several builds side by side."""
