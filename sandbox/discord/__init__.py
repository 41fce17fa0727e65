"""Discord on one loopback port: its state, REST API, gateway and voice, as strict as the real one."""
