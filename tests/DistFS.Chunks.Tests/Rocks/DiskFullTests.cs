using static DistFS.Chunks.Tests.StoreCalls;

namespace DistFS.Chunks.Tests.Rocks;

/// <summary>A disk that is full although nothing should let it come to that: somebody else fills it.</summary>
public sealed class DiskFullTests
{
    [Fact]
    public async Task Nothing_acknowledged_is_lost_and_everything_is_read()
    {
        using var disk = new SmallDisk(megabytes: 48);
        await using var store = RocksChunkStore.Open(new RocksChunkStoreOptions
        {
            Folder = Path.Combine(disk.Path, "store"),
            CreateIfMissing = true,
            ReserveBytes = 0,
            BallastBytes = 4 << 20,
        });
        var written = new List<ChunkId>();
        var refusal = await Assert.ThrowsAsync<DistFsException>(async () =>
        {
            for (var id = 1ul; id < 1_000; id++)
            {
                await store.CreateAsync(new ChunkId(id), V1, default);
                await store.WriteAsync(new ChunkId(id), true, BlocksOf(id));
                written.Add(new ChunkId(id));
            }
        });
        Assert.Equal(ErrorCatalog.ChunkStoreFull, refusal.Code);
        Assert.InRange(written.Count, 20, 300);
        RequireAll(store, written);

        // The engine writes nothing more before it is opened again: so deletes are refused too, loudly.
        await RefusedAsync(ErrorCatalog.ChunkStoreFull, () => store.DeleteAsync(written[0], 1));
        RequireAll(store, written);
        await store.DisposeAsync();

        // As an operator would: the files on a larger disk.
        await using var larger = RocksFixture.Create();
        await larger.Store.DisposeAsync();
        Directory.Delete(larger.Folder, recursive: true);
        RocksFixture.Copy(Path.Combine(disk.Path, "store"), larger.Folder);
        larger.Open();
        RequireAll(larger.Rocks, written);
        await larger.Store.DeleteAsync(written[0], 1);
        Assert.False(larger.Store.TryGet(written[0], out _));
        await larger.Store.WriteAsync(written[1], true, Content.Patch(0, 0, "abc"u8));
    }

    private static void RequireAll(RocksChunkStore store, List<ChunkId> chunks)
    {
        foreach (var chunk in chunks)
        {
            Assert.Equal(
                BlocksOf(chunk.Value).SelectMany(piece => Content.Merge(piece.Header.Block.Value, [piece])),
                store.Content(chunk));
        }
    }

    private static StoredPiece[] BlocksOf(ulong id) =>
    [
        .. Enumerable.Range(0, 4).Select(
            block => Content.Block((uint)block, Content.Random((id * 10) + (ulong)block, ChunkLayout.BlockBytes))),
    ];
}
