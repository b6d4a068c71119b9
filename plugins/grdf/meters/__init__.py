"""What operators share about one meter: asking GRDF, storing and recording the answer, taking it back."""
