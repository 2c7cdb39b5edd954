using DistFS.Metadata.Chunks;
using DistFS.Metadata.Tests.Content;

namespace DistFS.Metadata.Tests.Ops;

/// <summary>POSIX, write; content in the metadata row.</summary>
public sealed class WriteInlineOperationTests
{
    private readonly Files _files = new();
    private readonly InodeId _file;

    public WriteInlineOperationTests() => _file = _files.Fs.File(InodeId.Root, "f", 0b110_110_110);

    [Fact]
    public void Bytes_go_where_they_belong_and_the_gap_is_zeros()
    {
        Ok(_files.Write(_file, 2, [1, 2, 3]));
        Ok(_files.Write(_file, 4, [9]));
        Ok(_files.Write(_file, 7, [7]));
        Assert.Equal([0, 0, 1, 2, 9, 0, 0, 7], _files.Fs.Tree.Content(_file)!);
        Assert.Equal((8L, 8L), (_files.Size(_file), _files.Fs.Row(_file).Allocated));
        Assert.Equal((8UL, 8UL), (_files.Fs.Last.Size, _files.Fs.Last.Allocated));
        _files.Sound();
    }

    [Fact]
    public void Up_to_16_KiB_and_not_a_byte_more()
    {
        Ok(_files.Write(_file, 0, new byte[ChunkLayout.InlineBytesMax]));
        Ok(_files.Write(_file, ChunkLayout.InlineBytesMax - 1, [1]));
        Assert.Equal(FsStatus.MessageTooLarge, _files.Write(_file, ChunkLayout.InlineBytesMax - 1, [1, 2]));
        Assert.Equal(FsStatus.MessageTooLarge, _files.Write(_file, ulong.MaxValue, [1, 2]));
        Assert.Equal(ChunkLayout.InlineBytesMax, _files.Size(_file));
        _files.Sound();
    }

    [Fact]
    public void Beyond_what_is_there_zeros_stay_when_the_file_is_longer()
    {
        Ok(_files.SetSize(_file, 1L << 40));
        Ok(_files.Write(_file, 1, [5]));
        Assert.Equal([0, 5], _files.Fs.Tree.Content(_file)!);
        Assert.Equal((1L << 40, 2L), (_files.Size(_file), _files.Fs.Row(_file).Allocated));
        _files.Sound();
    }

    [Fact]
    public void A_file_that_has_a_chunk_there_is_written_there()
    {
        var file = _files.FileOf("g", 100);
        Assert.Equal(FsStatus.Stale, _files.Write(file, 0, [1]));
        Ok(_files.Write(_files.FileOf("h", 0, 100), 0, [1]));
        _files.Sound();
    }

    [Fact]
    public void A_replacement_that_was_being_filled_with_the_bytes_before_is_given_up()
    {
        Ok(_files.Write(_file, 0, [1, 2]));
        var chunk = _files.Open(_file, 0, 10);
        Ok(_files.Write(_file, 0, [3]));
        Assert.Equal(FsStatus.Stale, _files.Install(_file, chunk));
        Assert.Equal([chunk.Chunk], _files.GarbageOf(2));
        Assert.Equal([3, 2], _files.Fs.Tree.Content(_file)!);
        _files.Sound();
    }

    [Fact]
    public void Times_are_those_of_the_write()
    {
        Ok(_files.Write(_file, 0, [1]));
        var (row, now) = (_files.Fs.Row(_file), _files.Fs.Now);
        Assert.Equal((now, now), (row.ModifyTime, row.ChangeTime));
        Assert.True(row.AccessTime < now);

        // Nothing written, nothing changed.
        Ok(_files.Write(_file, 0, []));
        Assert.Equal(row, _files.Fs.Row(_file));

        // Buffered since before something else was: that is not taken back.
        Ok(_files.Write(_file, 0, [1], new WriteTime { Seconds = 5 }));
        Assert.Equal((now, _files.Fs.Now), (_files.Fs.Row(_file).ModifyTime, _files.Fs.Row(_file).ChangeTime));
        Ok(_files.Write(_file, 0, [1], new WriteTime { Seconds = now.Seconds + 99 }));
        Assert.Equal(_files.Fs.Now, _files.Fs.Row(_file).ModifyTime);

        // An owner has put it into the past; a write since then says when it was.
        Ok(_files.Fs.Set(_file, set => set.ModifyTime = new() { Time = new Time { Seconds = 1 } }));
        Ok(_files.Write(_file, 0, [1], new WriteTime { Seconds = 5, Nanoseconds = 6 }));
        Assert.Equal(new FileTime(5, 6), _files.Fs.Row(_file).ModifyTime);
    }

    [Fact]
    public void Who_is_not_root_takes_the_special_bits_away()
    {
        Ok(_files.Fs.Set(_file, set => set.Mode = 0b110_111_111_111));
        Ok(_files.Write(_file, 0, [1]));
        Assert.Equal(0b110_111_111_111u, _files.Fs.Row(_file).Mode);
        _files.Fs.Caller = Namespace.User(1000, 100);
        Ok(_files.Write(_file, 0, [1]));
        Assert.Equal(0b000_111_111_111u, _files.Fs.Row(_file).Mode);
    }

    [Fact]
    public void Who_may_write()
    {
        _files.Fs.Caller = Principal.Root;
        Ok(_files.Fs.Set(_file, set => (set.Uid, set.Mode) = (1000, 0b100_100_100)));

        _files.Fs.Caller = Namespace.User(1000, 100);
        Assert.Equal(FsStatus.AccessDenied, _files.Write(_file, 0, [1]));
        Assert.Equal(FsStatus.NotFound, _files.Write(new InodeId(99), 0, [1]));
        Assert.Equal(FsStatus.IsADirectory, _files.Write(InodeId.Root, 0, [1]));
        _files.Fs.Caller = Principal.Root;
        Ok(_files.Fs.Make(InodeId.Root, "p", DistFS.Metadata.Rows.InodeKind.Fifo));
        Assert.Equal(FsStatus.Invalid, _files.Write(new InodeId(_files.Fs.Last.Inode), 0, [1]));
    }

    private static void Ok(FsStatus status) => Assert.Equal(FsStatus.Ok, status);
}
