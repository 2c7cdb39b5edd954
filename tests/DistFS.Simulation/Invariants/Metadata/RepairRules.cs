using DistFS.Metadata;
using DistFS.Metadata.Chunks;
using DistFS.Metadata.Placement.Repair;
using DistFS.Metadata.Rows;
using DistFS.Primitives;
using ServerState = DistFS.Protocol.ServerState;

namespace DistFS.Simulation;

/// <summary>
/// Repair copies from one server to another that is known; and a chunk is given up by a server only while another one
/// that is up has it: the state refuses the rest, whatever a client or a planner said.
/// </summary>
public sealed class RepairRules(ChunkServers servers) : MetadataInvariant
{
    // The number of servers, in the row of a chunk.
    private const int ReplicasAt = 3;

    /// <inheritdoc/>
    public override string Name => "repair keeps its rules";

    /// <summary>Copies that were begun.</summary>
    public int Copies { get; private set; }

    /// <inheritdoc/>
    public override void OnEntry(MetadataEntry entry)
    {
        ArgumentNullException.ThrowIfNull(entry);
        foreach (var change in entry.Of(RowTable.Chunk))
        {
            if (change.Before == null || change.After == null)
            {
                continue;
            }

            // Before anybody reads the row: one without servers is none.
            var id = new ChunkId(RowKey.InodeOf(change.Key).Value);
            Must(change.After[ReplicasAt] > 0, $"{id} is nowhere after {entry.Index}");
            var (before, after) = (ChunkRow.Read(change.Before), ChunkRow.Read(change.After));
            Must(
                before.Replicas.ToArray().All(server => after.IsOn(server)) || HasLive(entry, after),
                $"{id} is given up at {entry.Index} by a server, and on none that is up");
        }
    }

    private static bool HasLive(MetadataEntry entry, ChunkRow chunk) => chunk.Replicas.ToArray().Any(
        server => !chunk.IsBad(server)
            && entry.Machine.Tree!.Servers.TryGet(server, out var row) && row.State != ServerState.Down);

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
