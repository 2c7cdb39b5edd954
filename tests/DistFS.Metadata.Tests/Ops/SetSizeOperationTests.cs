using DistFS.Metadata.Chunks;
using DistFS.Metadata.Collection;
using DistFS.Metadata.Tests.Content;

namespace DistFS.Metadata.Tests.Ops;

/// <summary>POSIX, truncate and ftruncate.</summary>
public sealed class SetSizeOperationTests
{
    private const uint Chunk = Files.Chunk;
    private readonly Files _files = new();

    [Fact]
    public void Bytes_that_were_cut_off_are_zeros_when_the_file_grows_again()
    {
        var file = _files.Fs.File(InodeId.Root, "f");
        Ok(_files.Write(file, 0, [1, 2, 3, 4]));
        Ok(_files.SetSize(file, 2));
        Ok(_files.SetSize(file, 4));
        Ok(_files.Write(file, 3, [9]));
        Assert.Equal([1, 2, 0, 9], _files.Fs.Tree.Content(file)!);
        Ok(_files.SetSize(file, 0));
        Assert.Null(_files.Fs.Tree.Content(file));
        Assert.Equal((0L, 0L), (_files.Size(file), _files.Fs.Row(file).Allocated));
        Assert.Equal((_files.Fs.Now, _files.Fs.Now), (_files.Fs.Row(file).ModifyTime, _files.Fs.Row(file).ChangeTime));
        _files.Sound();
    }

    [Fact]
    public void Chunks_behind_the_end_are_garbage_and_the_last_is_cut_in_a_new_version()
    {
        var file = _files.FileOf("f", Chunk, Chunk, Chunk, 1000);
        Ok(_files.SetSize(file, Chunk + 10));
        Assert.Equal([Chunk, 10, 0, 0], _files.Lengths(file, 4));
        Assert.Equal([3UL, 4UL], _files.GarbageOf(1));
        Assert.Equal((2u, 10u), (_files.RowAt(file, 1).Version.Value, _files.RowAt(file, 1).Length));
        Assert.Equal(1u, _files.RowAt(file, 0).Version.Value);
        Assert.Equal(Chunk + 10L, _files.Fs.Row(file).Allocated);
        _files.Sound();
    }

    [Fact]
    public void At_a_chunks_end_nothing_is_cut()
    {
        var file = _files.FileOf("f", Chunk, 10);
        Ok(_files.SetSize(file, Chunk));
        Assert.Equal(1u, _files.RowAt(file, 0).Version.Value);
        Assert.Equal([Chunk, 0], _files.Lengths(file, 2));
        _files.Sound();
    }

    [Fact]
    public void A_writer_of_what_is_cut_is_fenced_though_it_has_committed_nothing()
    {
        var file = _files.Fs.File(InodeId.Root, "f");
        var chunk = _files.Open(file, 0, 10);
        Ok(_files.Commit(file, chunk));
        var ahead = _files.Open(file, 2, 100);
        Ok(_files.SetSize(file, 500));
        Ok(_files.SetSize(file, 400));
        Assert.Equal(FsStatus.Stale, _files.Commit(file, chunk));
        Assert.Equal(FsStatus.Stale, _files.Commit(file, ahead));
        Assert.Equal((2u, 10u), (_files.RowAt(file, 0).Version.Value, _files.RowAt(file, 0).Length));
        _files.Sound();
    }

    [Fact]
    public void Nothing_is_cut_when_the_size_stays_or_grows()
    {
        var file = _files.FileOf("f", 100);
        Ok(_files.SetSize(file, 100));
        Ok(_files.SetSize(file, 5L << 40));
        Assert.Equal((1u, 100u), (_files.RowAt(file, 0).Version.Value, _files.RowAt(file, 0).Length));
        Assert.Equal(5L << 40, _files.Size(file));
        _files.Sound();
    }

    [Fact]
    public void What_one_file_cuts_off_a_shared_chunk_the_other_still_has()
    {
        var (one, other) = (_files.FileOf("f", 1000), _files.FileOf("g"));
        Ok(_files.Share(one, 0, other, 0, 1000));
        Ok(_files.SetSize(other, 10));
        Ok(_files.SetSize(other, 1000));
        Assert.Equal((1000u, 10u), (_files.Lengths(one, 1)[0], _files.Lengths(other, 1)[0]));

        // It is the other's alone now, and what that had cut off does not come back when it writes.
        Ok(_files.SetSize(one, 0));
        var chunk = _files.Open(other, 0, 20);
        Assert.Equal(10u, _files.RowAt(other, 0).Length);
        Ok(_files.Commit(other, chunk));
        Assert.Equal(20u, _files.Lengths(other, 1)[0]);
        _files.Sound();
    }

