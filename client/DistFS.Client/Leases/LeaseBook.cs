using DistFS.Primitives;

namespace DistFS.Client.Leases;

/// <summary>A lease that the metaservers are told to be given up, or to be less.</summary>
/// <param name="Inode">Of which inode.</param>
/// <param name="Epoch">To the leader of which it is told, and to no other.</param>
/// <param name="Grant">Which lease of it.</param>
/// <param name="Keep">What stays.</param>
internal readonly record struct LeaseAnswer(InodeId Inode, ulong Epoch, ulong Grant, LeaseMode Keep);

/// <summary>
/// The leases of a session as its client knows them: which may be trusted, and what is answered to recalls
/// (docs/design/leases.md). Pure: time is given; under the caller's lock.
/// </summary>
/// <param name="leaseMs">Of the session.</param>
internal sealed class LeaseBook(long leaseMs)
{
    private readonly Dictionary<InodeId, Lease> _held = [];

    // Asked for and not answered yet, and up to which grant an answer is void, since its recall came first.
    private readonly Dictionary<InodeId, (int Count, ulong Void)> _asked = [];
    private long _believedUntilMs;

    /// <summary>Of the leader that the leases are known to; 0: none yet.</summary>
    public ulong Epoch { get; private set; }

    /// <summary>The highest number of a recall in this epoch.</summary>
    public ulong Seen { get; private set; }

    /// <summary>Another leader has begun, and does not know the leases yet: none is trusted.</summary>
    public bool MustReclaim { get; private set; }

    /// <summary>How many there are.</summary>
    public int Count => _held.Count;

    /// <summary>The session is over: there are none any more, whatever answers come.</summary>
    public bool IsOver { get; private set; }

    /// <summary>What may be done now without asking.</summary>
    public LeaseMode ModeOf(InodeId inode, long nowMs) =>
        nowMs < _believedUntilMs && !MustReclaim && _held.TryGetValue(inode, out var lease)
            ? lease.Usable : LeaseMode.None;

    /// <summary>For how long that holds if nothing more is heard, in milliseconds; at least 0.</summary>
    public long BelievedMs(long nowMs) => MustReclaim ? 0 : Math.Max(0, _believedUntilMs - nowMs);

    /// <summary>
    /// A keep-alive was applied after this client had sent it: the leader counts from later, so what is left out of
    /// the lease time here is for clocks that run unevenly.
    /// </summary>
    public void Renewed(long sentMs) =>
        _believedUntilMs = IsOver ? 0 : Math.Max(_believedUntilMs, sentMs + (leaseMs / 8 * 7));

    /// <summary>A reply names an epoch. A new one knows no lease; recalls are counted anew.</summary>
    /// <returns>Whether it is new.</returns>
    public bool Saw(ulong epoch)
    {
        if (epoch <= Epoch)
        {
            return false;
        }

        // Without any lease there is nothing to reclaim; whether the leader waits for this session it says itself.
        (MustReclaim, Epoch, Seen) = (_held.Count > 0, epoch, 0);
        foreach (var asked in _asked.Keys)
        {
            _asked[asked] = (_asked[asked].Count, 0);
        }

        return true;
    }

    /// <summary>The leader waits for what this session reclaims.</summary>
    public void AskedToReclaim() => MustReclaim = true;

    /// <summary>A lease is asked for.</summary>
    public void Ask(InodeId inode)
    {
        _asked.TryGetValue(inode, out var asked);
        _asked[inode] = (asked.Count + 1, asked.Void);
    }

    /// <summary>Whether an answer to what was asked for is yet to come.</summary>
    public bool IsAsked(InodeId inode) => _asked.ContainsKey(inode);

    /// <summary>What was asked for is answered, or never will be.</summary>
    /// <param name="inode">Of which inode.</param>
    /// <param name="epoch">Of the answer; 0: there is none.</param>
    /// <param name="mode">What was granted.</param>
    /// <param name="grant">Which lease it is.</param>
    /// <returns>What may be done by it: nothing, if it was recalled before it came.</returns>
    public LeaseMode Answer(InodeId inode, ulong epoch, LeaseMode mode, ulong grant)
    {
        var (count, recalled) = _asked[inode];
        if (count == 1)
        {
            _asked.Remove(inode);
        }
        else
        {
            _asked[inode] = (count - 1, recalled);
        }

        if (IsOver || epoch != Epoch || mode == LeaseMode.None || grant <= recalled)
        {
            return LeaseMode.None;
        }

        if (!_held.TryGetValue(inode, out var lease))
        {
            _held[inode] = new Lease { Mode = mode, Usable = mode, Grant = grant };
        }
        else if (grant > lease.Grant || (grant == lease.Grant && mode > lease.Mode))
        {
            // One to read that becomes one to write may keep its name.
            (lease.Mode, lease.Usable, lease.Grant) = (mode, mode, grant);
        }

        return _held[inode].Usable;
    }

