using DistFS.Metadata.Chunks;
using DistFS.Metadata.Tests.Content;

namespace DistFS.Metadata.Tests.Ops;

/// <summary>Fencing of a chunk that is written.</summary>
public sealed class NewVersionOperationTests
{
    private readonly Files _files = new();
    private readonly InodeId _file;
    private readonly WrittenChunk _chunk;

    public NewVersionOperationTests()
    {
        _file = _files.Fs.File(InodeId.Root, "f");
        _chunk = _files.Open(_file, 0, 10);
        Ok(_files.Commit(_file, _chunk));
    }

    [Fact]
    public void A_member_that_failed_is_dropped_and_the_version_before_is_fenced()
    {
        _chunk.Length = 50;
        Ok(_files.NewVersion(_file, _chunk, 2));
        var info = Assert.Single(_files.Fs.Reply.Chunks);
        Assert.Equal((2u, 50u, 50u), (info.Version, info.Length, info.StoredLength));
        Assert.Equal([1u, 3u], info.Servers);
        Assert.Equal(50, _files.Size(_file));
        var row = _files.RowAt(_file, 0);
        Assert.Equal((2u, 1u, ChunkState.Open), (row.Version.Value, row.Written.Value, row.State));
        Assert.Equal(FsStatus.Stale, _files.Commit(_file, _chunk));
        var garbage = Assert.Single(_files.Chunks.Garbage(new ServerId(2), default, 9));
        Assert.Equal((1UL, 1u), (garbage.Chunk.Value, garbage.Garbage.Version.Value));
        Assert.Equal(_files.Fs.Index.Previous, garbage.Garbage.Since);
        _files.Sound();
    }

    [Fact]
    public void Without_a_word_about_its_length_it_begins_with_what_is_committed()
    {
        var reopened = _files.FileOf("g", 100);
        var chunk = _files.Open(reopened, 0, 0);
        Ok(_files.NewVersion(reopened, chunk));

        // Nobody has written in version 2, so a member that has not heard of it is not stale.
        Assert.Equal((100u, 1u, 3u), (
            _files.RowAt(reopened, 0).Length, _files.RowAt(reopened, 0).Written.Value,
            _files.RowAt(reopened, 0).Version.Value));
        _files.Sound();
    }

    [Fact]
    public void One_that_was_allocated_ahead_makes_the_file_no_longer()
    {
        var ahead = _files.Open(_file, 5, 0);
        Ok(_files.NewVersion(_file, ahead, 1));
        Ok(_files.Commit(_file, _files.Open(_file, 6, 0)));
        Assert.Equal(10, _files.Size(_file));
        _files.Sound();
    }

    [Fact]
    public void The_last_copy_is_never_dropped()
    {
        Assert.Equal(FsStatus.IoError, _files.NewVersion(_file, _chunk, 1, 2, 3));
        _files.SetState(1, ServerState.Down);
        Assert.Equal(FsStatus.IoError, _files.NewVersion(_file, _chunk, 2, 3));
        Assert.Equal(1u, _files.RowAt(_file, 0).Version.Value);
        Assert.Empty(_files.GarbageOf(2));
        Ok(_files.NewVersion(_file, _chunk, 1, 3));
        _files.Sound();
    }

    /// <summary>The cluster may have dropped it first.</summary>
    [Fact]
    public void Who_is_dropped_and_has_gone_already_is_no_error()
    {
        Ok(_files.NewVersion(_file, _chunk, 4, 2, 2));
        Assert.Equal([1u, 3u], _files.RowAt(_file, 0).Replicas.ToArray().Select(server => server.Value));
        _files.Sound();
    }

    [Fact]
    public void What_does_not_fit_is_refused()
    {
        var wrong = _chunk.Clone();
        wrong.Version = 2;
        Assert.Equal(FsStatus.Stale, _files.NewVersion(_file, wrong));
        Ok(_files.Seal(_file, _chunk));
        Assert.Equal(FsStatus.Stale, _files.NewVersion(_file, _chunk));
        Assert.Equal(FsStatus.Invalid, _files.Fs.Apply(new Operation
        {
            NewVersion = new NewVersionRequest { Inode = _file.Value },
        }));
        _files.Sound();
    }

    private static void Ok(FsStatus status) => Assert.Equal(FsStatus.Ok, status);
}
