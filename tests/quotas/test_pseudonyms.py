from hypothesis import given
from hypothesis import strategies as st

from bot.quotas.pseudonyms import UsageKeys, hashed, key_from

KEY = key_from("a token")


@given(st.integers(0, 2**63 - 1))
def test_a_subject_fits_a_database_integer_and_is_not_the_id(member_id: int) -> None:
    subject = UsageKeys(KEY).member(member_id)
    assert 0 <= subject < 2**63
    assert subject != member_id


def test_a_subject_is_the_same_in_every_process_with_the_same_token() -> None:
    assert UsageKeys(key_from("a token")).member(5) == UsageKeys(KEY).member(5)
    assert UsageKeys(key_from("another token")).member(5) != UsageKeys(KEY).member(5)


def test_a_member_has_another_subject_in_each_server_and_in_direct_messages() -> None:
    subjects = UsageKeys(KEY)
    assert len({subjects.member(5), subjects.direct(5), *(subjects.member_here(guild, 5) for guild in range(9))}) == 11


def test_ids_side_by_side_are_not_one_long_id() -> None:
    assert hashed(KEY, "here", 1, 23) != hashed(KEY, "here", 12, 3)
