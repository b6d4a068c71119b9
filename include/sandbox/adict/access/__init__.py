"""Access rights: who may read which meter, how a contract's holder answers, and what proves a consent."""
