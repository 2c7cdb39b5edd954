using DistFS.Metadata.Chunks;
using DistFS.Metadata.Tests.Content;

namespace DistFS.Metadata.Tests.Chunks;

/// <summary>
/// Chunks that the cluster brings to rest (docs/design/chain.md, "After a crash"): by servers that are there, and none
/// of them is taken for at rest that is not known to be.
/// </summary>
public sealed class ChunkSealsTests
{
    private readonly Files _files = new();
    private readonly InodeId _file;
    private readonly ChunkId _chunk;

    public ChunkSealsTests()
    {
        _file = _files.FileOf("f", 100);
        _chunk = _files.Place(_file, 0).Chunk;
        _files.Open(_file, 0, 0);
    }

    private ChunkRow Row => _files.Row(_chunk);

    private uint[] Chain => [.. Row.Chain.Select(server => server.Value)];

    /// <summary>Writer and tail die with writes under way: nobody must settle by the tail.</summary>
    [Theory]
    [InlineData(3u, 1u, 2u)]
    [InlineData(1u, 2u, 3u)]
    public void Who_is_down_is_not_in_the_chain_of_what_is_sealed_and_its_copy_stays(uint down, uint first, uint second)
    {
        Ok(_files.SetState(down, ServerState.Down));
        var version = Row.Version.Value;
        Ok(Seal());
        Assert.Equal((ChunkState.Sealed, true, version + 1), (Row.State, Row.IsUntold, Row.Version.Value));
        Assert.Equal([first, second], Chain);
        Assert.Equal([first, second], ChunkFences.Of(_chunk, Row).Servers);
        Assert.Equal((true, true), (Row.IsOn(new ServerId(down)), Row.IsUnclean(new ServerId(down))));
        Assert.Empty(_files.GarbageOf(down));

        // Back, it is made as the others are.
        Ok(Seal(isTold: true));
        Ok(_files.Register(down));
        Assert.Equal([first, second], Chain);
        _files.Sound();
    }

    [Fact]
    public void Where_no_other_has_a_copy_for_certain_who_is_down_stays_what_the_chunk_is()
    {
        Ok(_files.SetState(3, ServerState.Down));
        Ok(_files.Register(1));
        Ok(_files.SetState(2, ServerState.Down));
        Ok(Seal());
        Assert.Equal([1u, 2u, 3u], Chain);

        // What the first has is not known yet: so it is not known whether the chunk can do without the others.
        Assert.Equal(FsStatus.TryAgain, Seal());
        Assert.Equal(FsStatus.Stale, Seal(isTold: true));
        Ok(_files.EndInventory(1));
        Ok(Seal());
        Assert.Equal([1u], Chain);
        Ok(Seal(isTold: true));
        _files.Sound();
    }

    /// <summary>It answered, and died before the others had settled by it.</summary>
    [Fact]
    public void One_that_dies_before_all_have_come_to_rest_is_left_out_in_another_version()
    {
        Ok(Seal());
        var version = Row.Version.Value;
        Assert.Equal(FsStatus.Stale, Seal());
        Ok(_files.SetState(3, ServerState.Down));
        Assert.Equal(FsStatus.Stale, Seal(isTold: true));
        Assert.Equal((true, version), (Row.IsUntold, Row.Version.Value));
        Ok(Seal());
        Assert.Equal((true, version + 1), (Row.IsUntold, Row.Version.Value));
        Assert.Equal([1u, 2u], Chain);
        Ok(Seal(isTold: true));
        Assert.False(Row.IsUntold);
        _files.Sound();
    }

    /// <summary>What a loss leaves is another chain, so another version: no late copy is read by who knows the old
    /// one.</summary>
    [Fact]
    public void A_loss_that_is_noted_begins_a_version_without_its_server()
    {
        Ok(_files.SetState(2, ServerState.Down));
        Ok(_files.SetState(3, ServerState.Down));
        var (version, length) = (Row.Version.Value, Row.Length);
        Assert.Equal(FsStatus.IoError, _files.Change(_chunk, 1, add: false, lost: true));
        Assert.Equal((version + 1, 1, length), (Row.Version.Value, Row.Kept, Row.Length));
        Assert.Equal([2u, 3u], Chain);

        // Told again, nothing changes.
        Assert.Equal(FsStatus.IoError, _files.Change(_chunk, 1, add: false, lost: true));
        Assert.Equal(version + 1, Row.Version.Value);

        // It has it again, and others may write: it is one of them in a version of its own.
        Ok(_files.Change(_chunk, 1, add: true));
        Assert.Equal(version + 2, Row.Version.Value);
        Assert.Equal([1u, 2u, 3u], Chain);
        _files.Sound();
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void What_comes_back_to_a_sealed_chunk_counts_only_if_nobody_has_another(bool isAlone)
    {
        Ok(_files.SetState(2, ServerState.Down));
        Ok(_files.SetState(3, ServerState.Down));
        Assert.Equal(FsStatus.IoError, _files.Change(_chunk, 1, add: false, lost: true));
        Ok(Seal());
        if (!isAlone)
        {
            Ok(_files.Register(2));
        }

        var version = Row.Version.Value;
        Ok(_files.Change(_chunk, 1, add: true));
        Assert.Equal(isAlone ? [1u] : [2u, 3u], Chain);
        Assert.Equal((isAlone ? version + 1 : version, true), (Row.Version.Value, Row.IsUntold));
        _files.Sound();
    }

    private static void Ok(FsStatus status) => Assert.Equal(FsStatus.Ok, status);

    private FsStatus Seal(bool isTold = false) => _files.Command(new MetadataCommand
    {
        SealIdle = new SealIdleRequest
        {
            Chunk = _chunk.Value,
            Version = Row.Version.Value,
            Length = Row.Length,
            IsTold = isTold,
        },
    });
}
