"""What operators share about one meter: asking GRDF, storing and recording the answer, and taking it back."""
