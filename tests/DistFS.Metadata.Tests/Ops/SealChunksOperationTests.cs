using DistFS.Metadata.Chunks;
using DistFS.Metadata.Tests.Content;

namespace DistFS.Metadata.Tests.Ops;

/// <summary>A writer is done.</summary>
public sealed class SealChunksOperationTests
{
    private readonly Files _files = new();

    [Fact]
    public void What_was_written_is_sealed_and_what_was_allocated_ahead_is_given_back()
    {
        var file = _files.Fs.File(InodeId.Root, "f");
        var (written, ahead) = (_files.Open(file, 0, 10), _files.Open(file, 1, 0));
        Ok(_files.Commit(file, written));
        var time = _files.Fs.Row(file).ChangeTime;
        Ok(_files.Seal(file, written, ahead));
        Assert.Equal((ChunkState.Sealed, 1u), (_files.RowAt(file, 0).State, _files.RowAt(file, 0).Version.Value));
        Assert.False(_files.Chunks.TryGetPlace(file, 1, out _));
        Assert.Equal([ahead.Chunk], _files.GarbageOf(3));
        Assert.Equal(time, _files.Fs.Row(file).ChangeTime);
        Ok(_files.Seal(file, written));
        _files.Sound();
    }

    [Fact]
    public void All_or_none()
    {
        var file = _files.Fs.File(InodeId.Root, "f");
        var (one, two) = (_files.Open(file, 0, 10), _files.Open(file, 1, 10));
        Ok(_files.Commit(file, one, two));
        two.Version++;
        Assert.Equal(FsStatus.Stale, _files.Seal(file, one, two));
        Assert.Equal(ChunkState.Open, _files.RowAt(file, 0).State);
        Assert.Equal(FsStatus.Invalid, _files.Seal(file));
        _files.Sound();
    }

    /// <summary>The seal comes behind the commit in one request, and each is done for itself.</summary>
    [Fact]
    public void What_was_written_and_could_not_be_committed_is_not_given_back()
    {
        var file = _files.Fs.File(InodeId.Root, "f");
        var (one, two) = (_files.Open(file, 0, 10), _files.Open(file, 1, 10));
        Assert.Equal(FsStatus.Stale, _files.Seal(file, one, two));
        Ok(_files.Commit(file, one));
        Assert.Equal(FsStatus.Stale, _files.Seal(file, one, two));
        Ok(_files.Commit(file, two));
        Ok(_files.Seal(file, one, two));
        _files.Sound();
    }

    private static void Ok(FsStatus status) => Assert.Equal(FsStatus.Ok, status);
}
