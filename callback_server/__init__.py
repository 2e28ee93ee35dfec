"""The only room with a window: everything that leaves the machine or arrives from outside passes here."""