    /// <summary>Whether there is a lease, be it recalled.</summary>
    public bool Has(InodeId inode) => _held.ContainsKey(inode);

    /// <summary>A recall came, and is looked at later.</summary>
    public void Heard(ulong number) => Seen = Math.Max(Seen, number);

    /// <summary>A recall came. What may not stay is not used from here on.</summary>
    /// <param name="number">Of the recall; one that is repeated says the same again.</param>
    /// <param name="inode">Of which inode.</param>
    /// <param name="grant">Which lease.</param>
    /// <param name="keep">What may stay.</param>
    /// <returns>
    /// Whether something is to be given up first, and <see cref="GaveUp"/> then; else it is answered at once that
    /// nothing is kept.
    /// </returns>
    public bool Recalled(ulong number, InodeId inode, ulong grant, LeaseMode keep)
    {
        Seen = Math.Max(Seen, number);
        Void(inode, grant);
        if (!_held.TryGetValue(inode, out var lease))
        {
            return false;
        }

        lease.Grant = Math.Max(lease.Grant, grant);
        lease.Usable = (LeaseMode)Math.Min((byte)lease.Usable, (byte)keep);
        return true;
    }

    /// <summary>What was cached beyond <paramref name="keep"/> is sent, and forgotten.</summary>
    /// <returns>What is told to the metaservers; null: they know already.</returns>
    public LeaseAnswer? GaveUp(InodeId inode, LeaseMode keep)
    {
        if (!_held.TryGetValue(inode, out var lease))
        {
            return null;
        }

        if (keep == LeaseMode.None)
        {
            _held.Remove(inode);
        }
        else
        {
            (lease.Mode, lease.Usable) = (keep, keep);
        }

        return new LeaseAnswer(inode, Epoch, lease.Grant, keep);
    }

    /// <summary>What the session still has, for a leader that does not know.</summary>
    public List<(InodeId Inode, LeaseMode Mode)> ToReclaim() =>
        [.. _held.Select(static one => (one.Key, one.Value.Mode))];

    /// <summary>The leader has taken a lease over, or not.</summary>
    /// <param name="inode">Of which inode.</param>
    /// <param name="mode">As it was reclaimed.</param>
    /// <param name="grant">Its new name; 0: the session has it no more.</param>
    /// <returns>What is told to the leader, if less is left meanwhile than was reclaimed.</returns>
    public LeaseAnswer? Reclaimed(InodeId inode, LeaseMode mode, ulong grant)
    {
        if (grant == 0)
        {
            _held.Remove(inode);
            return null;
        }

        if (!_held.TryGetValue(inode, out var lease))
        {
            // Who asks for it at this moment may be answered with that one, which is being given back.
            Void(inode, grant);
            return new LeaseAnswer(inode, Epoch, grant, LeaseMode.None);
        }

        lease.Grant = grant;
        return lease.Mode < mode ? new LeaseAnswer(inode, Epoch, grant, lease.Mode) : null;
    }

    /// <summary>The leader of that epoch knows all leases.</summary>
    public void ReclaimEnded(ulong epoch) => MustReclaim = epoch != Epoch;

    /// <summary>The session is over: there are none.</summary>
    public void LoseAll()
    {
        _held.Clear();
        (_believedUntilMs, IsOver) = (0, true);
    }

    /// <summary>The session is to end: all that there is is given up.</summary>
    /// <returns>
    /// What is told to the metaservers: nothing to a leader that does not know these leases, or of a session that was
    /// over before.
    /// </returns>
    public List<LeaseAnswer> End()
    {
        List<LeaseAnswer> held = MustReclaim
            ? [] : [.. _held.Select(one => new LeaseAnswer(one.Key, Epoch, one.Value.Grant, LeaseMode.None))];
        LoseAll();
        return held;
    }

    /// <summary>A grant of an inode with that number or a lower one says nothing when it arrives.</summary>
    private void Void(InodeId inode, ulong grant)
    {
        if (_asked.TryGetValue(inode, out var asked))
        {
            _asked[inode] = (asked.Count, Math.Max(asked.Void, grant));
        }
    }

    private sealed class Lease
    {
        /// <summary>As the metaservers know it.</summary>
        public LeaseMode Mode { get; set; }

        /// <summary>Less, while the rest is given up.</summary>
        public LeaseMode Usable { get; set; }

        public ulong Grant { get; set; }
    }
}
