using DistFS.Metadata.Content;
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

    /// <summary>Collection gives back the chunks of an inode before the inode goes, in steps of any size.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(1000)]
    public void An_inode_goes_after_its_chunks(int rowsMax)
    {
        var directory = _files.Fs.Directory(InodeId.Root, "d");
        Assert.Equal(FsStatus.Ok, _files.Fs.SetQuota(directory));
        var file = _files.FileOf("f", 10, 20, 0, 30);
        Assert.Equal(FsStatus.Ok, _files.Fs.Rename(InodeId.Root, "f", directory, "f"));
        var small = _files.Fs.File(directory, "small");
        Assert.Equal(FsStatus.Ok, _files.Write(small, 0, [1, 2]));
        Assert.Equal(FsStatus.Ok, _files.Fs.Open(file, 1));
        Assert.Equal(FsStatus.Ok, _files.Fs.Unlink(directory, "f"));
        Assert.Equal(FsStatus.Ok, _files.Fs.Unlink(directory, "small"));
        while (_files.Fs.Collect(rowsMax).More)
        {
        }

        // What is open is whole yet.
        Assert.Equal([10u, 20u, 0u, 30u], _files.Lengths(file, 4));
        Assert.Equal((2UL, 60UL), (_files.Fs.Quota(directory).Inodes, _files.Fs.Quota(directory).Bytes));
        Assert.Equal(FsStatus.Ok, _files.Fs.Release(file, 1));
        var rows = 0u;
        for (var more = true; more;)
        {
            // What is being released is nobody's to look at or to change.
            Assert.Equal(FsStatus.Stale, _files.SetSize(file, 5));
            Assert.Equal(FsStatus.Stale, FileMaps.Read(_files.Fs.Tree, file, 0, out _));
            var reply = _files.Fs.Collect(rowsMax);
            Assert.InRange(reply.Rows, 1u, (uint)rowsMax);
            (more, rows) = (reply.More, rows + reply.Rows);
            _files.Sound();
        }

        Assert.Equal(4u, rows);
        Assert.False(_files.Fs.Exists(file));
        Assert.Equal([1UL, 2UL, 3UL], _files.GarbageOf(1));
        Assert.Equal((1UL, 0UL), (_files.Fs.Quota(directory).Inodes, _files.Fs.Quota(directory).Bytes));
    }
}
