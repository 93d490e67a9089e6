"""Generated from proto/ by `make proto`; not for editing."""
