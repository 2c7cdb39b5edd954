using DistFS.Metadata.Chunks;
using DistFS.Metadata.Tests.Content;

namespace DistFS.Metadata.Tests.Ops;

/// <summary>Linux, fallocate: FALLOC_FL_PUNCH_HOLE and FALLOC_FL_ZERO_RANGE.</summary>
public sealed class PunchRangeOperationTests
{
    private const uint Chunk = Files.Chunk;
    private readonly Files _files = new();

    [Fact]
    public void Whole_chunks_go_ends_are_cut_and_the_client_zeros_what_is_inside()
    {
        var file = _files.FileOf("f", Chunk, Chunk, 500, Chunk, Chunk);

        // From inside of the first to inside of the last.
        Ok(_files.Punch(file, 100, (4UL * Chunk) + 50 - 100));
        Assert.Equal([100, 0, 0, 0, Chunk], _files.Lengths(file, 5));
        var range = Assert.Single(_files.Fs.Reply.ZeroRanges);
        Assert.Equal((4UL * Chunk, 50UL), (range.Offset, range.Length));
        Assert.Equal((4UL * Chunk) + 50, _files.Fs.Reply.NextOffset);
        Assert.Equal((5L * Chunk, Chunk + 100L), (_files.Size(file), _files.Fs.Row(file).Allocated));
        Assert.Equal([2UL, 3UL, 4UL], _files.GarbageOf(1));
        Assert.Equal((2u, 100u), (_files.RowAt(file, 0).Version.Value, _files.RowAt(file, 0).Length));
        Assert.Equal(_files.Fs.Now, _files.Fs.Row(file).ModifyTime);
        _files.Sound();
    }

    [Fact]
    public void Inside_of_one_chunk()
    {
        var file = _files.FileOf("f", 1000, 1000);
        Ok(_files.Punch(file, 10, 20));
        Assert.Equal((10UL, 20UL), (_files.Fs.Reply.ZeroRanges[0].Offset, _files.Fs.Reply.ZeroRanges[0].Length));
        Ok(_files.Punch(file, 1000, 20));
        Assert.Empty(_files.Fs.Reply.ZeroRanges);
        Ok(_files.Punch(file, 900, 200));
        Assert.Equal([900u, 1000u], _files.Lengths(file, 2));
        Assert.Empty(_files.Fs.Reply.ZeroRanges);

        // To the end of the file it is gone altogether.
        Ok(_files.Punch(file, Chunk, 1000));
        Assert.False(_files.Chunks.TryGetPlace(file, 1, out _));
        Assert.Equal(Chunk + 1000L, _files.Size(file));
        _files.Sound();
    }

    [Fact]
    public void Bytes_in_the_metadata()
    {
        var file = _files.Fs.File(InodeId.Root, "f");
        Ok(_files.Write(file, 0, [1, 2, 3, 4, 5, 6]));
        Ok(_files.Punch(file, 1, 2));
        Assert.Equal([1, 0, 0, 4, 5, 6], _files.Fs.Tree.Content(file)!);
        Ok(_files.Punch(file, 4, 5));
        Assert.Equal([1, 0, 0, 4], _files.Fs.Tree.Content(file)!);
        Assert.Equal((6L, 4L), (_files.Size(file), _files.Fs.Row(file).Allocated));
        var chunk = _files.Open(file, 0, 6);
        Ok(_files.Punch(file, 0, 1));
        Assert.Equal(FsStatus.Stale, _files.Install(file, chunk));
        Ok(_files.Punch(file, 0, Chunk));
        Assert.Null(_files.Fs.Tree.Content(file));
        _files.Sound();
    }

    [Fact]
    public void The_file_grows_only_if_that_is_asked_for()
    {
        var file = _files.FileOf("f", 10);
        Ok(_files.Punch(file, 5, 100));
        Assert.Equal((10L, 5u), (_files.Size(file), _files.Lengths(file, 1)[0]));
        Ok(_files.Punch(file, 5, 100, extend: true));
        Assert.Equal(105, _files.Size(file));
        Ok(_files.Punch(file, 500, 1));
        Assert.Equal(105, _files.Size(file));
        _files.Sound();
    }

    [Fact]
    public void What_is_shared_is_cut_for_this_file_only()
    {
        var (one, other) = (_files.FileOf("f", 1000), _files.FileOf("g"));
        Ok(_files.Share(one, 0, other, 0, 1000));
        Ok(_files.SetSize(other, 2000));
        Ok(_files.Punch(other, 300, 900));
        Assert.Equal((1000u, 300u), (_files.Lengths(one, 1)[0], _files.Lengths(other, 1)[0]));
        Assert.Equal((1u, 300L), (_files.RowAt(one, 0).Version.Value, _files.Fs.Row(other).Allocated));
        _files.Sound();
    }

    [Fact]
    public void In_steps()
    {
        var file = _files.Fs.File(InodeId.Root, "f");
        _files.Fs.Placements = Files.PlacementsOf(1100, 1);
        for (var i = 0UL; i < 1100; i++)
        {
            Ok(_files.Commit(file, _files.Open(file, 2 * i, 1)));
        }

        Ok(_files.Punch(file, 0, 1UL << 50, extend: true));
        Assert.Equal(2UL * ChunkLayout.StepMax * Chunk, _files.Fs.Reply.NextOffset);
        Assert.Equal(1100 - 1024, _files.Fs.Row(file).Allocated);
        Assert.Equal((2 * 1099L * Chunk) + 1, _files.Size(file));
        Ok(_files.Punch(file, _files.Fs.Reply.NextOffset, 1UL << 50, extend: true));
        Assert.Equal((2UL * 1024 * Chunk) + (1UL << 50), _files.Fs.Reply.NextOffset);
        Assert.Equal((0L, (2L * 1024 * Chunk) + (1L << 50)), (_files.Fs.Row(file).Allocated, _files.Size(file)));
        _files.Sound();
    }

    [Fact]
    public void What_is_no_range_is_refused()
    {
        var file = _files.FileOf("f", 10);
        Assert.Equal(FsStatus.Invalid, _files.Punch(file, 0, 0));
        Assert.Equal(FsStatus.FileTooLarge, _files.Punch(file, 1UL << 60, 1));
        Assert.Equal(FsStatus.FileTooLarge, _files.Punch(file, ulong.MaxValue, 2));
        Assert.Equal(FsStatus.IsADirectory, _files.Punch(InodeId.Root, 0, 1));
        _files.Sound();
    }

    private static void Ok(FsStatus status) => Assert.Equal(FsStatus.Ok, status);
}
