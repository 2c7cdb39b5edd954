using DistFS.Metadata.Leases;

namespace DistFS.Metadata.Tests.Leases;

/// <summary>A table with a clock, and short words for what it is told.</summary>
internal sealed class Table
{
    public const long LeaseMs = 1_000;

    private readonly LeaseTable _table;

    public Table(LeaseOptions? options = null, params ulong[] sessions)
    {
        _table = new LeaseTable(options ?? new LeaseOptions { RecallMsMax = 2_000 });
        _table.Begin(1, [], 0);
        foreach (var session in sessions)
        {
            _table.Renewed(new ClientId(session), (ulong)LeaseMs, 0);
        }
    }

    public long NowMs { get; private set; }

    public LeaseTable Core => _table;

    public List<LeaseTicket> Freed => _table.Effects.Freed;

    public LeaseTicket Acquire(ulong session, ulong inode, LeaseMode mode, long waitMs = 5_000)
    {
        var ticket = new LeaseTicket(LeaseTicketKind.Acquire, new ClientId(session)) { WaitMs = waitMs };
        ticket.Need(mode == LeaseMode.Write ? LeaseNeedKind.Change : LeaseNeedKind.Look, inode);
        _table.Enter(ticket, NowMs);
        return ticket;
    }

    /// <summary>Acquires it, which must work at once, and is told of it.</summary>
    public LeaseTicket Have(ulong session, ulong inode, LeaseMode mode)
    {
        var ticket = Acquire(session, inode, mode);
        Assert.Equal(LeaseTicketState.Passed, ticket.State);
        _table.Told(ticket, NowMs);
        return ticket;
    }

    public LeaseTicket Change(ulong session, params ulong[] inodes) =>
        Enter(LeaseTicketKind.Operation, session, LeaseNeedKind.Change, inodes);

    public LeaseTicket Look(ulong session, params ulong[] inodes) =>
        Enter(LeaseTicketKind.Look, session, LeaseNeedKind.Look, inodes);

    public LeaseTicket Name(ulong session, ulong directory, ulong name)
    {
        var ticket = new LeaseTicket(LeaseTicketKind.Operation, new ClientId(session)) { WaitMs = 5_000 };
        ticket.Need(LeaseNeedKind.Change, directory);
        ticket.Need(LeaseNeedKind.Name, name);
        _table.Enter(ticket, NowMs);
        return ticket;
    }

    /// <summary>What a session has been told to give up.</summary>
    public List<LeaseRecall> Recalls(ulong session, ulong after = 0)
    {
        var recalls = new List<LeaseRecall>();
        _table.Recalls(new ClientId(session), after, 100_000, recalls);
        return recalls;
    }

    /// <summary>A session answers all that it is told.</summary>
    public void Answer(ulong session)
    {
        foreach (var recall in Recalls(session))
        {
            _table.Release(new ClientId(session), recall.Inode, recall.Grant, recall.To);
        }
    }

    public void Renew(ulong session) => _table.Renewed(new ClientId(session), (ulong)LeaseMs, NowMs);

    public LeaseMode ModeOf(ulong session, ulong inode) => _table.ModeOf(new ClientId(session), new InodeId(inode));

    /// <summary>Time passes, in steps in which nobody takes it for a pause; these sessions are heard of.</summary>
    public void Pass(long milliseconds, params ulong[] renewed)
    {
        for (var until = NowMs + milliseconds; NowMs < until;)
        {
            NowMs = Math.Min(until, NowMs + 100);
            foreach (var session in renewed)
            {
                Renew(session);
            }

            _table.Tick(NowMs);
        }
    }

    private LeaseTicket Enter(LeaseTicketKind kind, ulong session, LeaseNeedKind need, ulong[] inodes)
    {
        var ticket = new LeaseTicket(kind, new ClientId(session)) { WaitMs = 5_000 };
        foreach (var inode in inodes)
        {
            ticket.Need(need, inode);
        }

        _table.Enter(ticket, NowMs);
        return ticket;
    }
}
