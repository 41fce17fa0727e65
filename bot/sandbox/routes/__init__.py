"""The REST endpoints of the stand-in, one file per noun."""
