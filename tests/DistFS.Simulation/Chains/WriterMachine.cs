using DistFS.Client.Chunks;
using DistFS.Primitives;
using DistFS.Protocol;

namespace DistFS.Simulation.Chains;

/// <summary>
/// Writes a file with the shipped <see cref="ChunkWriter"/>, some writes under way at a time; syncs, commits, seals,
/// and begins anew; dies without a word, or sleeps while another one takes over.
/// </summary>
internal sealed class WriterMachine(ChainWorld world, ChainFile file, int number, Prng prng)
{
    private SimulatedProcess? _process;

    // All that is written lies below what was committed: a version that somebody else begins cuts nothing of it.
    private bool _isCommitted;
    private SimulatedPlace? _place;

    /// <summary>Writers that came to an error.</summary>
    public int Errors { get; private set; }

    /// <summary>What it writes.</summary>
    public ChainFile File => file;

    /// <summary>Whether it is at work.</summary>
    public bool IsBusy => _process is { IsAlive: true };

    /// <summary>What runs there.</summary>
    public SimulatedProcess? Process => _process;

    /// <summary>A process starts, and writes so often.</summary>
    public void Start(int writes)
    {
        var process = _process = new SimulatedProcess(world, $"w{file.Inode}.{number}");
        process.Start(() => RunAsync(process, writes));
    }

    private async Task RunAsync(SimulatedProcess process, int writes)
    {
        var client = new MetaClient(world, process, prng.Fork());
        await client.OpenAsync().ConfigureAwait(false);
        while (writes > 0 || world.IsQuieting)
        {
            try
            {
                var some = Math.Min(writes, prng.NextInt32(1, 40));
                writes -= some;
                await WriteAsync(process, client, some).ConfigureAwait(false);
            }
            catch (DistFsException error)
            {
                Errors++;
                world.Count($"writer ends: {error.Code.Id} {error.Status}");
                world.Trace.Line($"{process}: {error.Code.Id} {error.Message}");
                if (error.Code == ErrorCatalog.WritesLost && _isCommitted && _place?.SawDecision != true)
                {
                    throw new InvariantException("no acknowledged byte is cut", $"{process}: {error.Message}");
                }

                await process.DelayAsync(100_000).ConfigureAwait(false);
                continue;
            }

            if (world.IsQuieting && writes == 0)
            {
                break;
            }
        }

        process.Kill();
    }

    /// <summary>From an open to its close.</summary>
    private async Task WriteAsync(SimulatedProcess process, MetaClient client, int writes)
    {
        var place = _place = new SimulatedPlace(world, client, file);
        var target = await place.OpenAsync().ConfigureAwait(false);
        var writer = new ChunkWriter(target, place, process.Caller, new ChunkWriterOptions
        {
            Scheduler = process,
            Writer = prng.NextUInt64() | 1,
            RequestsMax = world.Options.Window,
        });
        (place.Writer, place.Committed) = (writer, target.StoredLength);
        try
        {
            await WriteAsync(process, client, place, writer, writes).ConfigureAwait(false);
        }
        finally
        {
            await writer.DisposeAsync().ConfigureAwait(false);
        }
    }

