using static DistFS.Chunks.Tests.StoreCalls;

namespace DistFS.Chunks.Tests.Rocks;

/// <summary>What a crash leaves, and what else the store over RocksDB does with its disk.</summary>
public sealed class CrashTests
{
    private static readonly ChunkId Chunk = new(7);

    [Fact]
    public async Task What_is_not_durable_may_go_and_what_is_durable_stays()
    {
        await using var fixture = RocksFixture.Create();
        await fixture.Store.CreateAsync(Chunk, V1, default);
        await WriteAsync(fixture.Store, 0, 20);
        await fixture.Store.SyncAsync(Chunk, V1, default);
        await WriteAsync(fixture.Store, 20, 40);
        await fixture.CrashAsync();
        var content = fixture.Store.Content(Chunk);
        Assert.Equal(20 * ChunkLayout.BlockBytes, content.Length);
        Assert.Equal(Content.Random(19, ChunkLayout.BlockBytes), content[^ChunkLayout.BlockBytes..]);
    }

    [Fact]
    public async Task A_large_sequential_write_lies_in_one_file_and_is_dropped_with_its_chunk()
    {
        await using var fixture = RocksFixture.Create();
        await fixture.Store.CreateAsync(Chunk, V1, default);
        await WriteAsync(fixture.Store, 0, 64);
        Assert.NotEmpty(Directory.GetFiles(Path.Combine(fixture.Folder, "staging")));
        await fixture.Store.SyncAsync(Chunk, V1, default);
        Assert.Empty(Directory.GetFiles(Path.Combine(fixture.Folder, "staging")));
        Assert.Single(LargeFiles(fixture));
        await fixture.Store.DeleteAsync(Chunk, 1);
        await fixture.RestartAsync();
        Assert.Empty(LargeFiles(fixture));
        Assert.Equal(0, fixture.Rocks.PartsDropped);
    }

    [Fact]
    public async Task A_part_that_no_row_names_is_dropped_when_the_store_is_opened()
    {
        await using var fixture = RocksFixture.Create();
        await fixture.Store.CreateAsync(Chunk, V1, default);
        await WriteAsync(fixture.Store, 0, 64);
        await fixture.Store.SyncAsync(Chunk, V1, default);

        // As a crash between the ingestion and the commit of the row leaves it: the row is of before.
        await fixture.Store.BeginAsync(Chunk, V2, 0);
        await fixture.CrashAsync();
        Assert.Equal(0u, fixture.Store.Info(Chunk).Length);
        Assert.Empty(fixture.Store.Content(Chunk, V2));
        await fixture.RestartAsync();
        Assert.Empty(LargeFiles(fixture));
    }

    [Fact]
    public async Task A_chunk_with_many_small_writes_is_written_anew()
    {
        await using var fixture = RocksFixture.Create();
        await fixture.Store.CreateAsync(Chunk, V1, default);
        await WriteAsync(fixture.Store, 0, 40);
        await fixture.Store.SyncAsync(Chunk, V1, default);
        var expected = fixture.Store.Content(Chunk);
        for (var block = 0u; block < 30; block++)
        {
            var content = Content.Random(block + 100, ChunkLayout.BlockBytes);
            content.CopyTo(expected, block * ChunkLayout.BlockBytes);
            await fixture.Store.WriteAsync(Chunk, false, Content.Block(block, content));
        }

        Assert.True(Files(fixture, "staging").Length == 0);
        await fixture.Store.TidyAsync(10_000, default);
        Assert.True(expected.AsSpan().SequenceEqual(fixture.Store.Content(Chunk)));
        await fixture.CrashAsync();
        Assert.True(expected.AsSpan().SequenceEqual(fixture.Store.Content(Chunk)));
        var digests = new List<BlockDigest>();
        fixture.Store.Digest(Chunk, V1, digests);
        Assert.All(digests, digest => Assert.Equal(1, digest.Pieces));
        Assert.Single(LargeFiles(fixture));
    }

    [Fact]
    public async Task A_flipped_byte_loses_one_copy_and_no_other()
    {
        await using var fixture = RocksFixture.Create();
        var other = new ChunkId(8);
        await fixture.Store.CreateAsync(Chunk, V1, default);
        await WriteAsync(fixture.Store, 0, 64);
        await fixture.Store.SyncAsync(Chunk, V1, default);
        var file = LargeFiles(fixture).Single();
        await fixture.Store.CreateAsync(other, V1, default);
        await fixture.Store.WriteAsync(other, true, Content.Block(0, "abc"u8));
        Flip(file, (33 * BlockCodec.PieceBytesMax) + 5_000);
        var damaged = new List<BlockIndex>();
        Assert.True(fixture.Store.Verify(Chunk, new BlockIndex(0), 64, damaged) > 60 * ChunkLayout.BlockBytes);
        Assert.Single(damaged);
        using (fixture.Store.Read(Chunk, V1, new BlockIndex(0), 20))
        {
            Refused(ErrorCatalog.ChunkLost, () => fixture.Store.Read(Chunk, V1, new BlockIndex(20), 40));
        }

        // The mark is durable with the next sync of anything.
        await fixture.Store.WriteAsync(other, true, Content.Patch(0, 0, "X"u8));
        await fixture.CrashAsync();
        Assert.Equal((ChunkState.Lost, FsStatus.Corrupt), (
            fixture.Store.Info(Chunk).State, fixture.Store.Info(Chunk).LostStatus));
        Assert.Equal("Xbc"u8.ToArray(), fixture.Store.Content(other));
    }

