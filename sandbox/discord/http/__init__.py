"""The REST API, one file of endpoints per resource."""
