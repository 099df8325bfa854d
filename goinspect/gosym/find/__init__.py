"""Where a gopclntab is, and what it is, when nobody says so."""
