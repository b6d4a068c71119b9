"""Access rights: who may read which meter, holders' answers, proofs."""
