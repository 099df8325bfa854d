"""What a name says: package, module, whose code it is."""
