using DistFS.Metadata.Leases;
using static DistFS.Metadata.Tests.Leases.LeaseBeliefs;

namespace DistFS.Metadata.Tests.Leases;

/// <summary>
/// A table, the sessions as the log has them, and clients as docs/design/leases.md tells them to be: their answers are
/// lost, their grants come late, they fall silent, and leaders change. Everything from a seed.
/// </summary>
internal sealed class LeaseWorld(ulong seed)
{
    private const ulong Inodes = 6;
    private const int Clients = 4;
    private const long LeaseMs = 1_000;
    private const long TickMs = 100;

    private static readonly LeaseOptions Options = new()
    {
        SessionLeasesMax = 3,
        LeasesMax = 8,
        RecallMsMax = 600,
    };

    private readonly Prng _prng = new(seed);
    private readonly LeaseTable _table = new(Options);
    private readonly List<LeaseWorldClient> _clients = [];
    private readonly List<LeaseTicket> _open = [];
    private readonly Dictionary<LeaseTicket, long> _since = [];
    private ulong _epoch;
    private ulong _lastId;
    private long _nowMs;
    private long _beganMs;

    /// <summary>How often something happened, so that a world in which nothing does is noticed.</summary>
    public Dictionary<string, int> Counts { get; } = [];

    public void Step()
    {
        if (_epoch == 0 || Below(120) == 0)
        {
            Begin();
        }

        while (_clients.Count(client => !client.IsEnded) < Clients)
        {
            _clients.Add(new LeaseWorldClient(++_lastId) { HeardMs = _nowMs });
        }

        var client = _clients[(int)Below((ulong)_clients.Count)];
        switch (Below(16))
        {
            case 0 or 1 or 2:
                Acquire(client);
                break;
            case 3 or 4:
                Operate(client);
                break;
            case 5 or 6:
                Land();
                break;
            case 7 or 8 or 9:
                client.IsSilent = client.IsSilent ? Below(8) != 0 : Below(60) == 0;
                Talk(client);
                break;
            case 10 or 11:
                Hear(client);
                break;
            case 12 or 13:
                Answer(client);
                break;
            default:
                Tick();
                break;
        }

        Look();
    }

    private void Begin()
    {
        _epoch++;
        Count(_clients.Exists(client => client.IsEnded && client.HasRow) ? "begun after an early end" : "begun");
        _beganMs = _nowMs;
        _open.Clear();
        _clients.RemoveAll(client => client.IsEnded && _nowMs - client.HeardMs > 2 * LeaseMs);
        _table.Begin(
            _epoch,
            _clients.Where(client => !client.IsEnded || client.HasRow)
                .Select(client => new LeaseHolder(new ClientId(client.Id), LeaseMs, client.IsEnded)),
            _nowMs);
        Handle();
    }

    private void Acquire(LeaseWorldClient client)
    {
        if (client.IsEnded || client.Epoch != _epoch)
        {
            return;
        }

        var kind = Kind();
        var ticket = new LeaseTicket(LeaseTicketKind.Acquire, new ClientId(client.Id)) { WaitMs = (long)Below(900) };
        ticket.Need(kind, 1 + Below(Inodes));
        Enter(ticket);
    }

    private void Operate(LeaseWorldClient client)
    {
        var kind = Below(4) == 0 ? LeaseTicketKind.Look : LeaseTicketKind.Operation;
        var ticket = new LeaseTicket(kind, new ClientId(client.Id)) { WaitMs = (long)Below(2_500) };
        ticket.Need(kind == LeaseTicketKind.Look ? LeaseNeedKind.Look : Kind(), 1 + Below(Inodes));
        ticket.Need(LeaseNeedKind.Look, 1 + Below(Inodes));
        Enter(ticket);
    }

    private void Enter(LeaseTicket ticket)
    {
        _since[ticket] = _nowMs;
        _table.Enter(ticket, _nowMs);
        if (ticket.State == LeaseTicketState.Waiting)
        {
            _open.Add(ticket);
        }
        else
        {
            Freed(ticket);
        }

        Handle();
    }

    private void Freed(LeaseTicket ticket)
    {
        _open.Remove(ticket);
        Count($"{ticket.Kind} {ticket.State}");
        if (ticket.State != LeaseTicketState.Passed)
        {
            return;
        }

        if (ticket.Kind == LeaseTicketKind.Acquire)
        {
            _clients.Find(client => client.Id == ticket.Session.Value)!.Granted.Add(ticket);
            return;
        }

        // At the moment in which it passes; an operation then stays for a while.
        Nothing(Surprise(Beliefs(), Flights(ticket)));
        if (ticket.Kind == LeaseTicketKind.Operation && !_clients.Exists(
            client => client.Id == ticket.Session.Value && client.IsEnded))
        {
            _open.Add(ticket);
        }
        else
        {
            _table.Leave(ticket);
        }
    }

    private void Land()
    {
        var passed = _open.FindAll(ticket => ticket.State == LeaseTicketState.Passed);
        if (passed.Count > 0)
        {
            var ticket = passed[(int)Below((ulong)passed.Count)];
            _open.Remove(ticket);
            _table.Leave(ticket);
            Handle();
        }
    }

    /// <summary>A keep-alive, with its answer or without, and what follows from a new leader.</summary>
    private void Talk(LeaseWorldClient client)
    {
        if (client.IsSilent)
        {
            return;
        }

        if (client.IsEnded)
        {
            client.Believes.Clear();
            return;
        }

        client.HeardMs = _nowMs;
        _table.Renewed(new ClientId(client.Id), LeaseMs, _nowMs);
        if (Below(4) == 0)
        {
            return;
        }

        client.RenewedMs = _nowMs;
        if (client.Epoch != _epoch)
        {
            Count("new leader");
            Reclaim(client);
        }
    }

