"""Whole tables and batches of PCs, by numpy."""
