"""The way in: a CONNECT proxy that ends TLS itself; behind it WhatsApp's websocket and its media hosts."""
