using System.Runtime.InteropServices;
using static DistFS.Chunks.Tests.StoreCalls;

namespace DistFS.Chunks.Tests.Rocks;

/// <summary>Large reads past the engine (docs/design/chunk-store.md, "Hot path").</summary>
public sealed class DirectReadTests
{
    private static readonly ChunkId Chunk = new(7);

    [Fact]
    public async Task What_is_read_past_the_engine_is_what_the_engine_reads()
    {
        await using var fixture = RocksFixture.Create();
        await fixture.Store.CreateAsync(Chunk, V1, default);

        // Whole and half blocks have a place of their own in the file; tiny ones and the last one share it.
        for (var block = 0u; block < 50; block++)
        {
            var length = block == 49 ? 100 : ChunkLayout.BlockBytes;
            var content = block is >= 20 and < 30 ? new byte[length]
                : block is >= 30 and < 40 ? Content.Text(block, length)
                : Content.Random(block, length);
            await fixture.Store.WriteAsync(Chunk, false, Content.Block(block, content));
        }

        await fixture.Store.SyncAsync(Chunk, V1, default);
        Same(fixture);
        Assert.True(IsOnePlace(fixture, 0, 16));
        Assert.True(IsOnePlace(fixture, 3, 16));

        // What lies over a block is the engine's, and so is the block; those beside it are not.
        await fixture.Store.WriteAsync(Chunk, true, Content.Patch(5, 10, "patch"u8));
        Same(fixture);
        Assert.False(IsOnePlace(fixture, 0, 16));
        Assert.True(IsOnePlace(fixture, 6, 14));
        await fixture.Store.PunchAsync(
            Chunk, V1, 8 * ChunkLayout.BlockBytes, 3 * ChunkLayout.BlockBytes, true, default);
        Same(fixture);
        await fixture.Store.TruncateAsync(Chunk, V1, (45 * ChunkLayout.BlockBytes) + 7, true, default);
        Same(fixture);

        // Files of an earlier run are found by their names.
        await fixture.RestartAsync();
        Assert.Equal(0, fixture.Rocks.PartsHeld);
        Same(fixture);
        Assert.True(IsOnePlace(fixture, 11, 9));
    }

    [Fact]
    public async Task Damaged_content_is_given_as_it_is_and_found_by_its_checksum()
    {
        await using var fixture = await WrittenAsync(40);
        CrashTests.Flip(CrashTests.LargeFiles(fixture).Single(), (33 * BlockCodec.PieceBytesMax) + 5_000);
        using (var found = fixture.Store.ReadUnchecked(Chunk, V1, new BlockIndex(24), 16))
        {
            Assert.Equal(PieceFault.Checksum, found.Verify(out var block));
            Assert.InRange(block.Value, 32u, 33u);
        }

        Refused(ErrorCatalog.ChunkLost, () => fixture.Store.Read(Chunk, V1, new BlockIndex(24), 16));
    }

    /// <summary>Before each piece stands its key: in the file of another part the engine would not find it.</summary>
    [Fact]
    public async Task Where_a_key_is_damaged_the_engine_is_asked_and_the_copy_is_lost()
    {
        await using var fixture = await WrittenAsync(20);
        var file = CrashTests.LargeFiles(fixture).Single();
        var bytes = await File.ReadAllBytesAsync(file);
        var key = new byte[StoreKeys.BlockBytes];
        var part = StoreKeys.Block(key, Chunk, 1, 9).ToArray();
        CrashTests.Flip(file, bytes.AsSpan().IndexOf(part) + 12);
        Refused(ErrorCatalog.ChunkLost, () => fixture.Store.ReadUnchecked(Chunk, V1, new BlockIndex(4), 16));
    }

    [Fact]
    public async Task The_file_of_a_part_that_is_dropped_is_not_held_open()
    {
        await using var fixture = await WrittenAsync(20);
        fixture.Store.ReadUnchecked(Chunk, V1, new BlockIndex(0), 16).Dispose();
        Assert.Equal(1, fixture.Rocks.PartsHeld);
        await fixture.Store.DeleteAsync(Chunk, 1);
        await fixture.Store.DisposeAsync();
        Assert.Equal(0, fixture.Rocks.PartsHeld);
        Assert.DoesNotContain(
            Directory.GetFiles("/proc/self/fd").Select(fd => new FileInfo(fd).LinkTarget ?? string.Empty),
            target => target.StartsWith(fixture.Folder, StringComparison.Ordinal));
        fixture.Open();
    }