    [Fact]
    public void A_file_of_many_chunks_is_cut_at_once_and_released_in_steps()
    {
        const int Count = ChunkLayout.StepMax + 200;
        var file = Many(Count);
        Ok(_files.SetSize(file, Chunk * 100L));
        Assert.Equal(Chunk * 100L, _files.Size(file));
        Assert.Empty(_files.GarbageOf(1));
        Assert.Equal([file], _files.Chunks.Trimmed(10));
        _files.Sound();

        // It grows over what is not released yet: nothing of that shows, and what is new stays.
        Ok(_files.SetSize(file, Chunk * 300L));
        var old = _files.Place(file, 200).Chunk;
        var chunk = _files.Open(file, 200, 5);
        Assert.NotEqual(old.Value, chunk.Chunk);
        Assert.Equal([old.Value], _files.GarbageOf(1));
        Ok(_files.Commit(file, chunk));
        _files.Sound();

        Assert.False(_files.ReleaseTrimmed(file, 300));
        Assert.False(_files.ReleaseTrimmed(file, Count - 100 - 300 - 1));
        _files.Fs.Keep();
        _files.Sound();
        Assert.True(Collector.HasWork(_files.Fs.Tree, _files.Fs.Now));
        var reply = _files.Fs.Collect();
        Assert.Equal((1u, false), (reply.Rows, reply.More));
        Assert.False(Collector.HasWork(_files.Fs.Tree, _files.Fs.Now));
        Assert.Empty(_files.Chunks.Trimmed(10));
        Assert.Equal(Count - 100, _files.GarbageOf(1).Count());
        Assert.Equal(new ChunkId(chunk.Chunk), _files.Place(file, 200).Chunk);
        Assert.Equal((100L * 10) + 5, _files.Fs.Row(file).Allocated);
        _files.Sound();
    }

    [Fact]
    public void While_much_is_left_behind_it_is_cut_again_before_it_but_not_after_it()
    {
        const int Count = (2 * ChunkLayout.StepMax) + 100;
        var file = Many(Count);
        Ok(_files.SetSize(file, Chunk * 50L));
        Ok(_files.SetSize(file, Chunk * (long)Count));
        Assert.Equal(FsStatus.TryAgain, _files.SetSize(file, Chunk * 60L));
        Assert.Equal(Chunk * (long)Count, _files.Size(file));
        Ok(_files.SetSize(file, Chunk * 40L));
        Assert.Equal(FsStatus.TryAgain, _files.Share(_files.FileOf("g", 7), 0, file, Chunk * 45UL, 7));
        Assert.False(_files.ReleaseTrimmed(file, 1024));
        Assert.False(_files.ReleaseTrimmed(file, 1024));
        Assert.True(_files.ReleaseTrimmed(file, 1024));
        _files.Fs.Keep();
        Assert.Equal(40L * 10, _files.Fs.Row(file).Allocated);
        Assert.Equal(Count - 40, _files.GarbageOf(2).Count());
        _files.Sound();
    }

    [Fact]
    public void Few_left_behind_go_at_once_with_the_next_cut()
    {
        var file = Many(ChunkLayout.StepMax + 10);
        Ok(_files.SetSize(file, Chunk * 2L));
        Assert.False(_files.ReleaseTrimmed(file, 10));
        _files.Fs.Keep();
        Ok(_files.SetSize(file, 0));
        Assert.Empty(_files.Chunks.Trimmed(10));
        Assert.Equal((0L, 0UL), (_files.Fs.Row(file).Allocated, _files.Fs.Row(file).ChunkEnd));
        _files.Sound();
    }

    [Fact]
    public void Who_may_and_how_long()
    {
        var file = _files.FileOf("f", 10);
        Assert.Equal(FsStatus.FileTooLarge, _files.SetSize(file, (1UL << 60) + 1));
        Assert.Equal(FsStatus.FileTooLarge, _files.SetSize(file, ulong.MaxValue));
        Ok(_files.SetSize(file, 1UL << 60));
        Ok(_files.SetSize(file, 5));
        Assert.Equal(FsStatus.IsADirectory, _files.SetSize(InodeId.Root, 0));
        Ok(_files.Fs.Set(file, set => (set.Uid, set.Mode) = (1000, 0b100_100_100)));
        _files.Fs.Caller = Namespace.User(1000, 1);
        Assert.Equal(FsStatus.AccessDenied, _files.SetSize(file, 1));
        _files.Sound();
    }

    private static void Ok(FsStatus status) => Assert.Equal(FsStatus.Ok, status);

    /// <summary>A file with ten bytes in each of so many chunks.</summary>
    private InodeId Many(int count)
    {
        var file = _files.Fs.File(InodeId.Root, "many");
        _files.Fs.Placements = Files.PlacementsOf(count + 10, 1, 2, 3);
        for (var i = 0; i < count; i++)
        {
            Ok(_files.Commit(file, _files.Open(file, (ulong)i, 10)));
        }

        return file;
    }
}
