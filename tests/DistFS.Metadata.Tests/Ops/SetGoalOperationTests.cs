using DistFS.Metadata.Placement;

namespace DistFS.Metadata.Tests.Ops;

/// <summary>How many copies what is made from here on has.</summary>
public sealed class SetGoalOperationTests
{
    private readonly Namespace _fs = new();

    [Fact]
    public void It_is_inherited_by_what_is_made_afterwards()
    {
        var directory = _fs.Directory(InodeId.Root, "d", 0b111_111_111);
        var before = _fs.File(directory, "before", 0b110_110_110);
        Assert.Equal(FsStatus.Ok, Set(directory, 2, anyRack: true));
        var below = _fs.Directory(directory, "e", 0b111_111_111);
        var after = _fs.File(below, "after", 0b110_110_110);
        Assert.Equal(new ReplicaGoal(2, RackRule.None), GoalOf(after));
        Assert.Equal(ReplicaGoal.Default, GoalOf(before));
        Assert.Equal(ReplicaGoal.Default, GoalOf(InodeId.Root));

        // Of the file alone; and back to what the cluster has.
        Assert.Equal(FsStatus.Ok, Set(before, 5));
        Assert.Equal(new ReplicaGoal(5, RackRule.Spread), GoalOf(before));
        Assert.Equal(FsStatus.Ok, Set(below, 0));
        Assert.Equal(ReplicaGoal.Default, GoalOf(_fs.File(below, "last", 0b110_110_110)));
    }

    [Fact]
    public void What_cannot_be_is_refused()
    {
        var directory = _fs.Directory(InodeId.Root, "d", 0b111_111_111);
        Assert.Equal(FsStatus.Invalid, Set(directory, 6));
        Assert.Equal(FsStatus.Invalid, Set(directory, 0, anyRack: true));
        Assert.Equal(FsStatus.NotFound, Set(new InodeId(999), 2));
        _fs.Caller = new Principal(1000, 1000, []);
        Assert.Equal(FsStatus.NotPermitted, Set(directory, 2));
        Assert.Equal(ReplicaGoal.Default, GoalOf(directory));
    }

    private FsStatus Set(InodeId inode, uint replicas, bool anyRack = false) => _fs.Apply(new Operation
    {
        SetGoal = new SetGoalRequest { Inode = inode.Value, Replicas = replicas, AnyRack = anyRack },
    });

    private ReplicaGoal GoalOf(InodeId inode) => ReplicaGoal.Of(_fs.Row(inode));
}
