"""The HTTP API, one file of endpoints per resource."""
