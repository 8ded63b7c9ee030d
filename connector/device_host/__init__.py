"""The child process that holds the WhatsApp sockets: the only place that imports neonize."""
