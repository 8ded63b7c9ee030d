"""The sandbox: a WhatsApp stand-in that the unmodified neonize links to, sends through and receives from."""
