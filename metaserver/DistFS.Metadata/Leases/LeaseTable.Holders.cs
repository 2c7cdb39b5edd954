using DistFS.Primitives;

namespace DistFS.Metadata.Leases;

/// <content>Leases, and who holds them.</content>
public sealed partial class LeaseTable
{
    /// <summary>
    /// A session was renewed: its keep-alive was applied, or the state was found to have it. Not before the client sent
    /// what renewed it.
    /// </summary>
    public void Renewed(ClientId session, ulong leaseMs, long nowMs)
    {
        Advance(nowMs);
        if (Epoch == 0)
        {
            return;
        }

        if (!_sessions.TryGetValue(session.Value, out var known))
        {
            _sessions[session.Value] = known = new LeaseSession(session);
        }

        if (!known.IsEnded)
        {
            (known.LeaseMs, known.RenewedMs) = ((long)leaseMs, _awakeMs);
        }
    }

    /// <summary>Whether a session was heard of in this epoch, and has not ended.</summary>
    public bool Knows(ClientId session) => _sessions.TryGetValue(session.Value, out var known) && !known.IsEnded;

    /// <summary>The sessions that it knows, and that were not renewed for so long.</summary>
    public void SilentSessions(long silentMs, long nowMs, ICollection<ClientId> silent)
    {
        ArgumentNullException.ThrowIfNull(silent);
        Advance(nowMs);
        foreach (var session in _sessions.Values)
        {
            if (!session.IsEnded && _awakeMs - session.RenewedMs >= silentMs)
            {
                silent.Add(session.Id);
            }
        }
    }

    /// <summary>
    /// A session gives a lease up, or keeps what <paramref name="to"/> says of it; all that it did under it was
    /// answered before. Another lease of that inode than the one it names stays.
    /// </summary>
    public void Release(ClientId session, InodeId inode, ulong grant, LeaseMode to)
    {
        if (!_inodes.TryGetValue(inode.Value, out var node) || node.LeaseOf(session) is not { } lease
            || lease.Grant != grant || to >= lease.Mode)
        {
            return;
        }

        if (to == LeaseMode.None)
        {
            Drop(lease);
        }
        else
        {
            // If it was asked for more, the recall goes on.
            SetMode(lease, to);
            if (lease.RecallTo == to)
            {
                ForgetRecall(lease);
            }
        }

        Stir(node);
        Settle();
    }

    /// <summary>
    /// The answer to an acquisition that passed is given: from now on its holder has time to answer a recall. Until
    /// then it could not have known what is recalled.
    /// </summary>
    public void Told(LeaseTicket ticket, long nowMs)
    {
        Advance(nowMs);
        if (LeaseOf(ticket) is { } lease)
        {
            BeginToAnswer(lease);
        }
    }

    /// <summary>
    /// The answer to an acquisition that passed is not given: its lease is recalled, since the holder may have had one
    /// before, and must not take that for valid when it is gone.
    /// </summary>
    public void Withdraw(LeaseTicket ticket)
    {
        if (LeaseOf(ticket) is { } lease)
        {
            BeginToAnswer(lease);
            Recall(lease, LeaseMode.None);
        }
    }

    /// <summary>The recalls of a session that it has not answered, from behind a number on; the oldest first.</summary>
    public void Recalls(ClientId session, ulong after, int countMax, ICollection<LeaseRecall> recalls)
    {
        ArgumentNullException.ThrowIfNull(recalls);
        if (!_sessions.TryGetValue(session.Value, out var known))
        {
            return;
        }

        // From the last one back: what was seen before may be much, and what is new is at the end.
        LinkedListNode<Lease>? from = null;
        for (var at = known.Recalls.Last; at != null && at.Value.RecallNumber > after; at = at.Previous)
        {
            from = at;
        }

        for (; from != null && recalls.Count < countMax; from = from.Next)
        {
            var lease = from.Value;
            recalls.Add(new LeaseRecall(
                lease.RecallNumber, new InodeId(lease.Node.Value), lease.Grant, lease.RecallTo));
        }
    }

