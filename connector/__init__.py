"""Holds the WhatsApp sockets. Never serves customers."""