    private async Task WriteAsync(
        SimulatedProcess process, MetaClient client, SimulatedPlace place, ChunkWriter writer, int writes)
    {
        _isCommitted = writer.Target.StoredLength >= file.Length;
        if (!_isCommitted)
        {
            // All of it, so that nothing that is written later lies beyond what is committed. Until it is, another's
            // version may cut it: it counts when that is done.
            var (node, done) = await BeginAsync(place, writer, 0, file.Ledger.Cells, isDurable: true)
                .ConfigureAwait(false);
            await done.ConfigureAwait(false);
            place.Acknowledge(node);
            await CommitAsync(client, place, writer).ConfigureAwait(false);
            world.Invariants.OnAcknowledged(file, node.Value);
            _isCommitted = true;
        }

        for (var i = 0; i < writes; i++)
        {
            var cell = prng.NextInt32(file.Ledger.Cells);
            var count = cell % 2 == 1 && cell + 1 < file.Ledger.Cells && prng.Chance(0.5) ? 2 : 1;
            var (node, done) = await BeginAsync(
                place, writer, cell, count, prng.Chance(world.Options.Durable)).ConfigureAwait(false);
            process.Start(() => HearAsync(place, node, done));
            if (prng.Chance(0.05))
            {
                await SyncAsync(writer, isSeal: false).ConfigureAwait(false);
            }
            else if (prng.Chance(0.05))
            {
                await CommitAsync(client, place, writer).ConfigureAwait(false);
            }

            await process.DelayAsync((long)DiskFaults.Exponential(prng, world.Options.ThinkMicroseconds))
                .ConfigureAwait(false);
        }

        await writer.FlushAsync(default).ConfigureAwait(false);
        await SyncAsync(writer, isSeal: true).ConfigureAwait(false);
        var version = await CommitAsync(client, place, writer).ConfigureAwait(false);
        await client.MutateAsync(new Operation
        {
            SealChunks = new SealChunksRequest { Inode = file.Inode, Chunks = { version } },
        }).ConfigureAwait(false);
    }

    /// <summary>A write, of which the ledger hears when its caller does.</summary>
    private async Task<(LinkedListNode<CellWrite> Node, Task Done)> BeginAsync(
        SimulatedPlace place, ChunkWriter writer, int cell, int count, bool isDurable)
    {
        var write = file.Ledger.Begin(cell, count, isDurable, writer.Target.Version.Value);
        var node = place.Pending.AddLast(write);
        var offset = ByteLedger.OffsetOf(cell);
        var content = new byte[ByteLedger.OffsetOf(cell + count - 1) + ByteLedger.CellBytes - offset];
        for (var one = cell; one < cell + count; one++)
        {
            ByteLedger.Fill(content.AsSpan((int)(ByteLedger.OffsetOf(one) - offset)), write.Id);
        }

        return (node, await writer.BeginAsync(offset, content, isDurable, default).ConfigureAwait(false));
    }

    private async Task HearAsync(SimulatedPlace place, LinkedListNode<CellWrite> node, Task done)
    {
        try
        {
            await done.ConfigureAwait(false);
        }
        catch (DistFsException)
        {
            // It may be there or not. The writer says why to whom it matters.
            return;
        }

        place.Acknowledge(node);
        world.Invariants.OnAcknowledged(file, node.Value);
        world.Trace.Add(3, (ulong)node.Value.Id);
        if (world.Trace.IsDetailed)
        {
            world.Trace.Detail($"{file} {node.Value} acknowledged");
        }
    }

    private async Task SyncAsync(ChunkWriter writer, bool isSeal)
    {
        var acknowledged = file.Ledger.OfAcknowledged();
        await (isSeal ? writer.SealAsync(default) : writer.SyncAsync(default)).ConfigureAwait(false);
        if (file.Ledger.MakeDurable(acknowledged))
        {
            throw new InvariantException(
                "what a sync covers is durable", $"{file}: bytes were lost with all copies before it");
        }
    }

    /// <summary>As the product's FileWriter commits a place.</summary>
    private async Task<WrittenChunk> CommitAsync(
        MetaClient client, SimulatedPlace place, ChunkWriter writer)
    {
        for (var attempt = 1; ; attempt++)
        {
            var (target, length) = writer.AcknowledgedHere;
            var written = SimulatedPlace.Named(target, length);
            var reply = await client.PatientlyAsync(new Operation
            {
                CommitWrite = new CommitWriteRequest { Inode = file.Inode, Chunks = { written } },
            }).ConfigureAwait(false);
            if (reply.Status == 0)
            {
                place.Committed = Math.Max(place.Committed, length);
                return written;
            }

            if (reply.Status != (int)FsStatus.Stale || attempt == 5)
            {
                throw new DistFsException(ErrorCatalog.FileRefused, "Not committed.", null, (FsStatus)reply.Status);
            }

            await writer.FlushAsync(default).ConfigureAwait(false);
            if (writer.Acknowledged.Target.Version.Value == written.Version)
            {
                await writer.RenewAsync(default).ConfigureAwait(false);
            }
        }
    }
}
