"""What happens, in order; one deployment each."""
