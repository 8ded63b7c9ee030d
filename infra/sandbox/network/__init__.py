"""WhatsApp's side of the wire: accounts, logins and routing. It never sees a plaintext."""
