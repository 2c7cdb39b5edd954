using DistFS.Metadata;
using DistFS.Metadata.Placement.Repair;
using DistFS.Primitives;

namespace DistFS.Simulation;

/// <summary>
/// Repair copies from a server that has the chunk to one that has it not, and of the servers of a chunk only as many
/// go as others have it: the state refuses the rest, whatever a planner said.
/// </summary>
public sealed class RepairRules(ChunkServers servers) : MetadataInvariant
{
    /// <inheritdoc/>
    public override string Name => "repair keeps its rules";

    /// <summary>Copies that were begun.</summary>
    public int Copies { get; private set; }

    /// <inheritdoc/>
    public override void OnEntry(MetadataEntry entry)
    {
        ArgumentNullException.ThrowIfNull(entry);
        foreach (var change in entry.Command.ChangeReplicas?.Changes ?? [])
        {
            if (entry.Machine.Tree!.Chunks.TryGet(new ChunkId(change.Chunk), out var chunk))
            {
                Must(chunk.Replicas.Length > 0, $"{new ChunkId(change.Chunk)} is nowhere after {entry.Index}");
            }
        }
    }

    /// <summary>A planner begins a copy.</summary>
    public void OnCopy(CopyAssignment copy, MetadataMachine machine)
    {
        ArgumentNullException.ThrowIfNull(machine);
        Copies++;
        Must(copy.Source != copy.Target, $"{copy} goes nowhere");
        Must(
            servers.All.Count == 0 || machine.Tree!.Servers.TryGet(copy.Target, out _),
            $"{copy} goes to nobody");
    }
}
