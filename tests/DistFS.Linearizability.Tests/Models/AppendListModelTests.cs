using static DistFS.Linearizability.AppendInput;
using static DistFS.Linearizability.AppendOutput;

namespace DistFS.Linearizability.Tests;

public sealed class AppendListModelTests()
    : CannedHistories<AppendedList, AppendInput, AppendOutput>(new AppendListModel())
{
    [Fact]
    public void Illegal_duplicated_append() => Illegal(
        1,
        Op(1, 0, 10, Append(1), Ok),
        Op(2, 20, 30, Read, Of(1, 1)));

    /// <summary>The retry of a request was executed although the first try had been.</summary>
    [Fact]
    public void Illegal_pending_append_happens_twice() => Illegal(
        2,
        Open(1, 0, Append(1)),
        Op(2, 10, 20, Append(2), Ok),
        Op(2, 30, 40, Read, Of(1, 2, 1)));

    [Fact]
    public void Illegal_appends_are_reordered_against_time() => Illegal(
        2,
        Op(1, 0, 10, Append(1), Ok),
        Op(2, 20, 30, Append(2), Ok),
        Op(3, 40, 50, Read, Of(2, 1)));

    [Fact]
    public void Illegal_readers_see_concurrent_appends_in_two_orders() => Illegal(
        3,
        Op(1, 0, 20, Append(1), Ok),
        Op(2, 10, 30, Append(2), Ok),
        Op(3, 40, 50, Read, Of(2, 1)),
        Op(4, 60, 70, Read, Of(1, 2)));

    [Fact]
    public void Illegal_acknowledged_append_is_missing() => Illegal(
        2,
        Op(1, 0, 10, Append(1), Ok),
        Op(2, 20, 30, Append(2), Ok),
        Op(3, 40, 50, Read, Of(2)));

    [Fact]
    public void Illegal_list_shrinks() => Illegal(
        3,
        Op(1, 0, 10, Append(1), Ok),
        Open(2, 12, Append(2)),
        Op(3, 20, 30, Read, Of(1, 2)),
        Op(3, 40, 50, Read, Of(1)));

    /// <summary>Two leaders that both serve.</summary>
    [Fact]
    public void Illegal_list_forks() => Illegal(
        4,
        Op(1, 0, 10, Append(1), Ok),
        Op(2, 20, 90, Append(2), Ok),
        Op(3, 22, 92, Append(3), Ok),
        Op(4, 30, 40, Read, Of(1, 2)),
        Op(5, 32, 42, Read, Of(1, 3)));

    [Fact]
    public void Illegal_value_that_nobody_appended() => Illegal(
        1,
        Op(1, 0, 10, Append(1), Ok),
        Op(2, 20, 30, Read, Of(1, 9)));

    [Fact]
    public void Illegal_read_from_the_future() => Illegal(
        0,
        Op(2, 0, 10, Read, Of(1)),
        Op(1, 20, 30, Append(1), Ok));

    /// <summary>Another append overwrote it: both got the same offset.</summary>
    [Fact]
    public void Illegal_append_takes_the_place_of_another() => Illegal(
        3,
        Op(1, 0, 20, Append(1), Ok),
        Op(2, 5, 70, Append(2), Ok),
        Op(3, 30, 40, Read, Of(1)),
        Op(3, 50, 60, Read, Of(2)));

    [Theory]
    [InlineData(1, 2)]
    [InlineData(2, 1)]
    public void Legal_concurrent_appends_in_either_order(long first, long second) => Legal(
        Op(1, 0, 20, Append(1), Ok),
        Op(2, 10, 30, Append(2), Ok),
        Op(3, 40, 50, Read, Of(first, second)));

    [Fact]
    public void Legal_pending_append_takes_effect_much_later() => Legal(
        Open(1, 0, Append(1)),
        Op(2, 10, 20, Append(2), Ok),
        Op(3, 30, 40, Read, Of(2)),
        Op(2, 50, 60, Append(3), Ok),
        Op(3, 70, 80, Read, Of(2, 3, 1)));

    [Fact]
    public void Legal_pending_append_never_takes_effect() => Legal(
        Open(1, 0, Append(1)),
        Op(2, 10, 20, Append(2), Ok),
        Op(3, 30, 40, Read, Of(2)));

    /// <summary>The append was never read, which is right as nobody read after it.</summary>
    [Fact]
    public void Legal_append_after_the_last_read() => Legal(
        Op(1, 0, 10, Append(1), Ok),
        Op(3, 20, 30, Read, Of(1)),
        Op(2, 25, 40, Append(2), Ok),
        Op(1, 50, 60, Append(3), Ok));

    [Fact]
    public void Legal_overlapping_reads_see_more_and_then_less() => Legal(
        Op(1, 0, 100, Append(1), Ok),
        Op(2, 10, 60, Read, Of(1)),
        Op(3, 20, 50, Read, Of()));
}
