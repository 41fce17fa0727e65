from hypothesis import given
from hypothesis import strategies as st

from bot.quotas.resolver import UsageKeys, derive_key, keyed_hash

KEY = derive_key("a token")


@given(st.integers(0, 2**63 - 1))
def test_a_subject_fits_a_database_integer_and_is_not_the_id(member_id: int) -> None:
    subject = UsageKeys(KEY).member_key(member_id)
    assert 0 <= subject < 2**63
    assert subject != member_id


def test_a_subject_is_the_same_in_every_process_with_the_same_token() -> None:
    assert UsageKeys(derive_key("a token")).member_key(5) == UsageKeys(KEY).member_key(5)
    assert UsageKeys(derive_key("another token")).member_key(5) != UsageKeys(KEY).member_key(5)


def test_a_member_has_another_subject_in_each_server_and_in_direct_messages() -> None:
    usage_keys = UsageKeys(KEY)
    assert (
        len(
            {
                usage_keys.member_key(5),
                usage_keys.dm_key(5),
                *(usage_keys.guild_member_key(guild, 5) for guild in range(9)),
            }
        )
        == 11
    )


def test_ids_side_by_side_are_not_one_long_id() -> None:
    assert keyed_hash(KEY, "here", 1, 23) != keyed_hash(KEY, "here", 12, 3)