    /// <summary>
    /// A session is over in the log: nothing it sends changes anything any more. Its leases go when it cannot answer
    /// from its cache any more either, which is at once if it was silent.
    /// </summary>
    public void SessionEnded(ClientId session, long nowMs)
    {
        Advance(nowMs);
        if (_sessions.TryGetValue(session.Value, out var known))
        {
            known.IsEnded = true;
            Judge(known);
            Settle();
        }
    }

    /// <summary>Whether a session has to end, as of now; see <see cref="LeaseEffects.ToEnd"/>.</summary>
    public bool HasToEnd(ClientId session, long nowMs)
    {
        Advance(nowMs);
        return _sessions.TryGetValue(session.Value, out var known) && HasToEnd(known);
    }

    /// <summary>What a session holds of an inode, and in which lease; for those who look from outside.</summary>
    public LeaseMode ModeOf(ClientId session, InodeId inode) =>
        _inodes.GetValueOrDefault(inode.Value)?.LeaseOf(session)?.Mode ?? LeaseMode.None;

    /// <summary>Whether a session other than this one has a write lease of an inode.</summary>
    public bool IsWrittenByOthers(ClientId session, InodeId inode)
    {
        // Nobody knows, or writers may still come who were so under the leader before.
        if (Epoch == 0 || IsGrace)
        {
            return true;
        }

        if (_inodes.TryGetValue(inode.Value, out var node))
        {
            foreach (var lease in node.Leases)
            {
                if (lease.Mode == LeaseMode.Write && lease.Session.Id != session)
                {
                    return true;
                }
            }
        }

        return false;
    }

    /// <summary>Whether a session is over, or has to end.</summary>
    private void Judge(LeaseSession session)
    {
        if (session.IsEnded && (IsSilent(session) || Teeth.Has(PlantedBug.RecallGivenUpEarly)))
        {
            Remove(session);
        }
        else if (HasToEnd(session))
        {
            Effects.ToEnd.Add(session.Id);
        }
    }

    private bool IsSilent(LeaseSession session) => _awakeMs - session.RenewedMs >= session.LeaseMs;

    private bool HasToEnd(LeaseSession session) => !session.IsEnded
        && ((session.MayReclaim && _awakeMs - _beganMs >= session.LeaseMs)
            || (session.Recalls.Count > 0 && (IsSilent(session) || OwesMs(session) >= options.RecallMsMax)));

    /// <summary>Since when it owes an answer that it could have given; few are not told yet.</summary>
    private long OwesMs(LeaseSession session)
    {
        foreach (var lease in session.Recalls)
        {
            if (lease.IsTold)
            {
                return _awakeMs - lease.RecalledMs;
            }
        }

        return 0;
    }

    private Lease? LeaseOf(LeaseTicket ticket)
    {
        ArgumentNullException.ThrowIfNull(ticket);
        return ticket is { IsAcquire: true, State: LeaseTicketState.Passed } && ticket.Epoch == Epoch
            && Find(ticket.Needs[0])?.LeaseOf(ticket.Session) is { } lease && lease.Grant == ticket.Grant
            ? lease : null;
    }

    private void Remove(LeaseSession session)
    {
        while (session.Leases.First is { } first)
        {
            var node = first.Value.Node;
            Drop(first.Value);
            Stir(node);
        }

        _sessions.Remove(session.Id.Value);
        if (session.MayReclaim)
        {
            Reported(session);
        }
    }

    private void GrantTo(LeaseTicket ticket)
    {
        var need = ticket.NeedList[0];
        var mode = need.Kind == LeaseNeedKind.Change ? LeaseMode.Write : LeaseMode.Read;
        if (!_sessions.TryGetValue(ticket.Session.Value, out var session) || session.IsEnded)
        {
            End(ticket, LeaseRefusal.NoSession);
        }
        else if (Give(session, NodeOf(need), mode) is { } lease)
        {
            (ticket.State, ticket.Grant, ticket.Mode) = (LeaseTicketState.Passed, lease.Grant, lease.Mode);
        }
        else
        {
            End(ticket, LeaseRefusal.TooManyLeases);
        }
    }

