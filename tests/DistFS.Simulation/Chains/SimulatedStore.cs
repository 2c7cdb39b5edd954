using DistFS.Blocks;
using DistFS.Chunks;
using DistFS.Primitives;

namespace DistFS.Simulation.Chains;

/// <summary>
/// A store as a process uses it: changes wait in its one lane, in order, and take their time; the process may die
/// before a change, or after it and before anybody is told. What is on the disk is the shipped store in memory.
/// </summary>
internal sealed class SimulatedStore(
    ChainWorld world, SimulatedProcess process, MemoryChunkStore disk, ServerMachine machine, Prng prng) : IChunkStore
{
    private long _laneFreeAt;

    public event EventHandler<StoreFailedEventArgs>? Failed
    {
        add => disk.Failed += value;
        remove => disk.Failed -= value;
    }

    public StoreIdentity Identity => disk.Identity;

    public StoreSpace Space => disk.Space;

    public ScrubMark ScrubMark => disk.ScrubMark;

    public ValueTask SetOwnerAsync(ClusterId cluster, ServerId server, CancellationToken cancellation) =>
        Change(default, () => disk.SetOwnerAsync(cluster, server, default));

    public bool TryGet(ChunkId chunk, out ChunkInfo info) => disk.TryGet(chunk, out info);

    public int List(ChunkId from, Span<ChunkInfo> destination) => disk.List(from, destination);

    public ValueTask CreateAsync(ChunkId chunk, ChunkVersion version, CancellationToken cancellation) =>
        Change(chunk, () => disk.CreateAsync(chunk, version, default));

    public ValueTask WriteAsync(
        ChunkId chunk,
        ChunkVersion version,
        VerifiedPieces pieces,
        bool isDurable,
        CancellationToken cancellation) =>
        Change(chunk, () => disk.WriteAsync(chunk, version, pieces, isDurable, default));

    public ValueTask TruncateAsync(
        ChunkId chunk, ChunkVersion version, uint length, bool isDurable, CancellationToken cancellation) =>
        Change(chunk, () => disk.TruncateAsync(chunk, version, length, isDurable, default));

    public ValueTask PunchAsync(
        ChunkId chunk,
        ChunkVersion version,
        uint offset,
        uint length,
        bool isDurable,
        CancellationToken cancellation) =>
        Change(chunk, () => disk.PunchAsync(chunk, version, offset, length, isDurable, default));

    public ValueTask SyncAsync(ChunkId chunk, ChunkVersion version, CancellationToken cancellation) =>
        Change(chunk, () => disk.SyncAsync(chunk, version, default));

    public ValueTask SealAsync(ChunkId chunk, ChunkVersion version, CancellationToken cancellation) =>
        Change(chunk, () => disk.SealAsync(chunk, version, default));

    public ValueTask BeginVersionsAsync(
        ReadOnlyMemory<VersionFence> fences, Memory<FenceOutcome> outcomes, CancellationToken cancellation) =>
        Change(
            fences.Length == 1 ? fences.Span[0].Chunk : default,
            () => disk.BeginVersionsAsync(fences, outcomes, default));

    public ValueTask BeginCopyAsync(
        ChunkId chunk, ChunkVersion version, CopyId copy, bool keepsBlocks, CancellationToken cancellation) =>
        Change(chunk, () => disk.BeginCopyAsync(chunk, version, copy, keepsBlocks, default));

    public ValueTask CompleteAsync(
        ChunkId chunk, ChunkVersion version, CopyId copy, uint length, CancellationToken cancellation) =>
        Change(chunk, () => disk.CompleteAsync(chunk, version, copy, length, default));

    public ValueTask DropBlockAsync(
        ChunkId chunk, ChunkVersion version, BlockIndex block, CancellationToken cancellation) =>
        Change(chunk, () => disk.DropBlockAsync(chunk, version, block, default));

    public ValueTask ReplaceBlocksAsync(
        ChunkId chunk,
        ChunkVersion version,
        IReadOnlyList<BlockIndex> blocks,
        VerifiedPieces pieces,
        bool isWhole,
        CancellationToken cancellation) =>
        Change(chunk, () => disk.ReplaceBlocksAsync(chunk, version, blocks, pieces, isWhole, default));

    public ValueTask MarkLostAsync(
        ChunkId chunk, ChunkVersion version, FsStatus status, CancellationToken cancellation) =>
        Change(chunk, () => disk.MarkLostAsync(chunk, version, status, default));

    public ValueTask DeleteAsync(ReadOnlyMemory<ChunkDeletion> orders, CancellationToken cancellation) =>
        Change(default, () =>
        {
            foreach (var order in orders.Span)
            {
                if (disk.TryGet(order.Chunk, out var info) && order.IsAbout(info.Version, info.Copy))
                {
                    world.Invariants.OnDelete(machine, info);
                }
            }

            return disk.DeleteAsync(orders, default);
        });

    public StoredBlocks Read(ChunkId chunk, ChunkVersion version, BlockIndex first, int count) =>
        disk.Read(chunk, version, first, count);

    public RangeRead ReadRange(
        ChunkId chunk, ChunkVersion version, in BlockRange range, bool isAtHand, Span<byte> destination) =>
        disk.ReadRange(chunk, version, range, isAtHand, destination);

    public void Forget(ChunkId chunk, BlockIndex block) => disk.Forget(chunk, block);

    public StoredBlocks ReadSound(ChunkId chunk, ChunkVersion version, BlockIndex block) =>
        disk.ReadSound(chunk, version, block);

    public void DropCached(ChunkId chunk) => disk.DropCached(chunk);

    public long Verify(ChunkId chunk, BlockIndex first, int count, ICollection<BlockIndex> damaged) =>
        disk.Verify(chunk, first, count, damaged);

    public void Digest(ChunkId chunk, ChunkVersion version, ICollection<BlockDigest> digests) =>
        disk.Digest(chunk, version, digests);

    public ValueTask TidyAsync(long nowMs, CancellationToken cancellation) => disk.TidyAsync(nowMs, default);

    public ValueTask SetScrubMarkAsync(ScrubMark mark, CancellationToken cancellation) =>
        Change(default, () => disk.SetScrubMarkAsync(mark, default));

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private ValueTask Change(ChunkId chunk, Func<ValueTask> change)
    {
        process.Effect();
        var done = new TaskCompletionSource();
        var now = world.Queue.Now;
        _laneFreeAt = Math.Max(_laneFreeAt, now)
            + (long)DiskFaults.Exponential(prng, world.Options.StoreMicroseconds);
        process.Post(() => _ = ChangeAsync(chunk, change, done), _laneFreeAt - now);
        return new ValueTask(done.Task);
    }

    private async Task ChangeAsync(ChunkId chunk, Func<ValueTask> change, TaskCompletionSource done)
    {
        DistFsException? refusal = null;
        try
        {
            await change().ConfigureAwait(false);
        }
        catch (DistFsException error)
        {
            refusal = error;
        }
        catch (Exception error)
        {
            world.Fail(error);
            return;
        }

        world.Invariants.OnChanged(chunk);
        process.Effect();
        process.Post(() =>
        {
            if (refusal == null)
            {
                done.TrySetResult();
            }
            else
            {
                done.TrySetException(refusal);
            }
        });
    }
}
