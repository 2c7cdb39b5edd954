using DistFS.Metadata.Tests.Content;

namespace DistFS.Metadata.Tests.Ops;

/// <summary>A replacement takes its place: a small file that grows, and copy-on-write.</summary>
public sealed class InstallChunkOperationTests
{
    private readonly Files _files = new();
    private readonly InodeId _file;

    public InstallChunkOperationTests() => _file = _files.Fs.File(InodeId.Root, "f");

    [Fact]
    public void A_small_file_becomes_a_chunk_at_once()
    {
        Ok(_files.Write(_file, 0, new byte[4000]));
        var chunk = _files.Open(_file, 0, 9000);
        Assert.Equal(4000, _files.Fs.Tree.Content(_file)!.Length);
        Ok(_files.Install(_file, chunk));
        Assert.Null(_files.Fs.Tree.Content(_file));
        Assert.Equal((9000L, 9000L), (_files.Size(_file), _files.Fs.Row(_file).Allocated));
        Assert.Equal((0UL, 1UL), (_files.Place(_file, 0).Replacement.Value, _files.Place(_file, 0).Chunk.Value));
        _files.Sound();

        // Again, as by a client that did not get the reply; and it goes on writing.
        Ok(_files.Install(_file, chunk));
        chunk.Length = 9500;
        Ok(_files.Commit(_file, chunk));
        Assert.Equal((9500L, 9500L), (_files.Size(_file), _files.Fs.Row(_file).Allocated));
        _files.Sound();
    }

    [Fact]
    public void What_was_shared_stays_with_the_other()
    {
        var other = _files.FileOf("g", 100);
        Ok(_files.Share(other, 0, _file, 0, 100));
        var chunk = _files.Open(_file, 0, 120);
        Ok(_files.Install(_file, chunk));
        Assert.Equal((120u, 100u), (_files.Lengths(_file, 1)[0], _files.Lengths(other, 1)[0]));
        Assert.Equal((1u, 1u), (_files.RowAt(_file, 0).References, _files.RowAt(other, 0).References));
        Assert.Equal((120L, 120L), (_files.Size(_file), _files.Fs.Row(_file).Allocated));
        _files.Sound();
    }

    [Fact]
    public void It_has_at_least_what_was_there()
    {
        Ok(_files.Write(_file, 0, new byte[10]));
        var chunk = _files.Open(_file, 0, 9);
        Assert.Equal(FsStatus.Invalid, _files.Install(_file, chunk));
        chunk.Length = Files.Chunk + 1;
        Assert.Equal(FsStatus.Invalid, _files.Install(_file, chunk));
        chunk.Length = 10;
        chunk.Version++;
        Assert.Equal(FsStatus.Stale, _files.Install(_file, chunk));
        Assert.Equal(10, _files.Fs.Tree.Content(_file)!.Length);
        _files.Sound();
    }

    [Fact]
    public void What_was_cut_meanwhile_is_not_brought_back()
    {
        Ok(_files.Write(_file, 0, new byte[10]));
        var chunk = _files.Open(_file, 0, 10);
        Ok(_files.SetSize(_file, 5));
        Assert.Equal(FsStatus.Stale, _files.Install(_file, chunk));

        var other = _files.FileOf("g", 100);
        Ok(_files.Share(other, 0, _file, 0, 100));
        chunk = _files.Open(_file, 0, 100);
        Ok(_files.SetSize(_file, 50));
        Assert.Equal(FsStatus.Stale, _files.Install(_file, chunk));
        Assert.Equal((50L, 50L), (_files.Size(_file), _files.Fs.Row(_file).Allocated));
        _files.Sound();
    }

    [Fact]
    public void What_a_new_version_of_it_began_with_is_counted()
    {
        Ok(_files.Write(_file, 0, new byte[10]));
        var chunk = _files.Open(_file, 0, 60);
        Ok(_files.NewVersion(_file, chunk, 2));
        Assert.Equal((10L, 10L), (_files.Size(_file), _files.Fs.Row(_file).Allocated));
        chunk.Version = _files.Fs.Reply.Chunks[0].Version;
        Assert.Equal(60u, _files.Fs.Reply.Chunks[0].StoredLength);
        Ok(_files.Install(_file, chunk));
        Assert.Equal((60L, 60L), (_files.Size(_file), _files.Fs.Row(_file).Allocated));
        _files.Sound();
    }

    private static void Ok(FsStatus status) => Assert.Equal(FsStatus.Ok, status);
}
