using System.Runtime.InteropServices;

namespace DistFS.Metadata.Leases;

/// <content>How tickets pass, wait and leave.</content>
public sealed partial class LeaseTable
{
    private void Pass(LeaseTicket ticket)
    {
        if (ticket.IsAcquire)
        {
            GrantTo(ticket);
            return;
        }

        ticket.State = LeaseTicketState.Passed;
        if (ticket.Kind == LeaseTicketKind.Operation)
        {
            for (var i = 0; i < ticket.NeedList.Count; i++)
            {
                var need = ticket.NeedList[i];
                NodeOf(need).Fly(ticket, need.Kind, i);
            }
        }
    }

    private void Land(LeaseTicket ticket)
    {
        for (var i = 0; i < ticket.NeedList.Count; i++)
        {
            var node = Find(ticket.NeedList[i])!;
            node.Land(ticket.FlightAt[i]);

            // Of an inode, operations do not wait for each other.
            if (node.IsEmpty || (node.IsName ? node.Waiting.Count : node.WaitingAcquires) > 0)
            {
                Stir(node);
            }
        }
    }

    private void StopWaiting(LeaseTicket ticket)
    {
        _waiting.Remove(ticket.Place!);
        ticket.Place = null;
        for (var i = 0; i < ticket.NeedList.Count; i++)
        {
            var node = Find(ticket.NeedList[i])!;
            node.StopWaiting(ticket.Places![i]);

            // Those behind it may have waited for it: for a name, nobody does; else only if one of the two is a lease.
            if (node.IsEmpty || (!node.IsName && (ticket.IsAcquire || node.WaitingAcquires > 0)))
            {
                Stir(node);
            }
        }

        ticket.Places!.Clear();
    }

    /// <summary>Whoever waits at a node looks again at the end of the call; an empty node goes.</summary>
    private void Stir(LeaseNode node)
    {
        if (!node.IsStirred)
        {
            node.IsStirred = true;
            _stirred.Enqueue(node);
        }
    }

    /// <summary>Ends: each round takes a ticket from those who wait, or none of a node passes.</summary>
    private void Settle()
    {
        while (_stirred.TryDequeue(out var node))
        {
            node.IsStirred = false;
            for (var at = node.Waiting.First; at != null;)
            {
                // Whoever passes leaves its own place, and no other's.
                var next = at.Next;
                TryPass(at.Value.Ticket);
                at = node.IsName && node.InFlight.Count > 0 ? null : next;
            }

            if (node.IsEmpty && !node.IsStirred)
            {
                Remove(node);
            }
        }
    }

    private void TryPass(LeaseTicket ticket)
    {
        if (IsFree(ticket, recall: true))
        {
            StopWaiting(ticket);
            Pass(ticket);
            Effects.Freed.Add(ticket);
        }
    }

    private LeaseNode? Find(LeaseNeed need) =>
        (need.Kind == LeaseNeedKind.Name ? _names : _inodes).GetValueOrDefault(need.Value);

    private LeaseNode NodeOf(LeaseNeed need)
    {
        var isName = need.Kind == LeaseNeedKind.Name;
        ref var node = ref CollectionsMarshal.GetValueRefOrAddDefault(
            isName ? _names : _inodes, need.Value, out var exists);
        if (!exists)
        {
            node = _spare.TryPop(out var spare) ? spare : new LeaseNode();
            (node.Value, node.IsName) = (need.Value, isName);
        }

        return node!;
    }

    private void Remove(LeaseNode node)
    {
        (node.IsName ? _names : _inodes).Remove(node.Value);
        if (_spare.Count < SpareMax)
        {
            _spare.Push(node);
        }
    }
}
