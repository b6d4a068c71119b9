"""What the monthly reading of all accounts decides: who is due, and for which clients it goes on."""
