using static DistFS.Linearizability.LockInput;
using static DistFS.Linearizability.LockOutput;

namespace DistFS.Linearizability.Tests;

public sealed class LockModelTests() : CannedHistories<LockState, LockInput, LockOutput>(new LockModel())
{
    [Fact]
    public void Illegal_two_holders() => Illegal(
        1,
        Op(1, 0, 10, Acquire, Granted(1)),
        Op(2, 20, 30, Acquire, Granted(2)));

    [Fact]
    public void Illegal_two_holders_at_once() => Illegal(
        1,
        Op(1, 0, 30, Acquire, Granted(1)),
        Op(2, 10, 40, Acquire, Granted(2)));

    /// <summary>As after a restart that forgot the counter: a store would take the new holder for an old one.</summary>
    [Fact]
    public void Illegal_token_goes_backwards() => Illegal(
        2,
        Op(1, 0, 10, Acquire, Granted(7)),
        Op(1, 20, 30, Release(7), Yes),
        Op(2, 40, 50, Acquire, Granted(3)));

    [Fact]
    public void Illegal_token_is_given_twice() => Illegal(
        2,
        Op(1, 0, 10, Acquire, Granted(7)),
        Op(1, 20, 30, Release(7), Yes),
        Op(2, 40, 50, Acquire, Granted(7)));

    [Fact]
    public void Illegal_busy_though_free() => Illegal(
        2,
        Op(1, 0, 10, Acquire, Granted(1)),
        Op(1, 20, 30, Release(1), Yes),
        Op(2, 40, 50, Acquire, Busy));

    [Fact]
    public void Illegal_busy_before_anybody_asked() => Illegal(
        0,
        Op(2, 0, 10, Acquire, Busy),
        Op(1, 20, 30, Acquire, Granted(1)));

    [Fact]
    public void Illegal_old_token_is_valid_after_release() => Illegal(
        2,
        Op(1, 0, 10, Acquire, Granted(1)),
        Op(1, 20, 30, Release(1), Yes),
        Op(1, 40, 50, Check(1), Yes));

    /// <summary>What fencing is for: a holder that slept through the end of its lease.</summary>
    [Fact]
    public void Illegal_old_token_is_valid_after_the_lease_ended() => Illegal(
        3,
        Op(1, 0, 10, Acquire, Granted(1)),
        Open(9, 15, Break),
        Op(2, 20, 30, Acquire, Granted(2)),
        Op(1, 40, 50, Check(1), Yes));

    [Fact]
    public void Illegal_old_holder_releases_the_new_ones_lock() => Illegal(
        3,
        Op(1, 0, 10, Acquire, Granted(1)),
        Op(9, 15, 18, Break, Yes),
        Op(2, 20, 30, Acquire, Granted(2)),
        Op(1, 40, 50, Release(1), Yes));

    [Fact]
    public void Illegal_holder_is_denied() => Illegal(
        1,
        Op(1, 0, 10, Acquire, Granted(1)),
        Op(1, 20, 30, Check(1), No));

    /// <summary>A lease that ended once explains one new holder, not two.</summary>
    [Fact]
    public void Illegal_one_end_of_a_lease_for_two_new_holders() => Illegal(
        3,
        Op(1, 0, 10, Acquire, Granted(1)),
        Open(9, 15, Break),
        Op(2, 20, 30, Acquire, Granted(2)),
        Op(3, 40, 50, Acquire, Granted(3)));

    /// <summary>The pending acquisition made the lock busy, so it has a token, which must be less than 2 and more
    /// than 1.</summary>
    [Fact]
    public void Illegal_token_that_a_pending_acquisition_must_have() => Illegal(
        5,
        Op(1, 0, 10, Acquire, Granted(1)),
        Op(1, 20, 30, Release(1), Yes),
        Open(2, 40, Acquire),
        Op(3, 50, 60, Acquire, Busy),
        Op(9, 70, 80, Break, Yes),
        Op(3, 90, 95, Acquire, Granted(2)));

    [Fact]
    public void Legal_handed_over_with_growing_tokens() => Legal(
        Op(1, 0, 10, Acquire, Granted(3)),
        Op(2, 12, 18, Acquire, Busy),
        Op(1, 20, 30, Check(3), Yes),
        Op(1, 40, 50, Release(3), Yes),
        Op(2, 60, 70, Acquire, Granted(8)),
        Op(1, 80, 90, Check(3), No),
        Op(1, 100, 110, Release(3), No));

    /// <summary>The release came after the call of the acquisition that it made possible.</summary>
    [Fact]
    public void Legal_granted_while_the_release_is_on_its_way() => Legal(
        Op(1, 0, 10, Acquire, Granted(1)),
        Op(2, 20, 50, Acquire, Granted(2)),
        Op(1, 30, 60, Release(1), Yes));

    [Fact]
    public void Legal_pending_acquisition_makes_the_lock_busy() => Legal(
        Open(1, 0, Acquire),
        Op(2, 10, 20, Acquire, Busy),
        Op(9, 30, 40, Break, Yes),
        Op(2, 50, 60, Acquire, Granted(2)));

    [Fact]
    public void Legal_pending_acquisition_never_happens() => Legal(
        Open(1, 0, Acquire),
        Op(2, 10, 20, Acquire, Granted(1)),
        Op(2, 30, 40, Release(1), Yes),
        Op(3, 50, 60, Acquire, Granted(2)));

    [Fact]
    public void Legal_pending_release_happens_late() => Legal(
        Op(1, 0, 10, Acquire, Granted(1)),
        Open(1, 20, Release(1)),
        Op(2, 30, 40, Acquire, Busy),
        Op(2, 50, 60, Acquire, Granted(2)),
        Op(1, 70, 80, Check(1), No));

    [Fact]
    public void Legal_the_token_of_a_pending_acquisition_is_found_out() => Legal(
        Open(1, 0, Acquire),
        Op(1, 10, 20, Check(5), Yes),
        Op(1, 30, 40, Release(5), Yes),
        Op(2, 50, 60, Acquire, Granted(6)));

    /// <summary>A pending release of an old token must not free the lock of the new holder, and need not.</summary>
    [Fact]
    public void Legal_a_late_release_of_an_old_token_does_nothing() => Legal(
        Op(1, 0, 10, Acquire, Granted(1)),
        Open(1, 20, Release(1)),
        Op(9, 30, 40, Break, Yes),
        Op(2, 50, 60, Acquire, Granted(2)),
        Op(3, 70, 80, Acquire, Busy));
}
