using DistFS.Metadata.Leases;

namespace DistFS.Metadata.Tests.Leases;

/// <summary>A client of a <see cref="LeaseWorld"/>, as docs/design/leases.md tells it to be.</summary>
internal sealed class LeaseWorldClient(ulong id)
{
    public ulong Id => id;

    public ulong Epoch { get; private set; }

    public ulong Seen { get; set; }

    /// <summary>By the log.</summary>
    public long HeardMs { get; set; }

    /// <summary>When it sent what renewed it.</summary>
    public long RenewedMs { get; set; } = long.MinValue / 2;

    public bool IsSilent { get; set; }

    /// <summary>In the log.</summary>
    public bool IsEnded { get; set; }

    /// <summary>The state remembers that it was ended early.</summary>
    public bool HasRow { get; set; }

    public Dictionary<ulong, (ulong Grant, LeaseMode Mode)> Believes { get; } = [];

    public Dictionary<ulong, ulong> Void { get; } = [];

    public List<LeaseTicket> Granted { get; } = [];

    public List<LeaseRecall> Unanswered { get; } = [];

    public void BeginEpoch(ulong epoch)
    {
        (Epoch, Seen) = (epoch, 0);
        Believes.Clear();
        Void.Clear();
        Granted.Clear();
        Unanswered.Clear();
    }

    /// <summary>What it answers: of what it had not yet it keeps nothing.</summary>
    public LeaseRecall Drop(LeaseRecall recall)
    {
        var inode = recall.Inode.Value;
        Void[inode] = Math.Max(recall.Grant, Void.GetValueOrDefault(inode));
        if (recall.To != LeaseMode.None && Believes.TryGetValue(inode, out var held)
            && held.Grant == recall.Grant)
        {
            Believes[inode] = (held.Grant, recall.To);
            return recall;
        }

        Believes.Remove(inode);
        return recall with { To = LeaseMode.None };
    }
}
