"""Drawing pictures: what may be asked for, asking for it, and files that fit into a message."""