    [Fact]
    public async Task Less_than_the_reserve_refuses_writes_and_nothing_else()
    {
        await using var fixture = RocksFixture.Create();
        await fixture.Store.CreateAsync(Chunk, V1, default);
        await fixture.Store.WriteAsync(Chunk, true, Content.Block(0, "abc"u8));
        await fixture.Store.DisposeAsync();
        await using var full = RocksChunkStore.Open(fixture.Options with { ReserveBytes = 1L << 60 });
        await RefusedAsync(ErrorCatalog.ChunkStoreFull, () => full.WriteAsync(Chunk, true, Content.Block(0, "x"u8)));
        await RefusedAsync(ErrorCatalog.ChunkStoreFull, () => full.CreateAsync(new ChunkId(9), V1, default));
        Assert.Equal("abc"u8.ToArray(), full.Content(Chunk));
        Assert.Equal(FenceOutcome.Begun, await full.BeginAsync(Chunk, V2, 3));
        await full.DeleteAsync(Chunk, 2);
        Assert.False(full.TryGet(Chunk, out _));
    }

    [Fact]
    public async Task An_error_of_the_disk_ends_the_store_for_good()
    {
        await using var fixture = RocksFixture.Create();
        var failures = new List<DistFsException>();
        fixture.Store.Failed += (_, failed) => failures.Add(failed.Failure);
        await fixture.Store.CreateAsync(Chunk, V1, default);
        await fixture.Store.WriteAsync(Chunk, true, Content.Block(0, "abc"u8));
        fixture.Rocks.Fail(new DistFsException(ErrorCatalog.StoreIo, "fsync failed"));
        fixture.Rocks.Fail(new DistFsException(ErrorCatalog.StoreIo, "once more"));
        Assert.Contains("fsync failed", Assert.Single(failures).Message, StringComparison.Ordinal);
        await RefusedAsync(ErrorCatalog.ChunkStoreFailed, () => fixture.Store.SyncAsync(Chunk, V1, default));
        Refused(ErrorCatalog.ChunkStoreFailed, () => fixture.Store.Read(Chunk, V1, default, 1));
        Refused(ErrorCatalog.ChunkStoreFailed, () => fixture.Store.TryGet(Chunk, out _));
        await fixture.RestartAsync();
        Assert.Equal("abc"u8.ToArray(), fixture.Store.Content(Chunk));
    }

    [Fact]
    public async Task Folders_that_are_not_this_servers_are_refused()
    {
        await using var fixture = RocksFixture.Create();
        await fixture.Store.SetOwnerAsync(new ClusterId(1), new ServerId(2), default);
        Refused(ErrorCatalog.StoreLocked, () => RocksChunkStore.Open(fixture.Options));
        await fixture.Store.DisposeAsync();
        Refused(
            ErrorCatalog.ChunkStoreForeign,
            () => RocksChunkStore.Open(fixture.Options with { Cluster = new ClusterId(2) }));
        Refused(
            ErrorCatalog.ChunkStoreForeign,
            () => RocksChunkStore.Open(fixture.Options with { Server = new ServerId(3) }));
        var nowhere = fixture.Options with { Folder = fixture.Folder + "x", CreateIfMissing = false };
        Refused(ErrorCatalog.ChunkStoreMissing, () => RocksChunkStore.Open(nowhere));
        var identity = Path.Combine(fixture.Folder, "identity");
        var bytes = await File.ReadAllBytesAsync(identity);
        byte[] newer = [.. bytes];
        newer[4]++;
        await File.WriteAllBytesAsync(identity, newer);
        Refused(ErrorCatalog.ChunkStoreFormat, () => RocksChunkStore.Open(fixture.Options));
        byte[] damaged = [.. bytes];
        damaged[20]++;
        await File.WriteAllBytesAsync(identity, damaged);
        Refused(ErrorCatalog.ChunkStoreIdentityLost, () => RocksChunkStore.Open(fixture.Options));
        File.Delete(identity);
        Refused(ErrorCatalog.ChunkStoreIdentityLost, () => RocksChunkStore.Open(fixture.Options));
        await File.WriteAllBytesAsync(identity, bytes);
        fixture.Open();
        Assert.Equal(new ServerId(2), fixture.Store.Identity.Server);
    }