    [Fact]
    public async Task No_more_files_are_held_open_than_half_of_those_allowed()
    {
        await using var fixture = RocksFixture.Create(options => options with { OpenFilesMax = 16, PartBytesMin = 1 });
        for (var i = 1ul; i <= 12; i++)
        {
            var chunk = new ChunkId(i);
            await fixture.Store.CreateAsync(chunk, V1, default);
            await WriteAsync(fixture, chunk, 3);
            await fixture.Store.SyncAsync(chunk, V1, default);
            Assert.InRange(fixture.Rocks.PartsHeld, 1, 8);
        }

        for (var i = 1ul; i <= 12; i++)
        {
            Assert.Equal(3 * ChunkLayout.BlockBytes, fixture.Store.Content(new ChunkId(i)).Length);
            Assert.InRange(fixture.Rocks.PartsHeld, 1, 8);
        }
    }

    /// <summary>A file that was cut or changed: no table, or one that gives nothing under a wrong key.</summary>
    [Fact]
    public async Task A_table_of_any_bytes_is_refused_or_reads_pieces_under_their_keys_only()
    {
        await using var fixture = await WrittenAsync(20);
        var whole = await File.ReadAllBytesAsync(CrashTests.LargeFiles(fixture).Single());
        var path = Path.Combine(fixture.Folder, "damaged");
        var understood = 0;
        for (var seed = 0ul; seed < 400; seed++)
        {
            var random = new Prng(seed);
            var bytes = whole.ToArray();
            if (seed % 4 == 0)
            {
                bytes = bytes[..random.NextInt32(bytes.Length)];
            }
            else
            {
                // The index and the footer are behind the 20 pieces.
                bytes[bytes.Length - 1 - random.NextInt32(4_000)] ^= (byte)(1 << random.NextInt32(8));
            }

            await File.WriteAllBytesAsync(path, bytes);
            using var file = File.OpenHandle(path);
            if (PartTable.Read(file) is not { } table || table.BytesOf(2, 10) is 0)
            {
                continue;
            }

            understood++;
            var lengths = new int[10];
            var room = new byte[Math.Min(table.BytesOf(2, 10), 2 << 20) + (11 * PartTable.GapBytes)];
            if (table.TryRead(Chunk, 1, 2, lengths, room))
            {
                Assert.Equal(10 * BlockCodec.PieceBytesMax, lengths.Sum());
                Assert.Equal(PieceFault.None, PieceReader.Verify(room.AsSpan(0, lengths.Sum()), out _));
            }

            Assert.False(table.TryRead(new ChunkId(8), 1, 2, lengths, room));
            Assert.False(table.TryRead(Chunk, 2, 2, lengths, room));
        }

        Assert.InRange(understood, 20, 380);
    }

    private static async Task<RocksFixture> WrittenAsync(uint blocks)
    {
        var fixture = RocksFixture.Create();
        await fixture.Store.CreateAsync(Chunk, V1, default);
        await WriteAsync(fixture, Chunk, blocks);
        await fixture.Store.SyncAsync(Chunk, V1, default);
        return fixture;
    }

    private static async Task WriteAsync(RocksFixture fixture, ChunkId chunk, uint blocks)
    {
        for (var block = 0u; block < blocks; block++)
        {
            var content = Content.Random(block, ChunkLayout.BlockBytes);
            await fixture.Store.WriteAsync(chunk, false, Content.Block(block, content));
        }
    }

    private static void Same(RocksFixture fixture)
    {
        using var direct = fixture.Store.ReadUnchecked(Chunk, V1, new BlockIndex(0), 50);
        using var engine = fixture.Store.Read(Chunk, V1, new BlockIndex(0), 50);
        Assert.Equal(PieceFault.None, direct.Verify(out _));
        Assert.Equal(engine.TotalBytes, direct.TotalBytes);
        Assert.Equal(Join(engine.Pieces.ToArray()), Join(direct.Pieces.ToArray()));
    }

    /// <summary>Whether all pieces lie one behind the other in managed memory: the engine's do not.</summary>
    private static bool IsOnePlace(RocksFixture fixture, uint first, int count)
    {
        using var found = fixture.Store.ReadUnchecked(Chunk, V1, new BlockIndex(first), count);
        byte[]? array = null;
        foreach (var piece in found.Pieces)
        {
            if (!MemoryMarshal.TryGetArray(piece.Bytes, out var segment))
            {
                return false;
            }

            array ??= segment.Array;
        }

        return array != null;
    }
}
