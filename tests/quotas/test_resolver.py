from bot.context import RequestContext
from bot.quotas.resolver import ApplicableLimit, OperatorLimits, UsageScope, list_applicable_limits
from bot.store.quota_limits import Kind, Limit, Period, Scope
from tests.support.quotas import ANN, BEN, CHANNEL, GUILD, UNLIMITED, USAGE_KEYS, operator_limits, requester

RED, BLUE = 801, 802
HERE = USAGE_KEYS.guild_member_key(GUILD, ANN)


def rule(
    scope: Scope, limit: int | None, target: int | None = None, kind: Kind = Kind.IMAGES, per: Period = Period.DAY
) -> Limit:
    return Limit(scope, target, kind, per, limit)


def bound(
    *rules: Limit, who: RequestContext | None = None, operator: OperatorLimits = UNLIMITED
) -> list[ApplicableLimit]:
    return list_applicable_limits(who or requester(), rules, operator, USAGE_KEYS)


def limits(found: list[ApplicableLimit]) -> dict[tuple[UsageScope, int, Kind, Period], int]:
    return {
        (each.usage_scope, each.subject, each.limit.kind, each.limit.per): each.max_amount
        for each in found
        if each.max_amount is not None
    }


def of_member(*rules: Limit, roles: tuple[int, ...] = ()) -> list[int]:
    """The limits of Ann's own that bind her in the server, the least first."""
    found = bound(*rules, who=requester(roles=roles))
    return sorted(
        each.max_amount for each in found if each.usage_scope is UsageScope.MEMBER_HERE and each.max_amount is not None
    )


def test_a_member_is_bound_by_their_own_ceilings_and_the_servers() -> None:
    assert limits(bound(operator=operator_limits(member_messages=100, server_tokens=5_000))) == {
        (UsageScope.MEMBER, USAGE_KEYS.member_key(ANN), Kind.MESSAGES, Period.DAY): 100,
        (UsageScope.SERVER, GUILD, Kind.TOKENS, Period.DAY): 5_000,
    }


def test_each_operator_value_binds_its_own_kind() -> None:
    values = dict(zip(UNLIMITED.__slots__, range(1, 8), strict=True))
    member = USAGE_KEYS.member_key(ANN)
    assert limits(bound(operator=operator_limits(**values))) == {
        (UsageScope.MEMBER, member, Kind.MESSAGES, Period.DAY): 1,
        (UsageScope.MEMBER, member, Kind.SPEECH_CHARACTERS, Period.DAY): 2,
        (UsageScope.MEMBER, member, Kind.IMAGES, Period.DAY): 3,
        (UsageScope.SERVER, GUILD, Kind.MESSAGES, Period.DAY): 4,
        (UsageScope.SERVER, GUILD, Kind.TOKENS, Period.DAY): 5,
        (UsageScope.SERVER, GUILD, Kind.SPEECH_CHARACTERS, Period.DAY): 6,
        (UsageScope.SERVER, GUILD, Kind.IMAGES, Period.DAY): 7,
    }


def test_unlimited_use_is_counted_all_the_same() -> None:
    assert len(bound()) == 7


def test_direct_messages_are_a_server_of_their_own_for_each_member() -> None:
    found = bound(who=requester(guild_id=None), operator=operator_limits(server_images=3))
    assert limits(found) == {(UsageScope.DIRECT, USAGE_KEYS.dm_key(ANN), Kind.IMAGES, Period.DAY): 3}
    assert UsageScope.SERVER not in {each.usage_scope for each in found}


def test_rules_of_all_scopes_bind_at_once() -> None:
    found = bound(
        rule(Scope.SERVER, 40, per=Period.MONTH),
        rule(Scope.CHANNEL, 30, CHANNEL),
        rule(Scope.CHANNEL, 20, per=Period.HOUR),
        rule(Scope.MEMBER, 10),
        rule(Scope.ROLE, 5, RED, per=Period.HOUR),
        who=requester(roles=[RED]),
        operator=operator_limits(server_images=100),
    )
    assert limits(found) == {
        (UsageScope.SERVER, GUILD, Kind.IMAGES, Period.MONTH): 40,
        (UsageScope.CHANNEL, CHANNEL, Kind.IMAGES, Period.DAY): 30,
        (UsageScope.CHANNEL, CHANNEL, Kind.IMAGES, Period.HOUR): 20,
        (UsageScope.MEMBER_HERE, HERE, Kind.IMAGES, Period.DAY): 10,
        (UsageScope.MEMBER_HERE, HERE, Kind.IMAGES, Period.HOUR): 5,
        (UsageScope.SERVER, GUILD, Kind.IMAGES, Period.DAY): 100,
    }


