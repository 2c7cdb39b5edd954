using DistFS.Metadata.Tests.Content;

namespace DistFS.Metadata.Tests.Ops;

/// <summary>Bytes on chunk servers become bytes of a file.</summary>
public sealed class CommitWriteOperationTests
{
    private readonly Files _files = new();
    private readonly InodeId _file;

    public CommitWriteOperationTests() => _file = _files.Fs.File(InodeId.Root, "f");

    [Fact]
    public void The_file_grows_and_repeating_it_changes_nothing()
    {
        var (one, two) = (_files.Open(_file, 0, Files.Chunk), _files.Open(_file, 1, 7));
        for (var i = 0; i < 2; i++)
        {
            Ok(_files.Commit(_file, one, two));
            Assert.Equal((Files.Chunk + 7L, Files.Chunk + 7L), (_files.Size(_file), _files.Fs.Row(_file).Allocated));
        }

        // An older one that comes late takes nothing back.
        two.Length = 3;
        Ok(_files.Commit(_file, two));
        Assert.Equal([Files.Chunk, 7u], _files.Lengths(_file, 2));
        Assert.Equal(1u, _files.RowAt(_file, 1).Written.Value);
        _files.Sound();
    }

    [Fact]
    public void Another_version_or_chunk_or_place_is_refused_and_nothing_of_the_request_done()
    {
        var (one, two) = (_files.Open(_file, 0, 10), _files.Open(_file, 1, 7));
        foreach (var harm in new Action<WrittenChunk>[]
        {
            chunk => chunk.Version++, chunk => chunk.Version--, chunk => chunk.Index = 5,
            chunk => chunk.Chunk = one.Chunk, chunk => chunk.Chunk = 0, chunk => chunk.Chunk = 99,
        })
        {
            var wrong = two.Clone();
            harm(wrong);
            Assert.Equal(FsStatus.Stale, _files.Commit(_file, one, wrong));
            Assert.Equal((0L, 0u), (_files.Size(_file), _files.RowAt(_file, 0).Length));
        }

        two.Length = Files.Chunk + 1;
        Assert.Equal(FsStatus.Invalid, _files.Commit(_file, two));
        Assert.Equal(FsStatus.Invalid, _files.Commit(_file));
        Assert.Equal(FsStatus.Stale, _files.Commit(_files.FileOf("g", 5), one));
        _files.Sound();
    }

    [Fact]
    public void What_is_sealed_or_a_replacement_is_not_written()
    {
        var chunk = _files.Open(_file, 0, 10);
        Ok(_files.Commit(_file, chunk));
        Ok(_files.Seal(_file, chunk));
        Assert.Equal(FsStatus.Stale, _files.Commit(_file, chunk));
        var other = _files.FileOf("g");
        Ok(_files.Share(_file, 0, other, 0, 10));
        Assert.Equal(FsStatus.Stale, _files.Commit(other, _files.Open(other, 0, 20)));
        Assert.Equal(10, _files.Size(other));
        _files.Sound();
    }

    [Fact]
    public void Times_and_special_bits()
    {
        Ok(_files.Fs.Set(_file, set => (set.Uid, set.Mode) = (1000, 0b110_111_111_111)));
        var chunk = _files.Open(_file, 0, 10);
        Ok(_files.Fs.Set(_file, set => set.ModifyTime = new() { Time = new Time { Seconds = 1 } }));
        _files.Fs.Caller = Namespace.User(1000, 100);
        Ok(_files.Commit(_file, new WriteTime { Seconds = 7, Nanoseconds = 8 }, chunk));
        var row = _files.Fs.Row(_file);
        Assert.Equal((new FileTime(7, 8), _files.Fs.Now), (row.ModifyTime, row.ChangeTime));
        Assert.Equal(0b000_111_111_111u, row.Mode);
        Ok(_files.Commit(_file, new WriteTime { Seconds = 7, Nanoseconds = 1_000_000_000 }, chunk));
        Assert.Equal(_files.Fs.Now, _files.Fs.Row(_file).ModifyTime);
        _files.Fs.Caller = Namespace.User(1001, 100);
        Ok(_files.Commit(_file, chunk));
        _files.Fs.Caller = Principal.Root;
        Ok(_files.Fs.Set(_file, set => set.Mode = 0b110_100_100));
        _files.Fs.Caller = Namespace.User(1001, 100);
        Assert.Equal(FsStatus.AccessDenied, _files.Commit(_file, chunk));
    }

    private static void Ok(FsStatus status) => Assert.Equal(FsStatus.Ok, status);
}
