"""An exchange on loopback that speaks the protocols of real venues, with a ledger that tells the truth."""
