using static DistFS.Linearizability.AppendInput;
using static DistFS.Linearizability.AppendOutput;

namespace DistFS.Linearizability.Tests;

public sealed class AppendSetModelTests()
    : CannedHistories<AppendedSet, AppendInput, AppendOutput>(new AppendSetModel())
{
    [Fact]
    public void Illegal_acknowledged_value_is_missing() => Illegal(
        2,
        Op(1, 0, 10, Append(1), Ok),
        Op(2, 20, 30, Append(2), Ok),
        Op(3, 40, 50, Read, Of(1)));

    /// <summary>As of a listing that goes on after a split and shows what was moved again.</summary>
    [Fact]
    public void Illegal_value_is_shown_twice() => Illegal(
        2,
        Op(1, 0, 10, Append(1), Ok),
        Op(1, 20, 30, Append(2), Ok),
        Op(3, 40, 50, Read, Of(1, 2, 1)));

    /// <summary>Long fork: each reader has one of two concurrent values and not the other.</summary>
    [Fact]
    public void Illegal_readers_see_different_halves() => Illegal(
        3,
        Op(1, 0, 90, Append(1), Ok),
        Op(2, 0, 90, Append(2), Ok),
        Op(3, 10, 20, Read, Of(1)),
        Op(4, 12, 22, Read, Of(2)));

    [Fact]
    public void Illegal_pending_value_appears_and_disappears() => Illegal(
        2,
        Open(1, 0, Append(1)),
        Op(2, 10, 20, Read, Of(1)),
        Op(2, 30, 40, Read, Of()));

    [Fact]
    public void Illegal_value_that_nobody_added() => Illegal(0, Op(1, 0, 10, Read, Of(1)));

    [Fact]
    public void Legal_order_does_not_count() => Legal(
        Op(1, 0, 10, Append(1), Ok),
        Op(2, 20, 30, Append(2), Ok),
        Op(3, 40, 50, Read, Of(2, 1)),
        Op(4, 60, 70, Read, Of(1, 2)));

    [Fact]
    public void Legal_pending_value_appears_late() => Legal(
        Open(1, 0, Append(1)),
        Op(2, 10, 20, Read, Of()),
        Op(2, 30, 40, Append(2), Ok),
        Op(2, 50, 60, Read, Of(2)),
        Op(2, 70, 80, Read, Of(1, 2)));

    [Fact]
    public void Legal_overlapping_reads_see_nested_sets() => Legal(
        Op(1, 0, 90, Append(1), Ok),
        Op(2, 0, 90, Append(2), Ok),
        Op(3, 10, 40, Read, Of(2, 1)),
        Op(4, 20, 30, Read, Of(2)));

    [Fact]
    public void Legal_adding_again_changes_nothing() => Legal(
        Op(1, 0, 10, Append(1), Ok),
        Op(2, 20, 30, Append(1), Ok),
        Op(3, 40, 50, Read, Of(1)));
}
