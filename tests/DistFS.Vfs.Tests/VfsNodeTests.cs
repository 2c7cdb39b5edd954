using DistFS.Client;

namespace DistFS.Vfs.Tests;

/// <summary>What is cached of an inode, and when it may be told (docs/design/vfs.md).</summary>
public sealed class VfsNodeTests
{
    private static readonly InodeId One = new(1);
    private readonly VfsNode _node = new(new InodeId(7));

    [Fact]
    public void A_name_is_known_or_not_or_known_not_to_be_there()
    {
        Assert.False(_node.TryFind("a"u8, out _));
        _node.Learn("a"u8, One, FileKind.File);
        _node.Learn("gone"u8, default, FileKind.File);
        Assert.True(_node.TryFind("a"u8, out var found));
        Assert.Equal(One, found);
        Assert.True(_node.TryFind("gone"u8, out found));
        Assert.Equal(default, found);
        Assert.False(_node.TryFind("b"u8, out _));
        _node.Complete();
        Assert.True(_node.TryFind("b"u8, out found));
        Assert.Equal(default, found);
    }

    /// <summary>The kernel may have a name that is to be asked again: a rename moves it with its time.</summary>
    [Fact]
    public void A_name_that_changes_is_asked_again_and_stays_among_those_to_be_forgotten()
    {
        _node.Learn("a"u8, One, FileKind.File);
        _node.Complete();
        _node.Unlearn("a"u8);
        _node.Unlearn("b"u8);
        Assert.False(_node.TryFind("a"u8, out _));
        Assert.False(_node.TryFind("b"u8, out _));
        Assert.True(_node.TryFind("c"u8, out _));
        Assert.Equal(["a", "b"], _node.Forget().Select(System.Text.Encoding.UTF8.GetString).Order());
        Assert.False(_node.TryFind("c"u8, out _));
    }

    /// <summary>It is kept until a name changes, in whatever way.</summary>
    [Fact]
    public void A_listing_is_made_anew_when_a_name_has_changed()
    {
        _node.Parent = InodeId.Root;
        _node.Complete();
        Assert.Empty(Listed());
        _node.Learn("a"u8, One, FileKind.File);
        Assert.Equal([(One, FileKind.File)], Listed());
        Assert.Same(_node.Listing(), _node.Listing());
        var other = new InodeId(9);
        _node.LearnOnce("b"u8, other, FileKind.Directory);
        Assert.Equal([(One, FileKind.File), (other, FileKind.Directory)], Listed());
        _node.Lose("a"u8);
        Assert.Equal([(other, FileKind.Directory)], Listed());
        _node.Unlearn("b"u8);
        Assert.Null(_node.Listing());
        _node.Complete();
        Assert.Empty(Listed());
        _node.Forget();
        Assert.Null(_node.Listing());
    }

    private IEnumerable<(InodeId Inode, FileKind Kind)> Listed()
    {
        var rows = _node.Listing()!;
        Assert.Equal([_node.Inode, _node.Parent], rows[..2].Select(static row => row.Inode));
        Assert.Equal(Enumerable.Range(1, rows.Length), rows.Select(static row => (int)row.Cookie));
        return rows[2..].Select(static row => (row.Inode, row.Kind));
    }

    [Fact]
    public void A_listing_says_that_what_was_to_be_asked_for_is_not_there()
    {
        _node.Learn("a"u8, One, FileKind.File);
        _node.Learn("gone"u8, default, default);
        _node.Unlearn("b"u8);
        _node.Parent = InodeId.Root;
        Assert.Null(_node.Listing());
        Assert.Null(_node.IsEmpty());
        _node.LearnOnce("a"u8, new InodeId(9), FileKind.File);
        _node.LearnOnce("gone"u8, new InodeId(9), FileKind.File);
        _node.LearnOnce("b"u8, new InodeId(3), FileKind.Directory);
        Assert.Null(_node.Listing());
        _node.Unlearn("b"u8);
        _node.Complete();
        Assert.Equal([(One, FileKind.File)], Listed());
        Assert.False(_node.IsEmpty());
        _node.Lose("a"u8);
        Assert.True(_node.IsEmpty());
        Assert.True(_node.TryFind("a"u8, out var lost));
        Assert.Equal(default, lost);
        Assert.Empty(_node.FilesIn(10, static _ => true));
    }

    /// <summary>What is changed here makes nothing unknown: the names that were asked for meanwhile may be learned.
    /// </summary>
    [Fact]
    public void A_change_here_is_another_state_with_the_same_names()
    {
        var (stamp, names) = (_node.Stamp, _node.NamesStamp);
        _node.ChangedHere(new FileStatus
        {
            Inode = new InodeId(7),
            Kind = FileKind.Directory,
            Mode = 0,
            Uid = 0,
            Gid = 0,
            Links = 2,
            Size = 0,
            Allocated = 0,
        });
        Assert.NotEqual(stamp, _node.Stamp);
        Assert.Equal(names, _node.NamesStamp);
        Assert.NotNull(_node.Known);
        _node.Changed();
        Assert.NotEqual(names, _node.NamesStamp);
        Assert.Null(_node.Known);
        Assert.NotNull(_node.Last);
    }

    [Fact]
    public void What_changed_or_was_forgotten_has_another_stamp()
    {
        var stamp = _node.Stamp;
        _node.Changed();
        Assert.NotEqual(stamp, _node.Stamp);
        stamp = _node.Stamp;
        _node.Forget();
        Assert.NotEqual(stamp, _node.Stamp);
    }

    [Fact]
    public async Task A_lease_is_given_up_when_what_is_being_told_under_it_was()
    {
        _node.BeginUse();
        _node.BeginUse();
        var unused = _node.BeginGivingUp();
        Assert.True(_node.IsGivingUp);
        _node.EndUse();
        Assert.False(unused.IsCompleted);
        _node.EndUse();
        await unused;
        _node.EndGivingUp();
        Assert.False(_node.IsGivingUp);
    }

    [Fact]
    public async Task Two_recalls_are_over_when_both_are()
    {
        await _node.BeginGivingUp();
        await _node.BeginGivingUp();
        _node.EndGivingUp();
        Assert.True(_node.IsGivingUp);
        _node.EndGivingUp();
        Assert.False(_node.IsGivingUp);
    }
}
