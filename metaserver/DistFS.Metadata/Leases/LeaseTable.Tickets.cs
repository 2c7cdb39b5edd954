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
            foreach (var need in ticket.NeedList)
            {
                NodeOf(need).InFlight.Add((ticket, need.Kind));
            }
        }
    }

    private void Land(LeaseTicket ticket)
    {
        foreach (var need in ticket.NeedList)
        {
            var node = Find(need)!;
            for (var i = 0; i < node.InFlight.Count; i++)
            {
                if (node.InFlight[i].Ticket == ticket)
                {
                    node.InFlight.RemoveAt(i);
                    break;
                }
            }

            Stir(node);
        }
    }

    private void StopWaiting(LeaseTicket ticket)
    {
        _waiting.Remove(ticket.Place!);
        ticket.Place = null;
        foreach (var need in ticket.NeedList)
        {
            var node = Find(need)!;
            for (var i = 0; i < node.Waiting.Count; i++)
            {
                if (node.Waiting[i].Ticket == ticket)
                {
                    node.Waiting.RemoveAt(i);
                    break;
                }
            }

            Stir(node);
        }
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
            for (var i = 0; i < node.Waiting.Count;)
            {
                var ticket = node.Waiting[i].Ticket;
                i += TryPass(ticket) ? 0 : 1;
            }

            if (node.IsEmpty && !node.IsStirred)
            {
                Remove(node);
            }
        }
    }

    private bool TryPass(LeaseTicket ticket)
    {
        if (!IsFree(ticket, recall: true))
        {
            return false;
        }

        StopWaiting(ticket);
        Pass(ticket);
        Effects.Freed.Add(ticket);
        return true;
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
