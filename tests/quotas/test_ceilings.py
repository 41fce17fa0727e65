from callers import ANN, GUILD, UNLIMITED, caller, ceilings

from bot.quotas.rules import Kind, Scope


def limits(rules: list) -> dict:
    return {(rule.scope, rule.subject, rule.kind): rule.limit for rule in rules if rule.limit is not None}


def test_a_member_is_bound_by_their_own_ceilings_and_the_servers() -> None:
    rules = ceilings(member_messages=100, server_tokens=5_000).rules_for(caller())
    assert limits(rules) == {
        (Scope.MEMBER, ANN, Kind.MESSAGES): 100,
        (Scope.SERVER, GUILD, Kind.TOKENS): 5_000,
    }


def test_each_operator_value_binds_its_own_kind() -> None:
    values = dict(zip(UNLIMITED.__slots__, range(1, 8), strict=True))
    assert limits(ceilings(**values).rules_for(caller())) == {
        (Scope.MEMBER, ANN, Kind.MESSAGES): 1,
        (Scope.MEMBER, ANN, Kind.SPEECH_CHARACTERS): 2,
        (Scope.MEMBER, ANN, Kind.IMAGES): 3,
        (Scope.SERVER, GUILD, Kind.MESSAGES): 4,
        (Scope.SERVER, GUILD, Kind.TOKENS): 5,
        (Scope.SERVER, GUILD, Kind.SPEECH_CHARACTERS): 6,
        (Scope.SERVER, GUILD, Kind.IMAGES): 7,
    }


def test_unlimited_use_is_counted_all_the_same() -> None:
    assert len(UNLIMITED.rules_for(caller())) == 7
    assert len(UNLIMITED.server_rules_for(caller())) == 4


def test_direct_messages_are_a_server_of_their_own_for_each_member() -> None:
    (rule,) = [rule for rule in ceilings(server_images=3).rules_for(caller(guild_id=None)) if rule.limit]
    assert (rule.scope, rule.subject) == (Scope.SERVER, -ANN)
    assert rule.for_direct_messages