def test_a_rule_with_a_target_binds_that_one_alone() -> None:
    others = (
        rule(Scope.CHANNEL, 1, CHANNEL + 1),
        rule(Scope.MEMBER, 1, USAGE_KEYS.guild_member_key(GUILD, BEN)),
        rule(Scope.ROLE, 1, BLUE),
    )
    assert limits(bound(*others, who=requester(roles=[RED]))) == {}
    assert of_member(rule(Scope.MEMBER, 3, HERE)) == [3]


def test_each_channel_and_each_member_counts_separately() -> None:
    rules = (rule(Scope.CHANNEL, 30), rule(Scope.MEMBER, 10))
    usage_keys = {
        (each.usage_scope, each.subject)
        for who in (requester(), requester(BEN), requester(channel_id=11))
        for each in bound(*rules, who=who)
        if each.max_amount is not None
    }
    assert len(usage_keys) == 4


def test_the_kindest_of_a_members_roles_counts() -> None:
    rules = (rule(Scope.ROLE, 5, RED), rule(Scope.ROLE, 50, BLUE), rule(Scope.ROLE, 2, GUILD))
    assert of_member(*rules, roles=(RED, BLUE)) == [50]
    assert of_member(*rules, roles=(RED,)) == [5]
    assert of_member(*rules) == [2]


def test_kindness_is_within_a_kind_and_a_period() -> None:
    rules = (rule(Scope.ROLE, 5, RED, per=Period.HOUR), rule(Scope.ROLE, 50, BLUE), rule(Scope.ROLE, 70, RED))
    assert of_member(*rules, roles=(RED, BLUE)) == [5, 70]


def test_a_kind_role_does_not_lift_a_members_rule() -> None:
    assert of_member(rule(Scope.MEMBER, 10), rule(Scope.ROLE, 50, RED), roles=(RED,)) == [10, 50]


def test_a_role_without_a_limit_exempts_from_role_and_member_rules_of_its_kind() -> None:
    rules = (
        rule(Scope.ROLE, None, RED),
        rule(Scope.ROLE, 5, BLUE, per=Period.HOUR),
        rule(Scope.MEMBER, 10, per=Period.MONTH),
        rule(Scope.MEMBER, 7, HERE),
        rule(Scope.MEMBER, 100, kind=Kind.TOKENS),
    )
    assert of_member(*rules, roles=(RED, BLUE)) == [100]
    assert of_member(*rules, roles=(BLUE,)) == [5, 7, 10, 100]


def test_nothing_exempts_from_the_channels_the_servers_and_the_operators_limits() -> None:
    rules = (rule(Scope.ROLE, None, RED), rule(Scope.SERVER, 40, per=Period.HOUR), rule(Scope.CHANNEL, 30))
    found = bound(*rules, who=requester(roles=[RED]), operator=operator_limits(member_images=9, server_images=90))
    assert sorted(limits(found).values()) == [9, 30, 40, 90]


def test_that_very_member_without_a_limit_is_exempt_too() -> None:
    assert of_member(rule(Scope.MEMBER, None, HERE), rule(Scope.MEMBER, 10), rule(Scope.ROLE, 3, GUILD)) == []


def test_no_limit_for_each_member_exempts_nobody() -> None:
    assert of_member(rule(Scope.MEMBER, None), rule(Scope.ROLE, 3, GUILD)) == [3]


def test_what_an_exempt_member_uses_is_counted_where_it_would_bind_them() -> None:
    rules = (rule(Scope.ROLE, None, RED), rule(Scope.MEMBER, 10, per=Period.HOUR))
    found = [each for each in bound(*rules, who=requester(roles=[RED])) if each.usage_scope is UsageScope.MEMBER_HERE]
    assert {(each.limit.per, each.exempt, each.max_amount) for each in found} == {
        (Period.DAY, False, None),
        (Period.HOUR, True, None),
    }


def test_direct_messages_know_no_moderators() -> None:
    assert limits(bound(rule(Scope.SERVER, 1), rule(Scope.MEMBER, 1), who=requester(guild_id=None))) == {}
