using DistFS.Metadata.Chunks;
using DistFS.Metadata.Servers;

namespace DistFS.Metadata.Tests.Chunks;

/// <content>Copies without which others wrote: passed over, whatever comes to be there later.</content>
public sealed partial class UncleanCopiesTests
{
    /// <summary>
    /// What was acknowledged as durable, in a version that began without them, is on the third one alone: the others
    /// are no choice, however long they are, and whatever they say of it later.
    /// </summary>
    [Fact]
    public void Those_without_which_others_wrote_are_not_chosen()
    {
        Note(1, 100);
        Note(2, 100);
        Assert.Equal(FsStatus.Ok, BeginVersion());
        Assert.Equal([3u], Chain);
        Note(1, 120);
        Assert.Equal(ChunkRow.Passed, Row.UncleanBytesOf(new ServerId(1)));
        Assert.Empty(Compare(1, new ReportedCopy(_chunk, Row.Version, 120, IsUnclean: true)).Unclean);

        // It is waited for, also when it is down: the others cannot have what it may bring back.
        Ok(_files.SetState(3, ServerState.Down));
        Note(2, 100);
        Assert.Null(Row.DecidedServer);
        Ok(_files.Register(3));
        Note(3, 80);
        Assert.Equal(new ServerId(3), Row.DecidedServer);
        _files.Sound();
    }

    /// <summary>What a late copy makes there, or a disk that comes back, is of before the others wrote.</summary>
    [Fact]
    public void Who_lacked_it_when_others_began_to_write_is_passed_over()
    {
        Ok(_files.SetState(2, ServerState.Down));
        Ok(_files.SetState(3, ServerState.Down));
        Assert.Equal(FsStatus.IoError, _files.Change(_chunk, 1, add: false, lost: true));
        Ok(_files.Register(2));
        Ok(_files.EndInventory(2));
        Assert.Equal([1u, 2u, 3u], Chain);
        Assert.Equal(FsStatus.Ok, BeginVersion());
        Assert.Equal([2u, 3u], Chain);
        Assert.Equal(ChunkRow.Passed, Row.UncleanBytesOf(new ServerId(1)));
        var plan = Compare(1, new ReportedCopy(_chunk, Row.Version, 100));
        Assert.DoesNotContain(plan.Found, found => found.Chunk == _chunk.Value);
        _files.Sound();
    }

    [Fact]
    public void Those_without_which_others_wrote_are_chosen_when_nobody_is_left()
    {
        Note(1, 100);
        Note(2, 100);
        Assert.Equal(FsStatus.Ok, BeginVersion());
        Assert.Equal(FsStatus.IoError, _files.Change(_chunk, 3, add: false, lost: true));
        Note(2, 100);
        Assert.Equal(new ServerId(1), Row.DecidedServer);
        _files.Sound();
    }

    private FsStatus BeginVersion() => _files.NewVersion(
        _file, new WrittenChunk { Chunk = _chunk.Value, Version = Row.Version.Value });
}
