"""Lives: what may happen to some households, as hypothesis draws it."""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from tests.model.leader import ODD_CODES, Life, Step
from tests.model.world import ACCOUNTS, METERS

STARTS = ("2026-04-20", "2026-01-03", "2026-03-27", "2026-10-22", "2028-02-27")
"""An ordinary day, New Year, the two changes of clock, a leap day."""

account_ids = st.sampled_from((ACCOUNTS[0], *ACCOUNTS[:2], *ACCOUNTS))
numbers_of_meters = st.sampled_from((0, 0, 1, *range(len(METERS))))
ways = st.sampled_from(("page", "cozy", "code"))
FAULTS = ("503", "500", "429", "down", "cut", "slow", "half", "403", "401", "kill", "kill after")
SOON = (0, 1, 2, 2, 3, 3, 4, 5, 6, 8, 11, 15, 20)
"""At which of the next requests something happens: most of a task's questions to GRDF are among its first."""


def connects_of(who: SearchStrategy[str]) -> SearchStrategy[Step]:
    """Return what the households of some accounts may consent to."""
    return st.tuples(
        st.just("connect"),
        who,
        st.lists(numbers_of_meters, min_size=1, max_size=2, unique=True),
        ways,
        st.sampled_from((20, 5, 60, 40)),
        st.sampled_from((400, 0, -3, 5)),
        st.sampled_from((400, 1100, 10, 2)),
        st.sampled_from(("", "beside", "beside", "narrow")),
    )


connects = connects_of(account_ids)
revokes = st.tuples(st.just("revoke"), numbers_of_meters, account_ids, st.sampled_from(("TITULAIRE", "GRDF")))
moves = st.tuples(st.just("move"), numbers_of_meters, account_ids, account_ids, ways)
days = st.tuples(st.just("days"), st.integers(1, 4))
extracts = st.tuples(st.just("extract"), account_ids, st.sampled_from(("scheduled", "manual")))
loads = st.tuples(st.just("load"), account_ids)
runs = st.tuples(st.just("run"), account_ids)
leaves = st.tuples(st.just("leave"), account_ids, st.booleans(), st.sampled_from((9, 9, 9, 5, 4, 3, 2)))
histories = st.tuples(
    st.just("history"), account_ids, st.integers(3, 60), st.sampled_from((3, 10, 60)), st.booleans()
)  # fmt: skip
corrections = st.tuples(
    st.just("correct"), numbers_of_meters, st.integers(2, 30), st.one_of(st.integers(1, 99), st.none())
)
holes = st.tuples(st.just("hole"), numbers_of_meters, st.integers(3, 60), st.sampled_from((1, 4, 15)))
others: SearchStrategy[Step] = st.one_of(connects, revokes, moves, runs, corrections, histories, leaves, loads)


def at_work(kind: str, *more: SearchStrategy[object]) -> SearchStrategy[Step]:
    """Return what happens while an account is at work: most often its own household does something."""
    return account_ids.flatmap(
        lambda who: st.tuples(st.just(kind), st.just(who), *more, st.one_of(connects_of(st.just(who)), others))
    )


def overlaps(who: str) -> SearchStrategy[Step]:
    """Return two consents of one household, the second while what the first allows is being read."""
    mine = connects_of(st.just(who))
    return st.tuples(st.just("overlap"), mine, st.sampled_from((-1, -1, -1, *SOON)), mine)


KINDS: dict[str, tuple[int, SearchStrategy[Step]]] = {
    "connect": (5, connects),
    "days": (5, days),
    "extract": (2, extracts),
    "load": (1, loads),
    "run": (1, runs),
    "revoke": (1, revokes),
    "move": (2, moves),
    "hole": (2, holes),
    "fill": (1, st.tuples(st.just("fill"), numbers_of_meters)),
    "correct": (2, corrections),
    "refuse": (2, st.tuples(st.just("refuse"), numbers_of_meters, st.integers(0, len(ODD_CODES) - 1))),
    "relent": (1, st.tuples(st.just("relent"), numbers_of_meters)),
    "partial": (1, st.tuples(st.just("partial"), numbers_of_meters, st.integers(1, 40), st.integers(1, 5))),
    "lists": (1, st.tuples(st.just("lists"), st.sampled_from(("cut", "empty", "odd")), st.integers(1, 2))),
    "wrong": (1, st.tuples(st.just("wrong"), st.sampled_from((30, 200, 0, 0, -30)))),
    "pass": (1, st.tuples(st.just("pass"), st.sampled_from((1, 26, 200, 1000)))),
    "set": (
        1,
        st.one_of(
            st.tuples(st.just("set"), st.just("reread_days"), st.sampled_from((5, 0, 2, 30, 62))),
            st.tuples(st.just("set"), st.just("publication_days"), st.sampled_from((1, 0, 2, 4))),
        ),
    ),
    "trouble": (
        3,
        st.tuples(
            st.just("trouble"), st.sampled_from(("grdf", "couch")), st.integers(0, 12), st.sampled_from(FAULTS),
            st.sampled_from((1, 1, 2, 9)),
        ),
    ),
    "meanwhile": (2, st.tuples(st.just("meanwhile"), st.sampled_from(SOON), others)),
    "during": (3, at_work("during", st.sampled_from(SOON))),
    "between": (3, at_work("between")),
    "overlap": (3, account_ids.flatmap(overlaps)),
    "backfill": (1, st.tuples(st.just("backfill"), account_ids, st.integers(2, 40))),
    "history": (1, histories),
    "published": (1, st.just(("published",))),
    "leave": (2, leaves),
    "check": (1, st.just(("check",))),
}  # fmt: skip


def any_life(most: int = 24) -> SearchStrategy[Life]:
    """Return lives.

    :param most: steps at most
    """
    kinds = [name for name, (weight, _) in KINDS.items() for _ in range(weight)]
    step = st.sampled_from(kinds).flatmap(lambda name: KINDS[name][1])
    return st.tuples(st.sampled_from(STARTS), st.lists(step, min_size=4, max_size=most))
