using DistFS.Metadata.Chunks;
using DistFS.Metadata.Tests.Content;

namespace DistFS.Metadata.Tests.Ops;

/// <summary>Linux, ioctl_ficlonerange.</summary>
public sealed class ShareRangeOperationTests
{
    private const uint Chunk = Files.Chunk;
    private readonly Files _files = new();

    [Fact]
    public void Both_have_the_chunks_and_what_was_there_is_garbage()
    {
        var (from, to) = (_files.FileOf("f", Chunk, 0, 500), _files.FileOf("g", 30, 40, 50));
        Ok(_files.Share(from, 0, to, 0, (2 * Chunk) + 500));
        Assert.Equal([Chunk, 0, 500u], _files.Lengths(to, 3));
        Assert.Equal((2 * (long)Chunk) + 500, _files.Size(to));
        Assert.Equal(Chunk + 500L, _files.Fs.Row(to).Allocated);
        Assert.Equal([3UL, 4UL, 5UL], _files.GarbageOf(1));
        Assert.Equal((2u, ChunkState.Sealed), (_files.RowAt(from, 0).References, _files.RowAt(from, 0).State));
        _files.Sound();

        // When one goes the other has it alone.
        Ok(_files.SetSize(from, 0));
        Assert.Equal(1u, _files.RowAt(to, 0).References);
        Ok(_files.SetSize(to, 0));
        Assert.Equal([1UL, 2UL, 3UL, 4UL, 5UL], _files.GarbageOf(1));
        _files.Sound();
    }

    [Fact]
    public void A_part_of_the_chunks_to_another_place()
    {
        var (from, to) = (_files.FileOf("f", Chunk, Chunk, 500), _files.FileOf("g"));
        Ok(_files.Share(from, Chunk, to, 3 * Chunk, Chunk));
        Assert.Equal([0, 0, 0, Chunk], _files.Lengths(to, 4));
        Assert.Equal(_files.Place(from, 1).Chunk, _files.Place(to, 3).Chunk);
        Assert.Equal(4L * Chunk, _files.Size(to));
        _files.Sound();
    }

    [Fact]
    public void A_writer_of_what_is_shared_is_fenced()
    {
        var (from, to) = (_files.Fs.File(InodeId.Root, "f"), _files.FileOf("g"));
        var chunk = _files.Open(from, 0, 10);
        Ok(_files.Commit(from, chunk));
        Ok(_files.Share(from, 0, to, 0, 10));
        Assert.Equal((2u, ChunkState.Sealed), (_files.RowAt(from, 0).Version.Value, _files.RowAt(from, 0).State));
        chunk.Length = 20;
        Assert.Equal(FsStatus.Stale, _files.Commit(from, chunk));
        _files.Sound();
    }

    [Fact]
    public void Small_files_are_copied_as_they_are()
    {
        var (from, to) = (_files.Fs.File(InodeId.Root, "f"), _files.FileOf("g", 10));
        Ok(_files.Write(from, 0, [1, 2, 3]));
        Ok(_files.SetSize(from, Chunk + 5));
        Assert.Equal(FsStatus.NotSupported, _files.Share(from, 0, to, Chunk, Chunk + 5));
        Ok(_files.Share(from, 0, to, 0, Chunk + 5));
        Assert.Equal([1, 2, 3], _files.Fs.Tree.Content(to)!);
        Assert.Equal((Chunk + 5L, 3L), (_files.Size(to), _files.Fs.Row(to).Allocated));
        _files.Sound();

        // The other way round.
        Ok(_files.Share(_files.FileOf("h", 0, 5), 0, to, 0, Chunk + 5));
        Assert.Null(_files.Fs.Tree.Content(to));
        Assert.Equal(5, _files.Fs.Row(to).Allocated);
        _files.Sound();
    }

    [Fact]
    public void Within_a_file_but_not_over_itself()
    {
        var file = _files.FileOf("f", Chunk, 30);
        Ok(_files.Share(file, 0, file, 2 * Chunk, Chunk));
        Assert.Equal([Chunk, 30u, Chunk], _files.Lengths(file, 3));
        Assert.Equal((2u, (2L * Chunk) + 30), (_files.RowAt(file, 0).References, _files.Fs.Row(file).Allocated));
        Assert.Equal(FsStatus.Invalid, _files.Share(file, 0, file, Chunk, 2 * Chunk));
        Assert.Equal(FsStatus.Invalid, _files.Share(file, 0, file, 0, Chunk));
        _files.Sound();

        // Over what it shares with itself already.
        Ok(_files.Share(file, 0, file, 2 * Chunk, Chunk));
        Assert.Equal(2u, _files.RowAt(file, 0).References);
        _files.Sound();
    }

    [Theory]
    [InlineData(1, 0, Chunk, FsStatus.Invalid)]
    [InlineData(0, 1, Chunk, FsStatus.Invalid)]
    [InlineData(0, 0, Chunk + 1, FsStatus.Invalid)]
    [InlineData(0, 0, 0, FsStatus.Invalid)]
    [InlineData(Chunk, 0, Chunk, FsStatus.Invalid)]
    [InlineData(Chunk, 0, 100, FsStatus.Invalid)]
    [InlineData(0, 1UL << 60, Chunk, FsStatus.FileTooLarge)]
    [InlineData(0, 0, ulong.MaxValue, FsStatus.FileTooLarge)]
    public void What_is_not_whole_chunks_is_refused(ulong from, ulong to, ulong length, FsStatus expected)
    {
        // The second is longer than the end of the first would reach, so that a tail would cut it in the middle.
        var (one, other) = (_files.FileOf("f", Chunk, 100), _files.FileOf("g", Chunk, 200));
        Assert.Equal(expected, _files.Share(one, from, other, to, length));
        Assert.Equal([Chunk, 200u], _files.Lengths(other, 2));
        _files.Sound();
    }

    [Fact]
    public void So_much_at_a_time_as_an_entry_may_do_and_by_who_may()
    {
        var (from, to) = (_files.FileOf("f", 10), _files.FileOf("g"));
        Ok(_files.SetSize(from, 2000UL * Chunk));
        Assert.Equal(FsStatus.MessageTooLarge, _files.Share(from, 0, to, 0, 1025UL * Chunk));
        Ok(_files.Share(from, 0, to, 0, 1024UL * Chunk));
        Ok(_files.Fs.Set(from, set => set.Mode = 0b110_000_000));
        _files.Fs.Caller = Namespace.User(1, 1);
        Assert.Equal(FsStatus.AccessDenied, _files.Share(from, 0, to, 0, Chunk));
        Assert.Equal(FsStatus.AccessDenied, _files.Share(to, 0, from, 0, Chunk));
        _files.Sound();
    }

    private static void Ok(FsStatus status) => Assert.Equal(FsStatus.Ok, status);
}
