using DistFS.Metadata.Chunks;
using DistFS.Metadata.Placement;
using DistFS.Metadata.Reads;
using DistFS.Metaserver.State;
using DistFS.Primitives;
using ChunkInfo = DistFS.Metadata.Placement.ChunkInfo;

namespace DistFS.Metaserver.Chunks;

/// <summary>
/// Offers the chunks of the fullest servers to the balancer, a few at a time, and gives what it wants moved to repair.
/// </summary>
internal sealed class BalanceRunner(
    MetadataState state, RepairRunner repair, ChunkServerOptions options, Ring first, long beganMs)
{
    private const int DonorsMax = 8;
    private const int ChunksMax = 256;

    private readonly Balancer _balancer = new(options.Balance, new ServerLoads(first), beganMs);

    /// <summary>Where the next look at a server's chunks begins.</summary>
    private readonly Dictionary<ServerId, ChunkId> _from = [];

    /// <summary>A round, with the loads as they are now.</summary>
    public void Run(Ring ring, long nowMs)
    {
        // What is moved counts where it goes, not where it comes from.
        var loads = new ServerLoads(ring);
        foreach (var copy in repair.Copies.Values)
        {
            loads.Add(copy.Target, copy.SizeBytes);
            loads.Add(copy.Replaces, -copy.SizeBytes);
        }

        _balancer.Refresh(loads, nowMs);
        var donors = _balancer.Donors;
        if (donors.Count == 0)
        {
            _from.Clear();
            return;
        }

        for (var i = 0; i < Math.Min(DonorsMax, donors.Count) && Offer(donors[i]); i++)
        {
        }
    }

    /// <summary>False: there is no budget left.</summary>
    private bool Offer(ServerId donor)
    {
        var chunks = state.Read((donor, From: _from.GetValueOrDefault(donor)), static (store, asked) =>
        {
            var table = MetadataView.Open(store)!.Tree.Chunks;
            var found = new List<ChunkInfo>();
            var last = asked.From;
            var ids = table.Replicas(asked.donor, asked.From, new ChunkId(ulong.MaxValue), ChunksMax);
            foreach (var id in ids)
            {
                last = new ChunkId(id.Value + 1);
                if (table.TryGet(id, out var row) && row.State == ChunkState.Sealed && row.Length > 0)
                {
                    found.Add(ChunkInfo.Of(id, row));
                }
            }

            return (Found: found, Next: ids.Count < ChunksMax ? default : last);
        });
        foreach (var chunk in chunks.Found)
        {
            if (repair.IsBusyWith(chunk.Id))
            {
                continue;
            }

            switch (_balancer.Offer(chunk, donor, out var move))
            {
                case BalanceOutcome.Moves when !repair.TryMove(chunk, move):
                    _balancer.Revert(move);
                    break;
                case BalanceOutcome.NoBudget:
                    _from[donor] = chunk.Id;
                    return false;
                case BalanceOutcome.Enough:
                    _from[donor] = chunk.Id;
                    return true;
                default:
                    break;
            }
        }

        _from[donor] = chunks.Next;
        return true;
    }
}
