"""How dates are written, where Django's own way differs from that of the public pages."""
