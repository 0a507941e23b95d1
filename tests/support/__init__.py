"""Real servers and pictures that the tests stand on."""
