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
        Assert.Equal([2u, 3u], Chain);
        Assert.Equal(FsStatus.Ok, BeginVersion());
        Assert.Equal([2u, 3u], Chain);
        Assert.Equal(ChunkRow.Passed, Row.UncleanBytesOf(new ServerId(1)));
        var plan = Compare(1, new ReportedCopy(_chunk, Row.Version, 100));
        Assert.DoesNotContain(plan.Found, found => found.Chunk == _chunk.Value);
        _files.Sound();
    }

    /// <summary>
    /// The only one that has what was acknowledged since says that it has nothing whole: one block of it may have
    /// rotted. That is no reason to go back to what was there before; it waits for it, and so do writers.
    /// </summary>
    [Fact]
    public void Those_without_which_others_wrote_are_not_chosen_for_one_that_lacks_only_by_its_word()
    {
        Note(1, 100);
        Note(2, 100);
        Assert.Equal(FsStatus.Ok, BeginVersion());
        var version = Row.Version.Value;
        Assert.Equal(FsStatus.IoError, _files.Change(_chunk, 3, add: false, lost: true));
        Assert.Equal(version + 1, Row.Version.Value);
        Note(2, 100);
        Assert.Null(Row.DecidedServer);
        Assert.Empty(Chain);
        Assert.Equal(FsStatus.TryAgain, BeginVersion());
        Assert.Equal([3u], Metadata.Ops.Replies.ToChunkInfo(_files.Chunks, 0, default, _chunk).Servers);

        // Also when it is down, until it is whole again.
        Ok(_files.SetState(3, ServerState.Down));
        Note(2, 100);
        Assert.Null(Row.DecidedServer);
        Ok(_files.Register(3));
        Ok(_files.Change(_chunk, 3, add: true));
        Assert.Equal([3u], Chain);
        Assert.Equal(FsStatus.Ok, BeginVersion());
        _files.Sound();
    }

    [Fact]
    public void Those_without_which_others_wrote_are_chosen_when_nobody_else_is_left()
    {
        Note(1, 100);
        Note(2, 90);
        Assert.Equal(FsStatus.Ok, BeginVersion());
        Ok(_files.Change(_chunk, 1, add: false));
        _files.Chunks.Put(_chunk, Row.Without(new ServerId(3)));
        Assert.True(UncleanCopies.TryDecide(_files.Fs.Tree.Servers, Row, _files.Fs.Index, out var decided));
        Assert.Equal(new ServerId(2), decided.DecidedServer);
    }

    /// <summary>The chunk is another's by then, and has come to rest without what comes back.</summary>
    [Fact]
    public void What_was_lacked_does_not_count_beside_one_that_was_decided()
    {
        Note(2, 100);
        Note(3, 90);
        Assert.Equal(FsStatus.IoError, _files.Change(_chunk, 1, add: false, lost: true));
        Note(2, 100);
        Assert.Equal(new ServerId(2), Row.DecidedServer);
        Assert.Equal((true, true), (Row.Lacks(new ServerId(1)), Row.IsUnclean(new ServerId(1))));
        Ok(_files.Change(_chunk, 1, add: true));
        Assert.Equal((false, true), (Row.Lacks(new ServerId(1)), Row.IsUnclean(new ServerId(1))));
        Assert.Equal([2u], Chain);
        _files.Sound();
    }

    private FsStatus BeginVersion() => _files.NewVersion(
        _file, new WrittenChunk { Chunk = _chunk.Value, Version = Row.Version.Value });
}
