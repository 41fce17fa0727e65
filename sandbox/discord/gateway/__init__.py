"""The gateway and its sessions."""