    /// <summary>Nothing conflicts. Null: there are as many leases as there may be.</summary>
    private Lease? Give(LeaseSession session, LeaseNode node, LeaseMode mode)
    {
        var lease = node.LeaseOf(session.Id);
        if (lease == null)
        {
            MakeRoom(session.Leases, options.SessionLeasesMax);
            MakeRoom(_leases, options.LeasesMax);
            if (session.Leases.Count >= options.SessionLeasesMax || _leases.Count >= options.LeasesMax)
            {
                Stir(node);
                return null;
            }

            lease = new Lease(session, node);
            session.Leases.AddLast(lease.PlaceInSession);
            _leases.AddLast(lease.PlaceInAll);
            node.Leases.Add(lease);
        }
        else
        {
            Touch(lease);
            if (lease.Mode >= mode && lease.RecallNumber == 0)
            {
                return lease;
            }
        }

        ForgetRecall(lease);
        (lease.Grant, lease.IsTold) = (++_lastGrant, false);
        SetMode(lease, mode > lease.Mode ? mode : lease.Mode);
        CheckLeases(node);
        return lease;
    }

    private void MakeRoom(LinkedList<Lease> leases, int countMax)
    {
        if (leases.Count >= countMax - (countMax / 8) && leases.First?.Value is { RecallNumber: 0 } oldest)
        {
            Recall(oldest, LeaseMode.None);
        }
    }

    private void Touch(Lease lease)
    {
        var leases = lease.Session.Leases;
        leases.Remove(lease.PlaceInSession);
        leases.AddLast(lease.PlaceInSession);
        _leases.Remove(lease.PlaceInAll);
        _leases.AddLast(lease.PlaceInAll);
    }

    private void Recall(Lease lease, LeaseMode to)
    {
        if (lease.RecallNumber != 0 && lease.RecallTo <= to)
        {
            return;
        }

        if (lease.RecallNumber == 0)
        {
            // Out of the way of those that are not recalled.
            Touch(lease);
        }

        lease.RecallTo = to;
        Announce(lease);
    }

    /// <summary>Under a new number, with the whole time to answer.</summary>
    private void Announce(Lease lease)
    {
        ForgetRecall(lease);
        (lease.RecallNumber, lease.RecalledMs) = (++_lastRecall, _awakeMs);
        lease.Session.Recalls.AddLast(lease.PlaceInRecalls);
        Effects.Recalled.Add(lease.Session.Id);
    }

    private void BeginToAnswer(Lease lease)
    {
        if (!lease.IsTold && lease.RecallNumber != 0)
        {
            Announce(lease);
        }

        lease.IsTold = true;
    }

    private static void ForgetRecall(Lease lease)
    {
        if (lease.RecallNumber != 0)
        {
            lease.Session.Recalls.Remove(lease.PlaceInRecalls);
            lease.RecallNumber = 0;
        }
    }

    private void SetMode(Lease lease, LeaseMode mode)
    {
        WriteLeases += (mode == LeaseMode.Write ? 1 : 0) - (lease.Mode == LeaseMode.Write ? 1 : 0);
        WritesEnded += lease.Mode == LeaseMode.Write && mode != LeaseMode.Write ? 1UL : 0;
        lease.Mode = mode;
    }

    private void Drop(Lease lease)
    {
        ForgetRecall(lease);
        SetMode(lease, LeaseMode.None);
        lease.Node.Leases.Remove(lease);
        lease.Session.Leases.Remove(lease.PlaceInSession);
        _leases.Remove(lease.PlaceInAll);
    }

    /// <summary>Beside a write lease there is none of another session.</summary>
    private static void CheckLeases(LeaseNode node)
    {
        foreach (var lease in node.Leases)
        {
            Check.That(lease.Mode == LeaseMode.Read || node.Leases.Count == 1);
        }
    }
}
