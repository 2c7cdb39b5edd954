using DistFS.Primitives;

namespace DistFS.Metadata.Leases;

/// <content>A change of leader.</content>
public sealed partial class LeaseTable
{
    /// <summary>Sessions that may hold leases of the leader before, and have not said that they are done.</summary>
    private int _unreported;

    private long _beganMs;

    /// <summary>Whether there may be leases that are not in the table.</summary>
    public bool IsGrace => _unreported > 0;

    /// <summary>
    /// This member leads: all that a leader before it began is applied, and these sessions may hold leases.
    /// </summary>
    /// <param name="epoch">Its term, higher than any before.</param>
    /// <param name="holders">The sessions that the state knows to use leases.</param>
    /// <param name="nowMs">The time.</param>
    public void Begin(ulong epoch, IEnumerable<LeaseHolder> holders, long nowMs)
    {
        ArgumentNullException.ThrowIfNull(holders);
        ArgumentOutOfRangeException.ThrowIfZero(epoch);
        Stop();
        Advance(nowMs);
        (Epoch, _beganMs) = (epoch, _awakeMs);
        foreach (var (id, leaseMs, isEnded) in holders)
        {
            // One that has ended reclaims nothing: it is waited for until its lease time is over.
            _sessions[id.Value] = new LeaseSession(id)
            {
                LeaseMs = (long)leaseMs,
                RenewedMs = _awakeMs,
                MayReclaim = true,
                IsEnded = isEnded,
            };
        }

        _unreported = _sessions.Count;
    }

    /// <summary>This member does not lead any more: nothing that the table says is worth anything.</summary>
    public void Stop()
    {
        foreach (var ticket in _waiting)
        {
            ticket.Place = null;
            ticket.Places!.Clear();
            End(ticket, LeaseRefusal.NotLeader);
            Effects.Freed.Add(ticket);
        }

        foreach (var session in _sessions.Values)
        {
            Effects.Recalled.Add(session.Id);
        }

        _waiting.Clear();
        _leases.Clear();
        _inodes.Clear();
        _names.Clear();
        _sessions.Clear();
        _stirred.Clear();
        (Epoch, WriteLeases, _unreported) = (0, 0, 0);
    }

    /// <summary>A session still has a lease of the leader before.</summary>
    public LeaseRefusal Reclaim(ClientId session, InodeId inode, LeaseMode mode, out ulong grant)
    {
        grant = 0;
        if (Epoch == 0)
        {
            return LeaseRefusal.NotLeader;
        }

        if (!_sessions.TryGetValue(session.Value, out var known) || known.IsEnded)
        {
            return LeaseRefusal.NoSession;
        }

        // The answer to its last words may be lost, and it says them again: what it has, it has.
        if (!known.MayReclaim && mode != LeaseMode.None
            && _inodes.GetValueOrDefault(inode.Value)?.LeaseOf(session) is { } has && has.Mode >= mode)
        {
            grant = has.Grant;
            return LeaseRefusal.None;
        }

        if (!known.MayReclaim || mode is LeaseMode.None or > LeaseMode.Write)
        {
            return LeaseRefusal.TooLate;
        }

        var node = NodeOf(new LeaseNeed(LeaseNeedKind.Look, inode.Value));
        foreach (var lease in node.Leases)
        {
            if (lease.Session != known && (mode == LeaseMode.Write || lease.Mode == LeaseMode.Write))
            {
                // One of the two does not say the truth; it is not the business of this table which.
                return LeaseRefusal.TooLate;
            }
        }

        if (Give(known, node, mode) is not { } given)
        {
            Settle();
            return LeaseRefusal.TooManyLeases;
        }

        // It is answered at once.
        given.IsTold = true;
        grant = given.Grant;
        Stir(node);
        Settle();
        return LeaseRefusal.None;
    }

    /// <summary>Whether a session may still reclaim, and others wait for it.</summary>
    public bool MayReclaim(ClientId session) =>
        _sessions.TryGetValue(session.Value, out var known) && known is { MayReclaim: true, IsEnded: false };

    /// <summary>A session has reclaimed all that it has, or has nothing.</summary>
    public void ReclaimDone(ClientId session)
    {
        if (MayReclaim(session))
        {
            Reported(_sessions[session.Value]);
            Settle();
        }
    }

    /// <summary>
    /// Whether a session has to wait for what others may not have reclaimed yet; what only it may have is no conflict.
    /// </summary>
    /// <remarks>But no new lease beside those: with what it has yet to reclaim it might have too many.</remarks>
    private bool IsGraceFor(LeaseTicket ticket) => !Teeth.Has(PlantedBug.GraceSkipped) && (_unreported > 1
        || (_unreported == 1 && (ticket.IsAcquire
            || !(_sessions.TryGetValue(ticket.Session.Value, out var known) && known.MayReclaim))));

    private void Reported(LeaseSession session)
    {
        session.MayReclaim = false;
        _unreported--;
        if (_unreported > 1)
        {
            return;
        }

        foreach (var ticket in _waiting)
        {
            foreach (var need in ticket.NeedList)
            {
                Stir(Find(need)!);
            }
        }
    }
}
