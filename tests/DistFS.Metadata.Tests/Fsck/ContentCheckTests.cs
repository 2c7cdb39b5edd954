using DistFS.Metadata.Chunks;
using DistFS.Metadata.Fsck;
using DistFS.Metadata.Rows;
using DistFS.Metadata.Tests.Content;

namespace DistFS.Metadata.Tests.Fsck;

/// <summary>Each thing that can be wrong with content and chunks is found, and what is sound is not accused.</summary>
public sealed class ContentCheckTests
{
    private readonly Files _files = new();
    private readonly InodeId _file;
    private readonly InodeId _small;
    private readonly ChunkId _chunk;

    public ContentCheckTests()
    {
        _file = _files.FileOf("f", 100, 200);
        _chunk = _files.Place(_file, 0).Chunk;
        _small = _files.Fs.File(InodeId.Root, "s");
        Assert.Equal(FsStatus.Ok, _files.Write(_small, 0, [1, 2]));
        Assert.Equal(FsStatus.Ok, _files.Share(_file, 0, _files.FileOf("g"), 0, Files.Chunk));
        Assert.Equal(FsStatus.Ok, _files.Fs.Make(InodeId.Root, "l", InodeKind.SymbolicLink, target: "t"));
        _files.Sound();
    }

    [Fact]
    public void A_wrong_number_of_references() =>
        Finds("references, and has", () => _files.Chunks.Put(_chunk, _files.Row(_chunk) with { References = 3 }));

    [Fact]
    public void A_chunk_that_is_not_there() =>
        Finds("which is not there", () => _files.Chunks.PutPlace(_file, 1, MapRow.Of(new ChunkId(3))));

    [Fact]
    public void A_chunk_that_was_never_made() =>
        Finds("was never made", () => _files.Chunks.Put(new ChunkId(77), _files.Row(_chunk)));

    [Fact]
    public void A_chunk_that_no_place_names() =>
        Finds("references, and has 0", () => _files.Chunks.RemovePlace(_file, 1));

    [Fact]
    public void An_open_chunk_that_is_shared() => Finds("is open, and shared", () =>
        _files.Chunks.Put(_chunk, _files.Row(_chunk) with { State = ChunkState.Open }));

    [Fact]
    public void A_chunk_written_in_a_version_to_come() => Finds("was written in", () =>
        _files.Chunks.Put(_chunk, _files.Row(_chunk) with { Written = new ChunkVersion(9) }));

    [Fact]
    public void A_server_that_does_not_know_what_it_has() =>
        Finds("which does not know it", () => _files.Chunks.DropReplica(_chunk, new ServerId(1), default));

    [Fact]
    public void A_server_that_is_to_have_what_is_not_on_it() =>
        Finds("which is not on it", () => _files.Chunks.AddReplica(_chunk, new ServerId(4)));

    [Fact]
    public void A_copy_that_is_to_be_there_and_to_be_deleted() => Finds("and to delete it", () =>
    {
        _files.Chunks.DropReplica(_chunk, new ServerId(1), default);
        _files.Chunks.AddReplica(_chunk, new ServerId(1));
    });

    [Fact]
    public void A_server_that_is_not_there() => Finds("is on s1, which is not there", () =>
    {
        Assert.True(_files.Fs.Tree.Servers.TryGet(new ServerId(1), out var row));
        _files.Fs.Tree.Servers.Remove(new ServerId(1), row);
    });

    [Fact]
    public void A_server_of_another_folder() => Finds("the store", () =>
    {
        Assert.True(_files.Fs.Tree.Servers.TryGet(new ServerId(5), out var row));
        _files.Fs.Tree.Servers.Put(new ServerId(5), row with { Store = new StoreId(101) });
    });

    [Fact]
    public void Garbage_of_a_server_that_is_not_there() =>
        Finds("is to delete", () => _files.Chunks.DropReplica(new ChunkId(1), new ServerId(9), default));

    [Fact]
    public void Bytes_that_are_not_counted() => Finds("bytes are stored for it", () =>
        _files.Fs.Tree.Put(_file, _files.Fs.Row(_file) with { Allocated = 1 }));

    [Fact]
    public void Bytes_in_the_metadata_that_are_not_counted() => Finds("bytes are stored for it, and 2", () =>
        _files.Fs.Tree.Put(_small, _files.Fs.Row(_small) with { Allocated = 0 }));

    [Fact]
    public void Bytes_behind_the_end() => Finds("and says that it has 100", () =>
        _files.Fs.Tree.Put(_file, _files.Fs.Row(_file) with { Size = 100 }));

    [Fact]
    public void Bytes_in_the_metadata_behind_the_end() => Finds("and says that it has 1", () =>
        _files.Fs.Tree.Put(_small, _files.Fs.Row(_small) with { Size = 1 }));

    [Fact]
    public void Too_many_bytes_in_the_metadata() =>
        Finds(
            "16385 bytes in its metadata",
            () => _files.Fs.Tree.PutContent(_small, new byte[ChunkLayout.InlineBytesMax + 1]));

    [Fact]
    public void Bytes_in_both_places() =>
        Finds("in a chunk and in its metadata", () => _files.Fs.Tree.PutContent(_file, [1]));

    [Fact]
    public void A_chunk_behind_the_last() => Finds("and says that it ends at 1", () =>
        _files.Fs.Tree.Put(_file, _files.Fs.Row(_file) with { ChunkEnd = 1 }));

    [Fact]
    public void A_part_of_an_open_chunk() => Finds("a part of", () =>
    {
        var chunk = _files.Open(_file, 1, 0);
        _files.Chunks.PutPlace(_file, 1, new MapRow(new ChunkId(chunk.Chunk), 200, default));
    });

    [Fact]
    public void Content_of_no_file() => Finds("and is no file", () => _files.Fs.Tree.PutContent(InodeId.Root, [1]));

    [Fact]
    public void Chunks_of_no_file() =>
        Finds("has chunks, and is no file", () => _files.Chunks.PutPlace(InodeId.Root, 0, MapRow.Of(_chunk)));

    [Fact]
    public void A_target_of_another_length() => Finds("has a target of 2 bytes", () =>
        _files.Fs.Tree.PutContent(_files.Fs.Find(InodeId.Root, "l")!.Value, [1, 2]));

    [Fact]
    public void What_is_cut_off_and_not_there() =>
        Finds("is cut off", () => _files.Chunks.PutTrim(new InodeId(99), default));

    private void Finds(string text, Action harm)
    {
        harm();
        _files.Fs.Keep();
        Assert.Contains(
            TreeCheck.Run(_files.Fs.Rows(), 7), line => line.Contains(text, StringComparison.Ordinal));
    }
}
