using DistFS.Client.Chunks;
using DistFS.Primitives;

namespace DistFS.Simulation.Chains;

/// <summary>Reads cells with the shipped <see cref="ChunkReader"/>, in the version that it knows.</summary>
internal sealed class ReaderMachine(ChainWorld world, ChainFile file, int number, Prng prng)
{
    /// <summary>Reads that were answered.</summary>
    public int Reads { get; private set; }

    /// <summary>Whether every cell was read once.</summary>
    public bool HasReadAll { get; private set; }

    /// <summary>It begins, and reads every cell once, of whichever server it asks first.</summary>
    public void StartOnce()
    {
        var process = new SimulatedProcess(world, $"r{file.Inode}.{number}");
        process.Start(() => ReadAllAsync(process));
    }

    /// <inheritdoc/>
    public override string ToString() => $"r{file.Inode}.{number}";

    /// <summary>It begins, and reads for ever.</summary>
    public void Start()
    {
        var process = new SimulatedProcess(world, $"r{file.Inode}.{number}");
        process.Start(() => RunAsync(process));
    }

    private async Task ReadAllAsync(SimulatedProcess process)
    {
        var client = new MetaClient(world, process, prng.Fork());
        var place = new SimulatedPlace(world, client, file);
        var reader = NewReader(process);
        for (var cell = 0; cell < file.Ledger.Cells;)
        {
            var reads = Reads;
            if (await client.LookUpAsync(file.Inode).ConfigureAwait(false) is { } target)
            {
                await ReadAsync(reader, place, target, cell, 1).ConfigureAwait(false);
            }

            cell += Reads - reads;
        }

        HasReadAll = true;
    }

    private ChunkReader NewReader(SimulatedProcess process) => new(process.Caller, new ChunkReaderOptions
    {
        Scheduler = process,
        Preference = prng.NextInt32(5),
        CallTimeout = TimeSpan.FromSeconds(5),
    });

    private async Task RunAsync(SimulatedProcess process)
    {
        var client = new MetaClient(world, process, prng.Fork());
        var place = new SimulatedPlace(world, client, file);
        var reader = NewReader(process);
        ChunkTarget? target = null;
        while (true)
        {
            await process.DelayAsync((long)DiskFaults.Exponential(prng, world.Options.ReadMicroseconds))
                .ConfigureAwait(false);
            if (file.Ledger.Acknowledged == 0)
            {
                continue;
            }

            if (target == null || prng.Chance(0.1))
            {
                target = await client.LookUpAsync(file.Inode).ConfigureAwait(false);
            }

            if (target != null)
            {
                // One cell, or the end of a block with the start of the next.
                var cell = prng.NextInt32(file.Ledger.Cells);
                var count = cell % 2 == 1 && cell + 1 < file.Ledger.Cells && prng.Chance(0.3) ? 2 : 1;
                target = await ReadAsync(reader, place, target, cell, count).ConfigureAwait(false);
            }
        }
    }

    private async Task<ChunkTarget> ReadAsync(
        ChunkReader reader, SimulatedPlace place, ChunkTarget target, int cell, int count)
    {
        var read = world.Invariants.Reads.Begin(file, cell, count);
        var bytes = new byte[count * ByteLedger.CellBytes];
        try
        {
            target = await reader.ReadAsync(target, place, ByteLedger.OffsetOf(cell), bytes, default)
                .ConfigureAwait(false);
        }
        catch (DistFsException error)
        {
            world.Count($"read fails: {error.Code.Id}");
            return target;
        }

        Reads++;
        world.Invariants.Reads.End(read, target.Version.Value, bytes, world.Queue.Now);
        return target;
    }
}
