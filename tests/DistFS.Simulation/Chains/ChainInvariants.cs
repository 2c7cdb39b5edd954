using DistFS.Blocks;
using DistFS.Chunks;
using DistFS.Metadata;
using DistFS.Primitives;
using DistFS.Protocol;
using ChunkInfo = DistFS.Chunks.ChunkInfo;

namespace DistFS.Simulation.Chains;

/// <summary>All that must hold of chunks, asked after everything that may change one.</summary>
internal sealed class ChainInvariants(ChainWorld world)
{
    private readonly AcknowledgedBytesSurvive _survive = new();
    private readonly LossIsMarked _marked = new();
    private readonly GoodCopiesStay _stay = new();
    private readonly QuietCopiesAreEqual _equal = new();

    /// <summary>Of what readers see.</summary>
    public ReadsAreFresh Reads { get; } = new()
    {
        VersionOf = file => world.ViewOf(file)?.Row.Version.Value ?? 0,
    };

    /// <summary>Of what comes late.</summary>
    public FencedChangeNothing Fenced { get; } = new();

    /// <summary>A writer was told that a write is done.</summary>
    public void OnAcknowledged(ChainFile file, CellWrite write)
    {
        file.Ledger.Acknowledge(write);
        if (write.BegunAfter != file.Ledger.Crashes && world.ViewOf(file) is { } view)
        {
            // It may have been done before a crash, and heard of after it.
            AcknowledgedBytesSurvive.ForgiveLate(view);
        }
    }

    /// <summary>A disk has changed; of no chunk in particular: perhaps all.</summary>
    public void OnChanged(ChunkId chunk)
    {
        foreach (var file in world.Files)
        {
            if (world.ViewOf(file) is { } view && (chunk == default || file.Chunk == chunk))
            {
                _survive.Check(view);
            }
        }
    }

    /// <summary>An entry was applied.</summary>
    public void OnApplied(Tree tree, MetadataCommand command, MetadataReply reply)
    {
        ArgumentNullException.ThrowIfNull(tree);
        if (world.Trace.IsDetailed)
        {
            world.Trace.Detail($"applied {tree.Chunks.Next} {command.KindCase}: {Told(command)} -> {reply}");
        }

        foreach (var file in world.Files)
        {
            if (file.Chunk.Value == 0 && tree.Chunks.TryGetPlace(new InodeId(file.Inode), 0, out var place))
            {
                file.Chunk = place.Chunk;
            }

            if (world.ViewOf(file) is not { } view)
            {
                continue;
            }

            var (before, row) = (file.LastRow, view.Row);
            if (before is { } last && last.Version != row.Version)
            {
                world.Count("versions");
                file.Ledger.End(last.Version.Value, world.Queue.Now);
                world.Trace.Line($"{file} {row.Version} {row.State} {row.Length} on "
                    + string.Join(' ', row.Replicas.ToArray()
                        .Select(id => $"{world.NameOf(id)}{(row.IsBad(id) ? "-" : "")}"))
                    + $" by {command.KindCase}");
            }

            file.LastRow = row;
            if (row.DecidedServer != null && before is not { DecidedServer: not null })
            {
                world.Count("decisions");
                _survive.Forgive(view);
            }

            _survive.Check(view);
        }
    }

    /// <summary>A server is about to lose what it did not sync.</summary>
    public Dictionary<ChainFile, CopyView> Remember(ServerMachine machine)
    {
        var copies = new Dictionary<ChainFile, CopyView>();
        foreach (var file in world.Files)
        {
            if (machine.Disk.TryGet(file.Chunk, out var info))
            {
                copies.Add(file, CopyOf(machine, file, info));
            }
        }

        return copies;
    }

    /// <summary>It has lost it.</summary>
    public void OnCrashed(ServerMachine machine, Dictionary<ChainFile, CopyView> before)
    {
        foreach (var file in world.Files)
        {
            if (before.TryGetValue(file, out var had) && machine.Disk.TryGet(file.Chunk, out var info))
            {
                var has = CopyOf(machine, file, info);
                world.Count(has.Info.IsUnclean ? "unclean copies" : "clean copies after a crash");
                _marked.Check(file, had, has);
            }

            if (world.ViewOf(file) is { } view)
            {
                _survive.Forgive(view);
            }
        }
    }

    /// <summary>A server is about to delete a copy.</summary>
    public void OnDelete(ServerMachine machine, ChunkInfo info)
    {
        foreach (var file in world.Files)
        {
            if (file.Chunk == info.Chunk && world.ViewOf(file) is { } view)
            {
                _stay.Check(view, CopyOf(machine, file, info));
            }
        }
    }

    /// <summary>The world is over.</summary>
    public void OnEnd()
    {
        foreach (var file in world.Files)
        {
            if (world.ViewOf(file) is { } view)
            {
                _survive.Check(view);
                _equal.Check(view);
            }
        }
    }

    /// <summary>A copy as it is on a disk.</summary>
    public static CopyView CopyOf(ServerMachine machine, ChainFile file, ChunkInfo info)
    {
        var ids = new List<long>();
        for (var cell = 0; info.State == ChunkState.Serving && cell < file.Ledger.Cells; cell++)
        {
            ids.Add(IdIn(machine.Disk, info, cell));
        }

        return new CopyView(machine.Name, machine.Self, info, ids);
    }

    private static string Told(MetadataCommand command) =>
        command.KindCase == MetadataCommand.KindOneofCase.Mutate
            ? $"{MutateRequest.Parser.ParseFrom(command.Mutate)}" : $"{command}";

    private static long IdIn(MemoryChunkStore disk, ChunkInfo info, int cell)
    {
        Span<byte> piece = stackalloc byte[PieceHeader.Bytes + ByteLedger.CellBytes];
        var (block, offset) = ByteLedger.PlaceOf(cell);
        var range = new BlockRange(new BlockIndex(block), offset, ByteLedger.CellBytes);
        var read = disk.ReadRange(info.Chunk, info.Version, range, isAtHand: false, piece);
        if (read.Bytes == 0)
        {
            return 0;
        }

        Span<byte> bytes = stackalloc byte[ByteLedger.CellBytes];
        var fault = BlockCodec.Decode(piece[..read.Bytes], bytes, out _);
        return fault == PieceFault.None ? ByteLedger.IdIn(bytes) : -1;
    }
}
