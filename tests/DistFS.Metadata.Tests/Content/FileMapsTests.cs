using DistFS.Metadata.Content;
using DistFS.Metadata.Rows;

namespace DistFS.Metadata.Tests.Content;

/// <summary>Where the bytes of a file are.</summary>
public sealed class FileMapsTests
{
    private readonly Files _files = new();

    [Fact]
    public void Bytes_in_the_metadata_and_chunks_that_have_any()
    {
        var file = _files.FileOf("f", 0, 100, 0, 300);
        _files.Open(file, 2, 0);
        Assert.Equal(FsStatus.Ok, _files.Write(file, 1, [7]));
        _files.Open(file, 0, 0);
        var map = Read(file);
        Assert.Equal([0, 7], map.Data.ToByteArray());
        Assert.Equal([(1UL, 100u), (3UL, 300u)], map.Chunks.Select(chunk => (chunk.Index, chunk.Length)));
        Assert.All(map.Chunks, chunk => Assert.Equal([1u, 2u, 3u], chunk.Servers));
        Assert.Equal(((3UL * Files.Chunk) + 300, 0UL), (map.Size, map.NextIndex));

        // From a place on.
        map = Read(file, 2);
        Assert.Empty(map.Data);
        Assert.Equal([3UL], map.Chunks.Select(chunk => chunk.Index));
    }

    [Fact]
    public void Of_a_shared_chunk_what_is_this_files()
    {
        var (one, other) = (_files.FileOf("f", 100), _files.FileOf("g"));
        Assert.Equal(FsStatus.Ok, _files.Share(one, 0, other, 0, 100));
        Assert.Equal(FsStatus.Ok, _files.SetSize(other, 30));
        var chunk = Assert.Single(Read(other).Chunks);
        Assert.Equal((30u, 100u, true, false), (chunk.Length, chunk.StoredLength, chunk.Sealed, chunk.Replacement));

        // What is being filled to take its place is nothing to read yet.
        _files.Open(other, 0, 0);
        Assert.Equal(chunk, Assert.Single(Read(other).Chunks));
    }

    [Fact]
    public void Page_by_page_and_without_what_is_cut_off()
    {
        const int Count = FileMaps.PageMax + 300;
        var file = _files.FileOf("f");
        _files.Fs.Placements = Files.PlacementsOf(Count, 1);
        for (var i = 0UL; i < Count; i++)
        {
            Assert.Equal(FsStatus.Ok, _files.Commit(file, _files.Open(file, 2 * i, 1)));
        }

        var map = Read(file);
        Assert.Equal((FileMaps.PageMax, 2UL * FileMaps.PageMax), (map.Chunks.Count, map.NextIndex));
        map = Read(file, map.NextIndex);
        Assert.Equal((300, 0UL), (map.Chunks.Count, map.NextIndex));

        // More than is released at once.
        Assert.Equal(FsStatus.Ok, _files.SetSize(file, 10UL * Files.Chunk));
        Assert.True(_files.Chunks.TryGetTrim(file, out _));
        Assert.Equal([0UL, 2UL, 4UL, 6UL, 8UL], Read(file).Chunks.Select(chunk => chunk.Index));
    }

    [Fact]
    public void Of_regular_files_only()
    {
        Assert.Equal(FsStatus.NotFound, FileMaps.Read(_files.Fs.Tree, new InodeId(99), 0, out _));
        Assert.Equal(FsStatus.IsADirectory, FileMaps.Read(_files.Fs.Tree, InodeId.Root, 0, out _));
        Assert.Equal(FsStatus.Ok, _files.Fs.Make(InodeId.Root, "l", InodeKind.SymbolicLink, target: "t"));
        Assert.Equal(FsStatus.Invalid, FileMaps.Read(_files.Fs.Tree, new InodeId(_files.Fs.Last.Inode), 0, out _));
    }

    private FileMap Read(InodeId inode, ulong from = 0)
    {
        Assert.Equal(FsStatus.Ok, FileMaps.Read(_files.Fs.Tree, inode, from, out var map));
        return map;
    }
}
