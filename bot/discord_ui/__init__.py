"""Discord's face of things: interactions become plain values, plain values become messages."""
