"""One meter: what is asked of GRDF about it, how the answer is stored and noted on its account, and taken back."""
