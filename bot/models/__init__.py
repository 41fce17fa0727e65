"""Which models there are, what each is for, and which of them may be chosen."""
