"""One immutable record per answer: these modules are the JSON schema, one per command.

A command makes one of these and hands it to a renderer, so that table, JSON and picture cannot disagree.
"""
