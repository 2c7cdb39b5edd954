using static DistFS.Linearizability.RegisterInput;
using static DistFS.Linearizability.RegisterOutput;

namespace DistFS.Linearizability.Tests;

public sealed class RegisterModelTests()
    : CannedHistories<RegisterState, RegisterInput, RegisterOutput>(new RegisterModel())
{
    [Fact]
    public void Illegal_stale_read() => Illegal(
        2,
        Op(1, 0, 10, Write(1), Ok),
        Op(1, 20, 30, Write(2), Ok),
        Op(2, 40, 50, Read, Of(1)));

    /// <summary>As after a leader that acknowledged before its entry was committed.</summary>
    [Fact]
    public void Illegal_acknowledged_write_is_lost() => Illegal(
        1,
        Op(1, 0, 10, Write(1), Ok),
        Op(2, 20, 30, Read, Of(0)));

    /// <summary>Both saw 0 and both believe that they replaced it: a counter would have lost one increment.</summary>
    [Fact]
    public void Illegal_lost_update() => Illegal(
        1,
        Op(1, 0, 30, CompareAndSwap(0, 1), Swapped),
        Op(2, 10, 40, CompareAndSwap(0, 2), Swapped));

    [Fact]
    public void Illegal_value_that_nobody_wrote() => Illegal(
        1,
        Op(1, 0, 10, Write(1), Ok),
        Op(2, 20, 30, Read, Of(77)));

    /// <summary>The first reader saw the concurrent write, so a later reader must see it.</summary>
    [Fact]
    public void Illegal_reads_are_not_monotone() => Illegal(
        2,
        Op(1, 0, 100, Write(1), Ok),
        Op(2, 10, 20, Read, Of(1)),
        Op(3, 30, 40, Read, Of(0)));

    [Fact]
    public void Illegal_write_is_visible_and_then_gone() => Illegal(
        3,
        Op(1, 0, 10, Write(1), Ok),
        Op(2, 20, 30, Read, Of(1)),
        Op(3, 40, 50, Read, Of(1)),
        Op(2, 60, 70, Read, Of(0)));

    [Fact]
    public void Illegal_read_from_the_future() => Illegal(
        0,
        Op(2, 0, 10, Read, Of(1)),
        Op(1, 20, 30, Write(1), Ok));

    [Fact]
    public void Illegal_swap_without_the_expected_value() => Illegal(
        1,
        Op(1, 0, 10, Write(1), Ok),
        Op(2, 20, 30, CompareAndSwap(5, 6), Swapped));

    [Fact]
    public void Illegal_no_swap_though_the_expected_value_was_there() => Illegal(
        1,
        Op(1, 0, 10, Write(1), Ok),
        Op(2, 20, 30, CompareAndSwap(1, 2), NotSwapped));

    [Fact]
    public void Illegal_swap_that_has_no_effect() => Illegal(
        1,
        Op(1, 0, 10, CompareAndSwap(0, 1), Swapped),
        Op(2, 20, 30, Read, Of(0)));

    [Fact]
    public void Illegal_swap_that_was_refused_takes_effect() => Illegal(
        2,
        Op(1, 0, 10, Write(1), Ok),
        Op(2, 20, 30, CompareAndSwap(0, 2), NotSwapped),
        Op(3, 40, 50, Read, Of(2)));

    /// <summary>The retry of one request was executed again, over a later write.</summary>
    [Fact]
    public void Illegal_pending_write_takes_effect_twice() => Illegal(
        4,
        Open(1, 0, Write(1)),
        Op(2, 10, 20, Read, Of(1)),
        Op(2, 30, 40, Write(2), Ok),
        Op(2, 50, 60, Read, Of(2)),
        Op(3, 70, 80, Read, Of(1)));

    /// <summary>A follower that applied an uncommitted entry showed it, the next leader did not have it.</summary>
    [Fact]
    public void Illegal_pending_write_appears_and_disappears() => Illegal(
        3,
        Op(1, 0, 10, Write(1), Ok),
        Open(2, 20, Write(2)),
        Op(3, 30, 40, Read, Of(2)),
        Op(3, 50, 60, Read, Of(1)));

    [Fact]
    public void Illegal_pending_write_is_seen_before_its_call() => Illegal(
        0,
        Op(2, 0, 10, Read, Of(1)),
        Open(1, 20, Write(1)));

    /// <summary>Independent reads of independent writes: two readers disagree on the order of two writes.</summary>
    [Fact]
    public void Illegal_two_readers_see_two_writes_in_opposite_orders() => Illegal(
        5,
        Op(1, 0, 100, Write(1), Ok),
        Op(2, 0, 100, Write(2), Ok),
        Op(3, 10, 20, Read, Of(1)),
        Op(4, 12, 22, Read, Of(1)),
        Op(3, 30, 40, Read, Of(2)),
        Op(4, 50, 60, Read, Of(1)));

    [Fact]
    public void Illegal_no_swap_cannot_be_explained_by_a_write_that_came_later() => Illegal(
        1,
        Op(1, 0, 10, Write(1), Ok),
        Op(2, 20, 30, CompareAndSwap(1, 2), NotSwapped),
        Open(3, 40, Write(3)));

    [Fact]
    public void Legal_nothing_happened() => Legal();

    [Fact]
    public void Legal_only_pending() => Legal(Open(1, 0, Write(1)), Open(1, 0, CompareAndSwap(1, 2)));

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public void Legal_concurrent_read_sees_either(long seen) => Legal(
        Op(1, 0, 100, Write(1), Ok),
        Op(2, 10, 20, Read, Of(seen)));

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void Legal_concurrent_writes_in_either_order(long last) => Legal(
        Op(1, 0, 20, Write(1), Ok),
        Op(2, 10, 30, Write(2), Ok),
        Op(3, 40, 50, Read, Of(last)));

    /// <summary>The reads overlap, so the one that began later may have taken effect first.</summary>
    [Fact]
    public void Legal_overlapping_reads_see_new_and_then_old() => Legal(
        Op(1, 0, 100, Write(1), Ok),
        Op(2, 10, 90, Read, Of(1)),
        Op(3, 20, 30, Read, Of(0)));

    [Fact]
    public void Legal_pending_write_takes_effect_much_later() => Legal(
        Open(1, 0, Write(1)),
        Op(2, 10, 20, Write(2), Ok),
        Op(2, 30, 40, Read, Of(2)),
        Op(2, 50, 60, Write(3), Ok),
        Op(2, 70, 80, Read, Of(3)),
        Op(3, 1000, 1010, Read, Of(1)),
        Op(3, 1020, 1030, Read, Of(1)));

    [Fact]
    public void Legal_pending_write_never_takes_effect() => Legal(
        Open(1, 0, Write(1)),
        Op(2, 10, 20, Read, Of(0)),
        Op(2, 30, 40, Write(2), Ok),
        Op(2, 50, 60, Read, Of(2)));

    /// <summary>The client of the pending write goes on, and its later write is overtaken by the earlier.</summary>
    [Fact]
    public void Legal_a_pending_write_takes_effect_after_a_later_write_of_its_client() => Legal(
        Open(1, 0, Write(1)),
        Op(1, 10, 20, Write(2), Ok),
        Op(1, 30, 40, Read, Of(1)));

    [Fact]
    public void Legal_pending_swaps_follow_each_other() => Legal(
        Open(1, 0, CompareAndSwap(2, 3)),
        Open(2, 5, CompareAndSwap(1, 2)),
        Open(3, 7, CompareAndSwap(0, 1)),
        Op(4, 10, 20, Read, Of(0)),
        Op(4, 30, 40, Read, Of(3)));

    /// <summary>Nobody read 9, but it is why the swap was refused, and then the swap was right again.</summary>
    [Fact]
    public void Legal_a_refused_swap_is_explained_by_a_pending_write_that_nobody_read() => Legal(
        Open(1, 0, Write(9)),
        Op(2, 10, 20, CompareAndSwap(0, 1), NotSwapped),
        Op(2, 30, 40, Write(0), Ok),
        Op(2, 50, 60, CompareAndSwap(0, 1), Swapped));

    [Fact]
    public void Legal_concurrent_swaps_build_a_chain_against_the_order_of_calls() => Legal(
        Op(1, 0, 100, CompareAndSwap(2, 3), Swapped),
        Op(2, 10, 90, CompareAndSwap(1, 2), Swapped),
        Op(3, 20, 80, CompareAndSwap(0, 1), Swapped),
        Op(4, 110, 120, Read, Of(3)));

    /// <summary>Equal stamps overlap: the answer does not count as before the call.</summary>
    [Fact]
    public void Legal_equal_stamps_overlap() => Legal(
        Op(1, 0, 10, Write(1), Ok),
        Op(2, 10, 10, Read, Of(0)),
        Op(3, 10, 20, Read, Of(1)));

    [Fact]
    public void The_first_value_is_the_models() => Assert.True(LinearizabilityChecker.Check(
        new RegisterModel(5), new History<RegisterInput, RegisterOutput>([Op(1, 0, 1, Read, Of(5))])).IsLinearizable);
}
