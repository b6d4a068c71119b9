"""Commands that whoever has taken over a service may send to Redis, to reach what is not its own."""

from __future__ import annotations

from typing import Any

ATTACKERS = ("worker", "quota")
"""Whom a worker of households, and the API server, come in as."""

WRITES: list[tuple[Any, ...]] = [
    # The queue itself, as it is and by priority
    *((command, key, "forged") for command in ("LPUSH", "RPUSH") for key in ("deletion", "deletion\x06\x163")),
    ("LPUSHX", "deletion", "forged"),
    ("LINSERT", "deletion", "BEFORE", "a deletion, with its token", "forged"),
    ("LSET", "deletion", 0, "forged"),
    ("LTRIM", "deletion", 1, 0),
    ("SET", "deletion", "forged"),
    ("SETEX", "deletion", 9, "forged"),
    ("DEL", "deletion"),
    ("UNLINK", "deletion"),
    ("EXPIRE", "deletion", 0),
    # From a key of one's own
    ("RENAME", "default", "deletion"),
    ("RENAMENX", "default", "new"),
    ("COPY", "default", "deletion", "REPLACE"),
    ("MOVE", "default", 5),
    ("SORT", "default", "ALPHA", "STORE", "deletion"),
    ("LMOVE", "default", "deletion", "LEFT", "LEFT"),
    ("BLMOVE", "default", "deletion", "LEFT", "LEFT", 1),
    ("RPOPLPUSH", "default", "deletion"),
    ("BRPOPLPUSH", "default", "deletion", 1),
    ("SUNIONSTORE", "deletion", "no-set"),
    # What the deletions' worker has taken, and would put back into the queue that is named there
    ("HSET", "deletion.unacked", "tag", "forged"),
    ("HDEL", "deletion.unacked", "tag"),
    ("ZADD", "deletion.unacked_index", 0, "forged"),
    ("SET", "deletion.unacked_mutex", "forged", "NX", "EX", 9),
    # The same under the names that all workers share where Celery is left as it is
    ("HSET", "unacked", "tag", "forged"),
    ("ZADD", "unacked_index", 0, "forged"),
    # Where Celery would look for the queues of an exchange, and whom a worker answers
    ("SADD", "_kombu.binding.deletion", "deletion\x06\x16\x06\x16default"),
    ("SADD", "_kombu.binding.default", "default\x06\x16\x06\x16deletion"),
    ("ZADD", "_kombu.binding_deadlines", 0, "deletion"),
    ("LPUSH", "x.reply.celery.pidbox", "forged"),
    ("PUBLISH", "/0.celery.pidbox", "forged"),
    ("PUBLISH", "/0.deletion.pidbox", "forged"),
    # Lua
    ("EVAL", "return redis.call('LPUSH', KEYS[1], 'forged')", 1, "deletion"),
    ("EVAL", "return redis.call('LPUSH', 'deletion', 'forged')", 0),
    ("SCRIPT", "LOAD", "return 1"),
    ("FUNCTION", "LOAD", "REPLACE", "#!lua name=x\nredis.register_function('x', function() return 1 end)"),
]
READS: list[tuple[Any, ...]] = [
    ("LRANGE", "deletion", 0, -1),
    ("LLEN", "deletion"),
    ("BRPOP", "deletion", 1),
    ("BRPOP", "default", "deletion", 1),
    ("HGET", "deletion.unacked", "tag"),
    ("HGETALL", "deletion.unacked"),
    ("ZRANGE", "deletion.unacked_index", 0, -1),
    ("DUMP", "deletion"),
    ("KEYS", "*"),
    ("SCAN", 0),
    ("RANDOMKEY",),
    ("DBSIZE",),
    ("INFO",),
    ("CLIENT", "LIST"),
    ("PUBSUB", "CHANNELS"),
]
NOBODYS = [
    *("FLUSHDB", "FLUSHALL", "SWAPDB 0 1", "SHUTDOWN NOSAVE", "CONFIG SET requirepass x", "CONFIG GET dir", "MONITOR"),
    *("ACL SETUSER worker +@all", "ACL LIST", "ACL GETUSER deletion", "DEBUG SLEEP 0", "REPLICAOF 127.0.0.1 1"),
    *(
        "SLAVEOF 127.0.0.1 1",
        "MODULE LIST",
        "MODULE LOAD x",
        "SAVE",
        "BGSAVE",
        "BGREWRITEAOF",
        "FAILOVER",
        "PSYNC ? -1",
    ),
    *("CLIENT KILL TYPE normal", "CLIENT PAUSE 1000", "CLIENT NO-EVICT on", "CLIENT TRACKING on", "SCRIPT FLUSH"),
    *("SCRIPT KILL", "FUNCTION FLUSH", "EVALSHA 0 0", "FCALL x 0", "SLOWLOG GET", "LATENCY RESET", "CLUSTER INFO"),
    *("MIGRATE 127.0.0.1 1 default 0 1", "SUBSCRIBE /0.celery.pidbox", "PSUBSCRIBE *", "SSUBSCRIBE x", "MEMORY DOCTOR"),
    *("OBJECT HELP", "WAIT 0 0", "LOLWUT", "RESTORE deletion 0 forged", "RESTORE default 0 forged"),
]
"""What no user may at all."""
