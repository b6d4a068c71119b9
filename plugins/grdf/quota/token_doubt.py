"""GRDF refuses the token that all workers share (HTTP 401): one of them finds out whether it accepts a new one.

Meanwhile the others wait, because each of their calls would be refused and counted. If GRDF refuses the new token as
well, nobody calls for a while that doubles each time: then the client's id or secret is wrong, and a person has to act.
"""

from __future__ import annotations

from dataclasses import dataclass

from grdf.quota.allowance import Bearer, Purpose

FIRST_DOUBT, LONGEST_DOUBT = 2.0, 3600.0
"""Seconds of the first and of the longest pause after GRDF refused the shared token and then a new one."""
PROBE = 90.0
"""Longest time in seconds that others wait while one worker finds out whether GRDF accepts a new token."""
LOOK_AGAIN = 2.0
"""Seconds after which waiting callers check whether the result is known. Usually it is known at once."""


@dataclass
class TokenDoubt:
    """What all workers know of the refused token.

    :param until: how long nobody calls (epoch seconds)
    :param pause: length of the last pause (seconds); 0 while a worker is finding out
    :param credentials: the credentials that GRDF refuses
    :param prober: the worker that is finding out
    """

    until: float = 0.0
    pause: float = 0.0
    credentials: str = ""
    prober: str = ""

    def refused(self, now: float, bearer: Bearer) -> bool:
        """Record that GRDF refused the shared token. Nobody else calls until it is known whether a new one is accepted.

        :return: whether this worker is the one to find out
        """
        if self.prober and self.prober != bearer.worker and self.until > now:
            return False
        if self.until <= now:
            self.pause = self.pause if now - self.until < max(60.0, 2 * self.pause) else 0.0
            self.until = now + PROBE
        self.prober, self.credentials = bearer.worker, bearer.credentials
        return True

    def judged(self, now: float, bearer: Bearer, *, refused: bool | None) -> float:
        """Record whether GRDF accepts a new token.

        :param refused: whether the new token was refused, too; ``None`` if unknown
        :return: seconds during which nobody calls
        """
        if refused is None and self.prober != bearer.worker:
            return 0.0
        self.prober = ""
        if refused:
            self.pause = min(2 * self.pause, LONGEST_DOUBT) if self.pause else FIRST_DOUBT
            self.until, self.credentials = now + self.pause, bearer.credentials
        else:
            self.pause, self.until = (0.0 if refused is False else self.pause), now
        return self.until - now

    def wait(self, now: float, purpose: Purpose, bearer: Bearer) -> float:
        """Return how many seconds a call waits because GRDF refuses the shared token.

        Calls with other credentials do not wait.
        """
        if purpose == "connect" or self.until <= now or bearer.credentials != self.credentials:
            return 0.0
        if self.prober and (not bearer.data or bearer.worker == self.prober):
            return 0.0
        return min(self.until - now, LOOK_AGAIN) if self.prober else self.until - now

    def probes(self, bearer: Bearer) -> bool:
        """Return whether a call is the one that tries a new token. It goes before those that wait for its result."""
        return bearer.data and bearer.worker == self.prober != ""
