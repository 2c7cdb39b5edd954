using DistFS.Metadata.Chunks;
using DistFS.Metadata.Tests.Content;

namespace DistFS.Metadata.Tests.Ops;

/// <summary>Places of a file become writable.</summary>
public sealed class AllocateChunksOperationTests
{
    private readonly Files _files = new();
    private readonly InodeId _file;

    public AllocateChunksOperationTests() => _file = _files.Fs.File(InodeId.Root, "f");

    [Fact]
    public void Holes_get_empty_chunks_where_the_leader_chose()
    {
        _files.Place(4, 2, 5);
        Ok(_files.Allocate(_file, 0, 7, 1));
        Assert.Equal([0UL, 7UL, 1UL], _files.Fs.Reply.Chunks.Select(chunk => chunk.Index));
        Assert.Equal([1UL, 2UL, 3UL], _files.Fs.Reply.Chunks.Select(chunk => chunk.Chunk));
        Assert.All(_files.Fs.Reply.Chunks, chunk =>
        {
            Assert.Equal((1u, 0u, 0u, false, false),
                (chunk.Version, chunk.Length, chunk.StoredLength, chunk.Sealed, chunk.Replacement));
            Assert.Equal([4u, 2u, 5u], chunk.Servers);
        });
        var row = _files.RowAt(_file, 7);
        Assert.Equal((ChunkState.Open, (byte)3, 1u), (row.State, row.Goal, row.References));
        var inode = _files.Fs.Row(_file);
        Assert.Equal((0L, 0L, 8UL), (inode.Size, inode.Allocated, inode.ChunkEnd));
        _files.Sound();
    }

    [Fact]
    public void What_is_open_is_the_same_for_everybody_who_asks()
    {
        var chunk = _files.Open(_file, 3, 0);
        Assert.Equal(chunk, _files.Open(_file, 3, 0));
        _files.Sound();
    }

    [Fact]
    public void What_is_sealed_is_opened_in_a_new_version()
    {
        var file = _files.FileOf("g", 100);
        var chunk = _files.Open(file, 0, 50);
        Assert.Equal((1UL, 2u), (chunk.Chunk, chunk.Version));
        Assert.Equal((100u, ChunkState.Open), (_files.RowAt(file, 0).Length, _files.RowAt(file, 0).State));
        Assert.Equal((100u, 100u), (_files.Fs.Reply.Chunks[0].Length, _files.Fs.Reply.Chunks[0].StoredLength));
        _files.Sound();
    }

    [Fact]
    public void What_is_shared_or_in_the_metadata_gets_one_replacement()
    {
        var shared = _files.FileOf("g", 100);
        Ok(_files.Share(shared, 0, _file, 0, 100));
        var chunk = _files.Open(_file, 0, 0);
        Assert.True(_files.Fs.Reply.Chunks[0].Replacement);
        Assert.Equal(chunk, _files.Open(_file, 0, 0));
        Assert.Equal((1UL, 2UL), (_files.Place(_file, 0).Chunk.Value, _files.Place(_file, 0).Replacement.Value));

        var small = _files.Fs.File(InodeId.Root, "s");
        Ok(_files.Write(small, 0, [1]));
        chunk = _files.Open(small, 0, 0);
        Assert.Equal(chunk, _files.Open(small, 0, 0));
        Assert.Equal((0UL, 3UL), (_files.Place(small, 0).Chunk.Value, _files.Place(small, 0).Replacement.Value));

        // Other places have nothing to do with it.
        _files.Open(small, 1, 0);
        Assert.False(_files.Fs.Reply.Chunks[0].Replacement);
        _files.Sound();
    }

    [Theory]
    [InlineData(ServerState.Draining)]
    [InlineData(ServerState.Down)]
    [InlineData(ServerState.Full)]
    public void A_choice_that_does_not_fit_the_servers_any_more_is_refused(ServerState state)
    {
        _files.SetState(2, state);
        var before = _files.Fs.Row(_file);
        Assert.Equal(FsStatus.TryAgain, _files.Allocate(_file, 0));
        Assert.Equal(before, _files.Fs.Row(_file));
        Assert.False(_files.Chunks.TryGetPlace(_file, 0, out _));
        _files.Place(1, 3);
        Ok(_files.Allocate(_file, 0));
        _files.Sound();
    }

    [Theory]
    [InlineData]
    [InlineData(1u, 1u)]
    [InlineData(1u, 9u)]
    [InlineData(1u, 2u, 3u, 4u)]
    public void A_choice_must_be_one(params uint[] servers)
    {
        _files.Place(servers);
        Assert.Equal(FsStatus.TryAgain, _files.Allocate(_file, 0));
        _files.Sound();
    }

    [Fact]
    public void All_places_or_none()
    {
        _files.Fs.Placements = Files.PlacementsOf(1, 1, 2);
        Assert.Equal(FsStatus.TryAgain, _files.Allocate(_file, 0, 1));
        Assert.Equal(1UL, _files.Chunks.Next.Value);
        _files.Fs.Placements = null;
        Assert.Equal(FsStatus.TryAgain, _files.Allocate(_file, 0));
        Assert.Equal(FsStatus.Invalid, _files.Allocate(_file));
        Assert.Equal(FsStatus.Invalid, _files.Allocate(_file, new ulong[65]));
        Assert.Equal(FsStatus.FileTooLarge, _files.Allocate(_file, 1UL << 34));
        Assert.Equal(FsStatus.FileTooLarge, _files.Allocate(_file, ulong.MaxValue));
        Assert.Equal(FsStatus.IsADirectory, _files.Allocate(InodeId.Root, 0));
        _files.Place(1, 2);
        Ok(_files.Allocate(_file, (1UL << 34) - 1));
        _files.Sound();
    }

    private static void Ok(FsStatus status) => Assert.Equal(FsStatus.Ok, status);
}
