using DistFS.Metadata.Chunks;
using DistFS.Metadata.Tests.Content;

namespace DistFS.Metadata.Tests.Chunks;

/// <summary>
/// A server's copy is lost while a client writes the chunk: the cluster begins a version without that server, and
/// nothing that the others replied to is lost to the writer.
/// </summary>
public sealed class ClusterVersionTests
{
    private readonly Files _files = new();
    private readonly InodeId _file;
    private readonly WrittenChunk _chunk;
    private readonly ChunkId _id;

    public ClusterVersionTests()
    {
        _file = _files.FileOf("f");
        _chunk = _files.Open(_file, 0, 0);
        _id = new ChunkId(_chunk.Chunk);
        Ok(_files.Commit(_file, Of(1, 10)));
        Ok(_files.Change(_id, 2, add: false, lost: true));
    }

    private ChunkRow Row => _files.Row(_id);

    [Fact]
    public void Servers_keep_what_they_have_beyond_what_is_committed()
    {
        Assert.Equal((2u, 1, 10u), (Row.Version.Value, Row.Kept, Row.Length));
        var fence = ChunkFences.Of(_id, Row);
        Assert.Equal((true, 10u, false), (fence.KeepsBeyond, fence.Length, fence.Sealed));
        Ok(_files.Allocate(_file, 0));
        Assert.Equal((true, false), (_files.Fs.Reply.Chunks[0].KeepsBeyond, _files.Fs.Reply.Chunks[0].Begun));
        _files.Sound();
    }

    [Fact]
    public void What_was_written_before_is_committed_after()
    {
        Ok(_files.Commit(_file, Of(1, 50)));
        Assert.Equal((50u, 2u, 1), (Row.Length, Row.Version.Value, Row.Kept));

        // Who has the version of the writer has all of it: it is not stale.
        Assert.Equal(1u, Row.Written.Value);
        Assert.Equal(50, _files.Size(_file));
        Ok(_files.Change(_id, 3, add: false, lost: true));
        Ok(_files.Commit(_file, Of(1, 60)));
        Assert.Equal((60u, 3u, 2), (Row.Length, Row.Version.Value, Row.Kept));
        _files.Sound();
    }

    [Fact]
    public void The_writer_begins_the_next_version_and_that_cuts_again()
    {
        Ok(_files.NewVersion(_file, Of(1, 40), 2));
        Assert.Equal((3u, 0, 40u), (Row.Version.Value, Row.Kept, Row.Length));
        Assert.False(ChunkFences.Of(_id, Row).KeepsBeyond);
        Assert.Equal(FsStatus.Stale, _files.Commit(_file, Of(1, 70)));
        Assert.Equal(FsStatus.Stale, _files.Commit(_file, Of(2, 70)));
        Ok(_files.Commit(_file, Of(3, 70)));
        _files.Sound();
    }

    /// <summary>It may be somebody else: what the writer before him sent and did not commit is cut.</summary>
    [Fact]
    public void Who_comes_next_takes_it_over_from_what_is_committed()
    {
        Ok(_files.NewVersion(_file, Of(2, 0)));
        Assert.Equal((3u, 0, 10u), (Row.Version.Value, Row.Kept, Row.Length));
        Assert.Equal(FsStatus.Stale, _files.NewVersion(_file, Of(1, 40)));
        _files.Sound();
    }

    [Fact]
    public void Cutting_the_file_cuts_it()
    {
        Ok(_files.SetSize(_file, 5));
        Assert.Equal((3u, 0, 5u), (Row.Version.Value, Row.Kept, Row.Length));
        Assert.Equal(FsStatus.Stale, _files.Commit(_file, Of(1, 40)));
        _files.Sound();
    }

    /// <summary>Servers may be in the version between, in which they are not told that nobody writes.</summary>
    [Fact]
    public void When_it_is_sealed_its_servers_are_told()
    {
        Ok(_files.Commit(_file, Of(1, 50)));
        Ok(_files.Seal(_file, Of(1, 50)));
        Assert.Equal((ChunkState.Sealed, true, 3u, 0), (Row.State, Row.IsUntold, Row.Version.Value, Row.Kept));
        var fence = Assert.Single(_files.Fs.Reply.Fences);
        Assert.Equal((_chunk.Chunk, 3u, true), (fence.Chunk, fence.Version, fence.Sealed));
        _files.Sound();
    }

    [Fact]
    public void A_sealed_chunk_is_nobodys_to_go_on_with()
    {
        var other = _files.FileOf("g", 100);
        var id = _files.Place(other, 0).Chunk;
        Ok(_files.Change(id, 2, add: false));
        Assert.Equal((2u, 0), (_files.Row(id).Version.Value, _files.Row(id).Kept));
        _files.Sound();
    }

    /// <summary>What a row cannot count any more is cut: nothing is promised beyond that.</summary>
    [Fact]
    public void There_is_an_end_to_it()
    {
        var row = Row;
        for (var version = row.Version.Value; version < 256; version++)
        {
            row = row.ClusterVersion(_files.Fs.Index);
        }

        Assert.Equal((byte.MaxValue, true, false),
            (row.Kept, row.Continues(new ChunkVersion(1)), row.Continues(new ChunkVersion(257))));
        row = row.ClusterVersion(_files.Fs.Index);
        Assert.Equal((0, 257u), (row.Kept, row.Version.Value));
        Assert.False(row.Continues(new ChunkVersion(256)));
    }

    private static void Ok(FsStatus status) => Assert.Equal(FsStatus.Ok, status);

    private WrittenChunk Of(uint version, uint length) => new(_chunk) { Version = version, Length = length };
}
