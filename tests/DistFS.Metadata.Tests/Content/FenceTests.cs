namespace DistFS.Metadata.Tests.Content;

/// <summary>Which versions the servers have to know of before a client is answered, as the reply says.</summary>
public sealed class FenceTests
{
    private readonly Files _files = new();

    [Fact]
    public void A_new_version_and_a_cut_and_a_share_of_an_open_chunk_are_told()
    {
        var file = _files.Fs.File(InodeId.Root, "f", 0b110_110_110);
        var chunk = _files.Open(file, 0, 500);
        Assert.Empty(_files.Fs.Reply.Fences);
        Assert.Equal(FsStatus.Ok, _files.Commit(file, chunk));
        Assert.Empty(_files.Fs.Reply.Fences);

        // Who is dropped need not know: what it has goes.
        Assert.Equal(FsStatus.Ok, _files.NewVersion(file, chunk, 2));
        Told(chunk.Chunk, 2, 500, 1, 3);
        Assert.Equal(FsStatus.Ok, _files.SetSize(file, 100));
        Told(chunk.Chunk, 3, 100, 1, 3);
        var other = _files.Fs.File(InodeId.Root, "g", 0b110_110_110);
        Assert.Equal(FsStatus.Ok, _files.Share(file, 0, other, 0, 100));
        Told(chunk.Chunk, 4, 100, 1, 3);
    }

    [Fact]
    public void Of_a_sealed_chunk_nothing_is_told_since_nobody_writes_it()
    {
        var file = _files.FileOf("f", 500);
        Assert.Equal(FsStatus.Ok, _files.SetSize(file, 100));
        Assert.Equal(2u, _files.RowAt(file, 0).Version.Value);
        Assert.Empty(_files.Fs.Reply.Fences);
        _files.Open(file, 0, 100);
        Assert.Equal(3u, _files.RowAt(file, 0).Version.Value);
        Assert.Empty(_files.Fs.Reply.Fences);
    }

    private void Told(ulong chunk, uint version, uint length, params uint[] servers)
    {
        var fence = Assert.Single(_files.Fs.Reply.Fences);
        Assert.Equal((chunk, version, length), (fence.Chunk, fence.Version, fence.Length));
        Assert.Equal(servers, fence.Servers);
    }
}