    private void Reclaim(LeaseWorldClient client)
    {
        var held = client.Believes.ToList();
        client.BeginEpoch(_epoch);
        foreach (var (inode, (_, mode)) in held)
        {
            if (_table.Reclaim(new ClientId(client.Id), new InodeId(inode), mode, out var grant) == LeaseRefusal.None)
            {
                Count("reclaimed");
                client.Believes[inode] = (grant, mode);
            }
        }

        _table.ReclaimDone(new ClientId(client.Id));
        Handle();
    }

    /// <summary>Grants are told, arrive, get lost, or are not told at all.</summary>
    private void Hear(LeaseWorldClient client)
    {
        foreach (var ticket in client.Granted)
        {
            if (Below(8) == 0)
            {
                _table.Withdraw(ticket);
                continue;
            }

            _table.Told(ticket, _nowMs);
            var inode = ticket.Needs[0].Value;
            if (Below(8) != 0 && !client.IsSilent && ticket.Epoch == client.Epoch && !IsOver(client)
                && ticket.Grant > client.Void.GetValueOrDefault(inode)
                && ticket.Grant > client.Believes.GetValueOrDefault(inode).Grant)
            {
                Count("believed");
                client.Believes[inode] = (ticket.Grant, ticket.Mode);
            }
        }

        client.Granted.Clear();
        Handle();
    }

    /// <summary>Recalls are heard and answered; the answer may be lost, and is then given again.</summary>
    private void Answer(LeaseWorldClient client)
    {
        if (client.IsSilent || client.Epoch != _epoch)
        {
            return;
        }

        var recalls = new List<LeaseRecall>();
        _table.Recalls(new ClientId(client.Id), client.Seen, 2, recalls);
        foreach (var recall in recalls)
        {
            client.Seen = recall.Number;
            client.Unanswered.Add(client.Drop(recall));
        }

        for (var i = client.Unanswered.Count - 1; i >= 0; i--)
        {
            var recall = client.Unanswered[i];
            if (Below(3) != 0)
            {
                Count("answered");
                _table.Release(new ClientId(client.Id), recall.Inode, recall.Grant, recall.To);
                Handle();
            }

            if (Below(3) != 0)
            {
                client.Unanswered.RemoveAt(i);
            }
        }
    }

    private void Tick()
    {
        _nowMs += TickMs;
        _table.Tick(_nowMs);
        var toEnd = _table.Effects.ToEnd.ToList();
        Handle();
        foreach (var id in toEnd.Where(id => _table.HasToEnd(id, _nowMs)))
        {
            Count("ended early");
            End(_clients.Find(client => client.Id == id.Value)!, hasRow: true);
        }

        // Those whose time is over for a leader that has led for so long.
        foreach (var client in _clients.FindAll(
            client => _nowMs - client.HeardMs >= LeaseMs && _nowMs - _beganMs >= LeaseMs))
        {
            End(client, hasRow: false);
        }
    }

    private void End(LeaseWorldClient client, bool hasRow)
    {
        if (!client.IsEnded)
        {
            Count("ended");
            client.IsEnded = true;

            // What it had under way is decided: it comes before the end in the log, or never.
            foreach (var ticket in _open.FindAll(ticket => ticket.Session.Value == client.Id
                && ticket.State == LeaseTicketState.Passed))
            {
                _open.Remove(ticket);
                _table.Leave(ticket);
            }

            _table.SessionEnded(new ClientId(client.Id), _nowMs);
            Handle();
        }

        client.HasRow = hasRow;
    }

    private void Handle()
    {
        while (_table.Effects.Any)
        {
            var freed = _table.Effects.Freed.ToList();
            _table.Effects.Clear();
            freed.ForEach(Freed);
        }
    }

    private void Look()
    {
        var beliefs = Beliefs();
        Nothing(Quarrel(beliefs));
        Nothing(Surprise(beliefs, [.. _open.Where(ticket => ticket.State == LeaseTicketState.Passed)
            .SelectMany(Flights)]));
        foreach (var ticket in _open.Where(ticket => ticket.State == LeaseTicketState.Waiting))
        {
            Nothing(Overdue(_nowMs - _since[ticket], ticket.WaitMs, TickMs));
        }

        Nothing(Excess(
            _clients.Select(client => Enumerable.Range(1, (int)Inodes).Count(inode =>
                _table.ModeOf(new ClientId(client.Id), new InodeId((ulong)inode)) != LeaseMode.None)),
            Options));
    }

    private List<Belief> Beliefs() =>
    [
        .. _clients.Where(client => !IsOver(client)).SelectMany(client => client.Believes.Select(
            one => new Belief(client.Id, one.Key, one.Value.Mode))),
    ];

    private static List<Flight> Flights(LeaseTicket ticket) =>
        [.. ticket.Needs.Select(need => new Flight(ticket.Session.Value, need.Value, need.Kind))];

    /// <summary>By its own count, which the client keeps to (docs/design/leases.md, 1).</summary>
    private bool IsOver(LeaseWorldClient client) => _nowMs - client.RenewedMs >= LeaseMs * 7 / 8;

    private LeaseNeedKind Kind() => Below(2) == 0 ? LeaseNeedKind.Change : LeaseNeedKind.Look;

    private ulong Below(ulong limit) => _prng.NextUInt64() % limit;

    private void Count(string what) => Counts[what] = Counts.GetValueOrDefault(what) + 1;

    private void Nothing(string? violation) =>
        Assert.True(violation == null, $"{violation}, at {_nowMs} ms in epoch {_epoch}, seed {seed}");
}