    [Fact]
    public async Task Many_writers_at_once_share_syncs()
    {
        await using var fixture = RocksFixture.Create();
        await fixture.Store.CreateAsync(Chunk, V1, default);
        await fixture.Store.WriteAsync(Chunk, true, Content.Block(0, new byte[ChunkLayout.BlockBytes]));
        var writes = Enumerable.Range(0, 200).Select(i => fixture.Store.WriteAsync(
            Chunk, true, Content.Patch((uint)i % 20, i * 100, Content.Text((ulong)i, 100))).AsTask());
        await Task.WhenAll(writes);
        await fixture.CrashAsync();
        var content = fixture.Store.Content(Chunk);
        for (var i = 0; i < 200; i++)
        {
            Assert.Equal(
                Content.Text((ulong)i, 100),
                content.AsSpan((i % 20 * ChunkLayout.BlockBytes) + (i * 100), 100).ToArray());
        }
    }

    [Fact]
    public async Task Reading_while_it_is_written_and_rewritten_never_shows_what_was_not_written()
    {
        await using var fixture = RocksFixture.Create(options => options with { RewriteBytesMin = 10_000 });
        await fixture.Store.CreateAsync(Chunk, V1, default);
        await fixture.Store.WriteAsync(Chunk, true, Content.Block(0, Pattern(0)));
        var done = 0;
        var last = 0;
        var reader = Task.Run(() =>
        {
            var reads = 0;
            while (Volatile.Read(ref done) == 0)
            {
                var atLeast = Volatile.Read(ref last);
                var content = fixture.Store.Content(Chunk);
                Assert.InRange(content[0], atLeast, 250);
                Assert.Equal(-1, content.AsSpan().IndexOfAnyExcept(content[0]));
                reads++;
            }

            return reads;
        });
        for (var i = 1; i <= 250; i++)
        {
            var piece = i % 3 == 0
                ? Content.Block(0, Pattern(i)) : Content.Patch(0, 0, Pattern(i));
            await fixture.Store.WriteAsync(Chunk, i % 50 == 0, piece);
            Volatile.Write(ref last, i);
            if (i % 20 == 0)
            {
                await fixture.Store.TidyAsync(i * 10_000, default);
            }
        }

        Volatile.Write(ref done, 1);
        Assert.True(await reader.WaitAsync(TimeSpan.FromSeconds(30)) > 0);

        static byte[] Pattern(int value)
        {
            var bytes = new byte[ChunkLayout.BlockBytes];
            Array.Fill(bytes, (byte)value);
            return bytes;
        }
    }

    [Fact]
    public void Golden_bytes_of_a_row_and_an_identity()
    {
        var row = new ChunkRow(
            new ChunkInfo(Chunk, new ChunkVersion(2), 0x30405, new CopyId(6), ChunkState.Lost, FsStatus.Corrupt, true),
            [new PartRange(0x1122, 3, 4)],
            0);
        Assert.Equal(
            "010201000200000005040300" + "4A0000000600000000000000" + "01000000" + "22110000000000000300000004000000",
            Convert.ToHexString(row.Encode()));
        Assert.True(ChunkRow.TryDecode(Chunk, row.Encode(), 7, out var again));
        Assert.Equal((row.Info, row.Parts[0]), (again.Info, again.Parts[0]));
        var unsynced = (row with { UnsyncedIn = 7 }).Encode();
        Assert.Equal(
            "010203000200000005040300" + "4A0000000600000000000000" + "01000000" + "22110000000000000300000004000000"
            + "0700000000000000",
            Convert.ToHexString(unsynced));
        Assert.True(ChunkRow.TryDecode(Chunk, unsynced, 7, out again) && !again.Info.IsUnclean);
        Assert.True(ChunkRow.TryDecode(Chunk, unsynced, 8, out again) && again.Info.IsUnclean);
        Assert.Equal(7ul, again.UnsyncedIn);
        Assert.False(ChunkRow.TryDecode(Chunk, unsynced.AsSpan(0, unsynced.Length - 1), 7, out _));
        Assert.StartsWith(
            "44464353" + "01000000" + "0700000000000000" + "08000000000000000000000000000000" + "0900000000000000"
            + "0200000000000000" + "0100000000000000",
            Convert.ToHexString(StoreFolder.Encode(new StoreIdentity(
                new StoreId(7), new ClusterId(8), new ServerId(9), 2, 1))),
            StringComparison.Ordinal);
    }

    private static async Task WriteAsync(IChunkStore store, uint from, uint to)
    {
        for (var block = from; block < to; block++)
        {
            await store.WriteAsync(
                Chunk, false, Content.Block(block, Content.Random(block, ChunkLayout.BlockBytes)));
        }
    }

    private static string[] Files(RocksFixture fixture, string folder) =>
        Directory.GetFiles(Path.Combine(fixture.Folder, folder));

    internal static string[] LargeFiles(RocksFixture fixture) =>
        [.. Files(fixture, "db").Where(file => file.EndsWith(".sst", StringComparison.Ordinal)
            && new FileInfo(file).Length > 1 << 20)];

    internal static void Flip(string path, long offset)
    {
        using var file = File.OpenHandle(path, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite);
        Span<byte> one = stackalloc byte[1];
        Assert.Equal(1, RandomAccess.Read(file, one, offset));
        one[0] ^= 0x10;
        RandomAccess.Write(file, one, offset);
    }
}
