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
