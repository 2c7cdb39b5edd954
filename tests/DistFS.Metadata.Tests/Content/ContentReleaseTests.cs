using DistFS.Metadata.Fsck;

namespace DistFS.Metadata.Tests.Content;

/// <summary>What nobody can reach is given back in steps.</summary>
public sealed class ContentReleaseTests
{
    private readonly Files _files = new();

    [Fact]
    public void So_many_chunks_in_an_entry()
    {
        var file = _files.FileOf("f", 10, 20, 0, 30, 40);
        var shared = _files.FileOf("g");
        Assert.Equal(FsStatus.Ok, _files.Share(file, 4UL * Files.Chunk, shared, 0, 40));
        Assert.Equal(FsStatus.Ok, _files.Fs.Unlink(InodeId.Root, "f"));
        Assert.False(_files.Release(file, 2));
        Assert.Equal(70L, _files.Fs.Row(file).Allocated);
        Assert.Equal([1UL, 2UL], _files.GarbageOf(1));
        _files.Sound();
        Assert.False(_files.Release(file, 1));
        Assert.True(_files.Release(file, 2));
        Assert.Equal((0L, 0UL), (_files.Fs.Row(file).Allocated, _files.Fs.Row(file).ChunkEnd));
        Assert.Equal([1UL, 2UL, 3UL], _files.GarbageOf(1));
        Assert.Equal([40u], _files.Lengths(shared, 1));
        _files.Sound();
        Assert.True(_files.Release(file, 1));
    }

    [Fact]
    public void With_bytes_in_the_metadata_and_what_was_being_filled()
    {
        var file = _files.Fs.File(InodeId.Root, "f");
        Assert.Equal(FsStatus.Ok, _files.Write(file, 0, [1, 2]));
        var replacement = _files.Open(file, 0, 2);
        _files.Open(file, 9, 2);
        Assert.Equal(FsStatus.Ok, _files.Fs.Unlink(InodeId.Root, "f"));
        Assert.False(_files.Release(file, 1));
        Assert.Equal([replacement.Chunk], _files.GarbageOf(2));
        Assert.True(_files.Release(file, 1));
        Assert.Null(_files.Fs.Tree.Content(file));
        _files.Fs.Tree.Remove(file);
        _files.Fs.Keep();
        var findings = TreeCheck.Run(_files.Fs.Rows(), 7);
        Assert.Contains("the orphan", Assert.Single(findings), StringComparison.Ordinal);
    }

    [Fact]
    public void A_symbolic_link_has_only_its_target()
    {
        Assert.Equal(FsStatus.Ok, _files.Fs.Make(
            InodeId.Root, "l", DistFS.Metadata.Rows.InodeKind.SymbolicLink, target: "there"));
        var link = new InodeId(_files.Fs.Last.Inode);
        Assert.Equal("there"u8.ToArray(), _files.Fs.Tree.Content(link));
        Assert.True(_files.Release(link, 1));
        Assert.Null(_files.Fs.Tree.Content(link));
    }

    [Fact]
    public void Nothing_was_left_behind()
    {
        Assert.Equal(FsStatus.Ok, _files.Command(new MetadataCommand
        {
            ReleaseTrimmed = new ReleaseTrimmedRequest { Inode = 99 },
        }));
        _files.Sound();
    }
}
